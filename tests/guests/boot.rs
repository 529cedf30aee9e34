//! Firn boots on every machine it promises to boot on.
use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    boots_on_one_cpu_with_little_memory,
    boots_on_eight_cpus,
    boots_with_much_memory,
    boots_at_el2,
    words_for_a_kernel_do_not_reach_the_first_program,
    words_limit_the_cpus_at_the_start,
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

fn words_for_a_kernel_do_not_reach_the_first_program() -> Result<()> {
    let words = "nokaslr ro rootfstype=ext4 mem=1G audit=0 printk.time=1 \
                 systemd.unit=x quiet loglevel=junk nr_cpus=x panic=x \
                 freezer.slow=abc FLAVOUR=sour TERM=dumb -- ro";
    let mut firn = Setup::new().append(words).boot()?;
    ensure!(!firn.transcript().contains("Firn 0"), "it is not quiet");
    let arguments = firn.run("cat /proc/1/cmdline; echo")?;
    ensure!(arguments == "/init\0ro\0\n", "init has {arguments:?}");
    let environment = firn.run("cat /proc/1/environ; echo")?;
    let expected = "HOME=/\0FLAVOUR=sour\0TERM=dumb\0\n";
    ensure!(environment == expected, "init has {environment:?}");
    let warnings = firn.run("dmesg | grep 'makes no sense'")?;
    let told: Vec<&str> = warnings
        .lines()
        .filter_map(|line| line.split_once("Command line: "))
        .filter_map(|(_, rest)| rest.split(' ').next())
        .collect();
    let wrong = ["loglevel=junk", "nr_cpus=x", "panic=x", "freezer.slow=abc"];
    ensure!(told == wrong, "it warns of {told:?}");
    firn.power_off()
}

fn words_limit_the_cpus_at_the_start() -> Result<()> {
    for (words, expected) in [("maxcpus=2", "0-1\n"), ("nosmp", "0\n")] {
        let mut firn =
            Setup::new().cpus(4).append("quiet").append(words).boot()?;
        let online = firn.run("cat /sys/devices/system/cpu/online")?;
        ensure!(online == expected, "{words}: {online:?} are online");
        let turned_on = firn.run(
            "echo 1 > /sys/devices/system/cpu/cpu3/online; \
             cat /sys/devices/system/cpu/online",
        )?;
        let expected = format!("{},3\n", expected.trim());
        ensure!(turned_on == expected, "{words}: {turned_on:?} after CPU 3");
        firn.power_off()?;
    }
    Ok(())
}
