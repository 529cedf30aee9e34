//! The kernel's tests of itself, which need the machine: vectors, timer,
//! interrupts, rights of memory. `firn.selftest=1` runs them at boot and ends
//! the machine.
use anyhow::Result;

use tests::catalog::Test;
use tests::results::ensure_passed;
use tests::setup::{BOOT, Setup};

pub const TESTS: &[Test] = tests::list![
    kernel_passes_its_tests_on_one_cpu,
    kernel_passes_its_tests_on_two_cpus,
    kernel_passes_its_tests_on_four_cpus,
    kernel_passes_its_tests_on_eight_cpus_with_gic_2: Choice,
    kernel_passes_its_tests_at_el2,
    kernel_passes_its_tests_on_every_cpu_model: Choice,
];

fn ensure_selftest(setup: Setup) -> Result<()> {
    let mut firn = setup.append("firn.selftest=1").start()?;
    firn.wait_for_end(BOOT)?;
    ensure_passed(firn.transcript())
}

fn kernel_passes_its_tests_on_one_cpu() -> Result<()> {
    ensure_selftest(Setup::new().cpus(1))
}

fn kernel_passes_its_tests_on_two_cpus() -> Result<()> {
    ensure_selftest(Setup::new().cpus(2))
}

fn kernel_passes_its_tests_on_four_cpus() -> Result<()> {
    ensure_selftest(Setup::new())
}

fn kernel_passes_its_tests_on_eight_cpus_with_gic_2() -> Result<()> {
    ensure_selftest(Setup::new().cpus(8).gic(2))
}

fn kernel_passes_its_tests_at_el2() -> Result<()> {
    ensure_selftest(Setup::new().el2())
}

fn kernel_passes_its_tests_on_every_cpu_model() -> Result<()> {
    for model in ["cortex-a53", "cortex-a57", "cortex-a76", "max"] {
        ensure_selftest(Setup::new().cpus(2).cpu(model))?;
    }
    Ok(())
}
