//! What programs see of a freeze, told by the guest's own program `check`,
//! and freezes of every machine that Firn runs on.
//!
//! Typing at the prompt is in `freeze.rs`; the areas on one, two and eight
//! CPUs are part of all promises, in `check.rs`.
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::results::ensure_passed;
use tests::setup::{Setup, is_long};

pub const TESTS: &[Test] = tests::list![
    programs_notice_no_freeze,
    every_machine_freezes_and_goes_on,
    separate_archive_is_the_root_of_a_machine_that_freezes,
];

/// All areas of the freezer, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);

const AREAS: &str = "freezer-task freezer-signal freezer-wait freezer-power \
     freezer-wakeup";

/// The console shows nothing of the kernel, so that lines stay whole.
fn silent() -> Setup {
    Setup::new().append("loglevel=1")
}

// spec: U1 U2 S1 S3 G1 G3 G4 G7 X8 M1 M3 M4
fn programs_notice_no_freeze() -> Result<()> {
    let mut firn = silent().boot()?;
    let rounds = if is_long() { 20 } else { 1 };
    for round in 1..=rounds {
        let output = firn.run_within(&format!("check {AREAS}"), LIMIT)?;
        ensure_passed(&output).with_context(|| format!("round {round}"))?;
    }
    firn.power_off()
}

/// CPUs, memory, version of the interrupt controller, model.
type Shape = (u32, &'static str, u32, &'static str);

const SHAPES: [Shape; 5] = [
    (1, "128M", 2, "cortex-a53"),
    (2, "1G", 3, "max"),
    (2, "4G", 2, "cortex-a72"),
    (4, "4G", 3, "cortex-a76"),
    (8, "1G", 2, "cortex-a72"),
];

/// Freezes without a delay, as often as asked for.
fn freezes(count: u32) -> String {
    format!(
        "echo 0 > /sys/module/suspend/parameters/pm_test_delay; \
         echo freezer > /sys/power/pm_test; for i in $(seq {count}); do \
         echo mem > /sys/power/state || echo failed; done"
    )
}

fn ensure_freezes(setup: Setup) -> Result<()> {
    let mut firn = setup.boot()?;
    firn.run("sleep 1000 & spin & spin &")?;
    let output = firn.run(&freezes(10))?;
    ensure!(output.is_empty(), "it says {output:?}");
    let count = firn.run("cat /sys/power/suspend_stats/success")?;
    ensure!(count == "10\n", "success says {count:?}");
    let tasks = firn.run("ps")?;
    let count = |name| tasks.lines().filter(|l| l.ends_with(name)).count();
    let left = (count("spin"), count("sleep 1000"));
    ensure!(left == (2, 1), "spinners and sleepers: {left:?}:\n{tasks}");
    firn.power_off()
}

// spec: O3 U2 C2
fn every_machine_freezes_and_goes_on() -> Result<()> {
    for shape in SHAPES {
        let (cpus, memory, gic, cpu) = shape;
        let setup = silent().cpus(cpus).memory(memory).gic(gic).cpu(cpu);
        ensure_freezes(setup).with_context(|| format!("{shape:?}"))?;
    }
    Ok(())
}

fn separate_archive_is_the_root_of_a_machine_that_freezes() -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("words");
    std::fs::write(&file, "from the host\n")?;
    let mut firn = silent().add(&file, "/etc/words").boot()?;
    ensure!(firn.run(&freezes(1))?.is_empty(), "the freeze failed");
    let text = firn.run("cat /etc/words")?;
    ensure!(text == "from the host\n", "the file says {text:?}");
    firn.power_off()
}
