//! What system calls promise, told by the guest's own program `check`.
//!
//! Its tests are grouped by area; each area runs on the usual machine, and
//! all of them on other numbers of CPUs.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::results::{ensure_passed, ensure_passed_without};
use tests::setup::Setup;

pub const TESTS: &[Test] = tests::list![
    processes_keep_their_promises,
    execution_keeps_its_promises,
    stopping_keeps_its_promises,
    signals_keep_their_promises,
    pipes_keep_their_promises,
    descriptors_keep_their_promises,
    files_keep_their_promises,
    memory_keeps_its_promises,
    time_keeps_its_promises,
    futexes_keep_their_promises,
    scheduling_keeps_its_promises,
    edges_keep_their_promises,
    terminals_keep_their_promises,
    shells_keep_their_promises,
    cpus_keep_their_promises,
    tracing_keeps_its_promises,
    groups_keep_their_promises,
    claims_timers_and_traits_keep_their_promises,
    sockets_and_nameless_files_keep_their_promises,
    nothing_takes_for_ever,
    every_area_is_in_this_list,
    all_promises_hold_on_one_cpu_with_little_memory,
    all_promises_hold_on_two_cpus,
    all_promises_hold_on_eight_cpus,
];

const AREAS: &[&str] = &[
    "process",
    "execute",
    "stop",
    "signal",
    "pipe",
    "descriptor",
    "file",
    "memory",
    "time",
    "futex",
    "schedule",
    "edge",
    "terminal",
    "shell",
    "freezer-task",
    "freezer-signal",
    "freezer-wait",
    "freezer-power",
    "freezer-wakeup",
    "trace-stop",
    "trace-register",
    "trace-event",
    "cpu",
    "group-tree",
    "group-member",
    "group-signal",
    "group-trace",
    "group-wait",
    "group-face",
    "group-kind",
    "group-release",
    "notify",
    "claim",
    "timer",
    "traits",
    "socket",
    "memfd",
    "long",
];

/// All tests of `check`, one after the other, on a busy host.
const LIMIT: Duration = Duration::from_secs(300);

fn check(setup: Setup, words: &str) -> Result<()> {
    check_and(setup, words, ensure_passed)
}

fn check_and(
    setup: Setup,
    words: &str,
    judge: impl Fn(&str) -> Result<()>,
) -> Result<()> {
    let mut firn = setup.boot()?;
    let output = firn.run_within(&format!("check {words}"), LIMIT)?;
    judge(&output)?;
    firn.power_off()
}

fn processes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "process")
}

fn tracing_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "trace-stop trace-register trace-event")
}

fn groups_keep_their_promises() -> Result<()> {
    let areas = "group-tree group-member group-signal group-trace group-wait \
         group-face group-kind group-release notify";
    check(Setup::new().append("loglevel=4"), areas)
}

fn claims_timers_and_traits_keep_their_promises() -> Result<()> {
    check(Setup::new(), "claim timer traits")
}

fn sockets_and_nameless_files_keep_their_promises() -> Result<()> {
    check(Setup::new(), "socket memfd")
}

fn nothing_takes_for_ever() -> Result<()> {
    check(Setup::new().cpus(1), "long")
}

fn execution_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "execute")
}

fn stopping_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "stop")
}

fn signals_keep_their_promises() -> Result<()> {
    check(Setup::new(), "signal")
}

fn pipes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "pipe")
}

fn descriptors_keep_their_promises() -> Result<()> {
    check(Setup::new(), "descriptor")
}

fn files_keep_their_promises() -> Result<()> {
    check(Setup::new(), "file")
}

fn memory_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "memory")
}

fn time_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "time")
}

fn futexes_keep_their_promises() -> Result<()> {
    check(Setup::new(), "futex")
}

fn scheduling_keeps_its_promises() -> Result<()> {
    check(Setup::new(), "schedule")
}

fn edges_keep_their_promises() -> Result<()> {
    check(Setup::new(), "edge")
}

fn terminals_keep_their_promises() -> Result<()> {
    check(Setup::new(), "terminal")
}

fn shells_keep_their_promises() -> Result<()> {
    check(Setup::new(), "shell")
}

// spec: O4 M5
fn cpus_keep_their_promises() -> Result<()> {
    check(Setup::new().cpus(8), "cpu")
}

fn every_area_is_in_this_list() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let list = firn.run("check --list")?;
    for line in list.lines() {
        let area = line.split_whitespace().next().unwrap_or("");
        ensure!(AREAS.contains(&area), "nothing runs the area {area:?}");
    }
    firn.power_off()
}

fn all_promises_hold_on_one_cpu_with_little_memory() -> Result<()> {
    let setup = Setup::new().cpus(1).memory("128M").gic(2);
    check_and(setup.cpu("cortex-a53"), "", |output| {
        ensure_passed_without(output, "/sys/devices/system/cpu/cpu1")
    })
}

fn all_promises_hold_on_two_cpus() -> Result<()> {
    check(Setup::new().cpus(2), "")
}

fn all_promises_hold_on_eight_cpus() -> Result<()> {
    check(Setup::new().cpus(8), "")
}
