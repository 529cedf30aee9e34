//! Firn under load. Short by default; `cargo xtask test --long` runs the full
//! figures.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::{Setup, is_long};

pub const TESTS: &[Test] = tests::list![
    random_calls_neither_crash_nor_leak,
    random_calls_on_one_cpu_neither_crash_nor_leak,
];

/// Even the full figures come to their end within this on a slow host.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

fn random_calls(setup: Setup, seed: u32) -> Result<()> {
    let calls = if is_long() { 2_000_000 } else { 50_000 };
    let mut firn = setup.boot()?;
    let command = format!("check --random {calls} {seed}; echo status $?");
    let output = firn.run_within(&command, LIMIT)?;
    ensure!(output.ends_with("status 0\n"), "{output}");
    firn.power_off()
}

fn random_calls_neither_crash_nor_leak() -> Result<()> {
    random_calls(Setup::new(), 1)
}

fn random_calls_on_one_cpu_neither_crash_nor_leak() -> Result<()> {
    random_calls(Setup::new().cpus(1).memory("128M"), 2)
}
