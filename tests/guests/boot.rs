//! Firn boots on every machine it promises to boot on.
use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    boots_on_one_cpu_with_little_memory,
    boots_on_eight_cpus,
    boots_with_much_memory,
    boots_at_el2,
];

fn boots(setup: Setup) -> Result<()> {
    let mut firn = setup.boot()?;
    let kernel = firn.run("uname -s")?;
    ensure!(kernel == "Linux\n", "uname says {kernel:?}");
    let version = firn.run("uname -r")?;
    ensure!(version.contains("firn"), "uname says {version:?}");
    firn.power_off()
}

fn boots_on_one_cpu_with_little_memory() -> Result<()> {
    boots(Setup::new().cpus(1).memory("128M").gic(2).cpu("cortex-a53"))
}

fn boots_on_eight_cpus() -> Result<()> {
    boots(Setup::new().cpus(8))
}

fn boots_with_much_memory() -> Result<()> {
    boots(Setup::new().memory("8G"))
}

fn boots_at_el2() -> Result<()> {
    boots(Setup::new().el2())
}
