//! `cargo xtask bench`: what things cost, beside what they cost on Linux.
//!
//! One run in QEMU's repeatable mode: an instruction is a nanosecond, so two
//! runs of the same image give the same figures whatever the host does. The
//! guest's program `bench` measures; we add what only the host can see.
mod linux;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::build::build;
use super::setup::find_qemu;
use crate::layout::Profile;
use crate::qemu::guest::{Guest, PATIENCE};
use crate::qemu::machine::Machine;
use crate::toolchain::Consent;
use table::Row;

/// All benchmarks together take minutes on a slow host.
const LIMIT: Duration = Duration::from_secs(1800);

/// Memory of the measured machine.
const MEMORY_KIB: f64 = 1_048_576.0;

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Arguments {
    /// Measures and prints the table.
    ///
    /// # Errors
    /// The guest did not measure everything to the end, or a figure is over
    /// its limit.
    pub fn run(self) -> Result<()> {
        // An error in minutes would be one too late.
        if let Some(path) = &self.json {
            ensure_writable(path)?;
        }
        find_qemu(Consent::Install)?;
        let files = build(Profile::Release)?;
        let image = fs::metadata(&files.image)?.len();
        let machine =
            Machine { is_repeatable: true, ..Machine::new(files.image)? };
        let mut rows = measure(Guest::start(&machine)?)?;
        rows.insert(0, Row::new("image", image as f64 / 1024.0, "KiB"));
        print!("{}", table::table(&rows));
        if let Some(path) = self.json {
            let text = format!("{:#}\n", table::json(&rows));
            fs::write(&path, text)
                .with_context(|| path.display().to_string())?;
        }
        let over: Vec<&str> = rows
            .iter()
            .filter(|row| row.is_over_limit())
            .map(|row| row.name.as_str())
            .collect();
        ensure!(over.is_empty(), "over the limit: {}", over.join(", "));
        Ok(())
    }
}

/// Fails unless the file can be written; leaves what is in it.
fn ensure_writable(path: &Path) -> Result<()> {
    let mut options = fs::File::options();
    let opened = options.create(true).append(true).open(path);
    opened
        .map(|_| ())
        .with_context(|| format!("cannot write {}", path.display()))
}

fn measure(mut guest: Guest) -> Result<Vec<Row>> {
    guest.wait_for_prompt(PATIENCE).context("booting")?;
    let mut rows = memory_rows(&guest.run("cat /proc/meminfo")?)?;
    rows.insert(0, boot_row(&guest.run("dmesg")?)?);
    let output = guest.run_within("bench; echo status $?", LIMIT)?;
    ensure!(output.ends_with("status 0\n"), "bench failed:\n{output}");
    let figures = table::read(&output);
    ensure!(!figures.is_empty(), "bench printed no figures:\n{output}");
    rows.extend(table::with_sums(figures));
    guest.power_off()?;
    Ok(rows)
}

/// Memory that nobody can have: used after boot, and never given out.
fn memory_rows(meminfo: &str) -> Result<Vec<Row>> {
    let field = |name: &str| -> Result<f64> {
        meminfo
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|value| value.trim().strip_suffix(" kB")?.parse().ok())
            .with_context(|| format!("no {name} in /proc/meminfo"))
    };
    let total = field("MemTotal")?;
    let used = total - field("MemAvailable")?;
    Ok(vec![
        Row::new("memory_used", used, "KiB"),
        Row::new("memory_reserved", MEMORY_KIB - total, "KiB"),
    ])
}

/// Time from the kernel's entry to the first user instruction.
fn boot_row(log: &str) -> Result<Row> {
    let time = log
        .lines()
        .find_map(|line| line.split_once("first user instruction after "))
        .and_then(|(_, rest)| rest.split_once(" us")?.0.parse().ok())
        .context("the log does not tell the time to the first instruction")?;
    Ok(Row::new("boot", time, "us"))
}
