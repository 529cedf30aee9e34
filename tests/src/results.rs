//! Tests that run inside a guest, as they tell of themselves.
//!
//! Their lines are those of cargo's tests: `test NAME ... ok`, and at the
//! end `N passed, N failed`.
#[cfg(test)]
mod tests;

use anyhow::{Result, bail, ensure};

use crate::setup::chosen_board;

/// Fails unless `output` closes with a count in which no test failed and at
/// least one passed; names those that failed.
///
/// # Errors
/// A test failed, or they did not come to their end.
pub fn ensure_passed(output: &str) -> Result<()> {
    let Some((passed, failed)) = output.lines().rev().find_map(count) else {
        bail!("the tests in the guest did not come to their end");
    };
    let names: Vec<&str> = output.lines().filter_map(failure).collect();
    let names = names.join("; ");
    ensure!(failed == 0, "{failed} failed in the guest: {names}");
    ensure!(passed > 0, "no test ran in the guest");
    // A board may lack a device that a test needs; the usual machine has all.
    let ignored = output.lines().find(|line| line.contains("... ignored: "));
    match ignored.filter(|_| chosen_board().is_none()) {
        Some(line) => bail!("a test did not run: {line}"),
        None => Ok(()),
    }
}

/// As [`ensure_passed`], on a board that may lack what some tests need.
///
/// # Errors
/// A test failed, or they did not come to their end.
pub fn ensure_passed_on_board(output: &str) -> Result<()> {
    let is_run = |line: &&str| !line.contains("... ignored: ");
    let run: Vec<&str> = output.lines().filter(is_run).collect();
    ensure_passed(&run.join("\n"))
}

/// As [`ensure_passed`], on a machine without `file`, which some tests need.
///
/// # Errors
/// A test failed, or they did not come to their end.
pub fn ensure_passed_without(output: &str, file: &str) -> Result<()> {
    let is_excused =
        |line: &str| line.contains("... ignored: ") && line.ends_with(file);
    let rest = output.lines().filter(|line| !is_excused(line));
    ensure_passed(&rest.collect::<Vec<&str>>().join("\n"))
}

/// The numbers of a line that says `N passed, N failed` and no more, but for
/// the time stamp of a log.
fn count(line: &str) -> Option<(u32, u32)> {
    let (passed, failed) = without_stamp(line).split_once(" passed, ")?;
    let failed = failed.strip_suffix(" failed")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

/// The name of a test that failed, and why where the line says so.
fn failure(line: &str) -> Option<&str> {
    let line = without_stamp(line).strip_prefix("test ")?;
    line.contains("... FAILED").then_some(line)
}

fn without_stamp(line: &str) -> &str {
    match line.split_once("] ") {
        Some((stamp, rest)) if stamp.starts_with('[') => rest,
        _ => line,
    }
}
