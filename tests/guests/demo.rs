//! The plays of the guest's program `demo` show what they say.
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    shells_notice_a_stop_and_no_freeze,
    batch_system_parks_and_resumes_jobs,
    parent_is_told_of_stops_and_not_of_freezes,
];

const LIMIT: Duration = Duration::from_secs(120);

/// Plays a chapter twice: it cleans up. Fails unless these are parts of what
/// it prints, in this order.
fn ensure_plays(name: &str, expected: &[&str]) -> Result<()> {
    let mut firn = Setup::new().append("loglevel=1").boot()?;
    let list = firn.run("demo")?;
    ensure!(list.contains(name), "not in the list:\n{list}");
    for _ in 0..2 {
        let command = format!("demo {name}; echo status $?");
        let text = firn.run_within(&command, LIMIT)?;
        let mut rest = text.as_str();
        for part in expected {
            let (_, after) = rest.split_once(part).with_context(|| {
                format!("no {part:?} in its place:\n{text}")
            })?;
            rest = after;
        }
        ensure!(text.ends_with("status 0\n"), "it failed:\n{text}");
    }
    firn.power_off()
}

// spec: G7
fn shells_notice_a_stop_and_no_freeze() -> Result<()> {
    let expected = [
        "outer: my inner shell came back with status 147",
        "the group is FROZEN",
        "the group is THAWED",
        "the outer shell still waits and has said nothing",
        "outer: my inner shell came back with status 137",
    ];
    ensure_plays("shells", &expected)
}

// spec: G1
fn batch_system_parks_and_resumes_jobs() -> Result<()> {
    let expected = [
        "red: THAWED",
        "red: FROZEN",
        "green: FROZEN",
        "blue: THAWED",
        "red: THAWED",
        "green: FROZEN",
        "no job is left",
    ];
    ensure_plays("batch", &expected)
}

// spec: G4 G5 G6 G7
fn parent_is_told_of_stops_and_not_of_freezes() -> Result<()> {
    let expected = [
        "SIGSTOP ",
        "waitpid: it is stopped by signal 19",
        "SIGCONT ",
        "waitpid: it goes on",
        "freeze ",
        "waitpid: nothing",
        "thaw ",
        "waitpid: nothing",
        "SIGSTOP to the frozen child",
        "waitpid: nothing",
        "thaw ",
        "waitpid: it is stopped by signal 19",
        "freeze the stopped child",
        "waitpid: nothing",
        "SIGCONT to the frozen child",
        "waitpid: it goes on",
        "thaw ",
        "waitpid: nothing",
    ];
    ensure_plays("watch", &expected)
}
