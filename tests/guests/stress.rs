//! Firn under load. Short by default; `cargo xtask test --long` runs the full
//! figures.
//!
//! The load is the guest's own program `check`: `--random` makes random
//! system calls, `--stress` the rest, each with a number of rounds.
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::results::ensure_passed;
use tests::setup::{Setup, is_long};

pub const TESTS: &[Test] = tests::list![
    nothing_runs_while_frozen_and_all_goes_on_after,
    one_cpu_freezes_and_goes_on,
    eight_cpus_freeze_and_go_on,
    crowd_of_sleepers_is_frozen_and_reaped,
    groups_freeze_whatever_is_in_them,
    a_group_of_five_thousand_freezes,
    freezes_lose_no_memory,
    random_calls_neither_crash_nor_leak,
    random_calls_on_one_cpu_neither_crash_nor_leak,
    short_lives_leave_nothing_behind,
    memory_in_random_pieces_is_right,
    broken_programs_are_refused_or_end,
    storms_of_signals_are_weathered,
    greedy_programs_are_killed,
    kernel_memory_is_not_used_up_by_programs,
    many_small_programs_are_killed_before_their_parent,
    nobody_takes_the_machine_down,
    cpus_come_and_go_under_load,
    cpus_of_smaller_machines_come_and_go_too,
];

/// Reported as ignored without `--long`: these take the host's memory too.
pub const ONLY_LONG: &[Test] = tests::list![large_memories_run_out];

/// Within this a run comes to its end even on a slow host: the short one, and
/// the one with full figures.
fn limit() -> Duration {
    let seconds = if is_long() { 6 * 3600 } else { 300 };
    Duration::from_secs(seconds)
}

/// The figure for a short run or for the full one.
fn rounds(short: u32, long: u32) -> u32 {
    if is_long() { long } else { short }
}

/// Runs stress tests with their rounds, on one machine.
fn stress(setup: Setup, tests: &[(&str, u32)]) -> Result<()> {
    let mut firn = setup.append("loglevel=4").boot()?;
    for (name, rounds) in tests {
        let command = format!("check --stress {name} {rounds}");
        let output = firn.run_within(&command, limit())?;
        if is_long() {
            println!("{output}");
        }
        ensure_passed(&output)?;
    }
    firn.power_off()
}

// spec: C2 F1 O3 O7 U2 U4
fn nothing_runs_while_frozen_and_all_goes_on_after() -> Result<()> {
    stress(Setup::new(), &[("freeze", rounds(200, 10_000))])
}

fn freezes_lose_no_memory() -> Result<()> {
    stress(Setup::new(), &[("freeze-loss", rounds(60, 10_000))])
}

// spec: P1 P2 P3 P4 V5 V6 V7 V8 N5 N8
fn groups_freeze_whatever_is_in_them() -> Result<()> {
    let tests = [
        ("group", rounds(10, 1000)),
        ("group-deep", rounds(50, 1000)),
        ("group-wide", rounds(5, 1000)),
    ];
    stress(Setup::new(), &tests)
}

// spec: V4 V5
fn a_group_of_five_thousand_freezes() -> Result<()> {
    stress(Setup::new(), &[("group-crowd", rounds(5, 1000))])
}

// spec: C2 U2
fn one_cpu_freezes_and_goes_on() -> Result<()> {
    let setup = Setup::new().cpus(1).memory("128M").gic(2);
    stress(setup, &[("freeze", rounds(20, 1000))])
}

// spec: C2 U2
fn eight_cpus_freeze_and_go_on() -> Result<()> {
    stress(Setup::new().cpus(8), &[("freeze", rounds(20, 1000))])
}

// spec: O4 L1
fn cpus_come_and_go_under_load() -> Result<()> {
    stress(Setup::new().cpus(8), &[("cpus", rounds(10, 200))])
}

// spec: O4
fn cpus_of_smaller_machines_come_and_go_too() -> Result<()> {
    let work = &[("cpus", rounds(10, 200))];
    stress(Setup::new().cpus(4).gic(2), work)?;
    stress(Setup::new().cpus(2), work)
}

fn crowd_of_sleepers_is_frozen_and_reaped() -> Result<()> {
    stress(Setup::new(), &[("crowd", rounds(1000, 5000))])
}

fn random_calls(setup: Setup, calls: u32, seed: u32) -> Result<()> {
    let mut firn = setup.append("loglevel=4").boot()?;
    let command = format!("check --random {calls} {seed}; echo status $?");
    let output = firn.run_within(&command, limit())?;
    if is_long() {
        println!("{output}");
    }
    ensure!(output.ends_with("status 0\n"), "{output}");
    firn.power_off()
}

fn random_calls_neither_crash_nor_leak() -> Result<()> {
    random_calls(Setup::new(), rounds(40_000, 1_900_000), 1)
}

fn random_calls_on_one_cpu_neither_crash_nor_leak() -> Result<()> {
    let setup = Setup::new().cpus(1).memory("128M").gic(2);
    random_calls(setup, rounds(10_000, 100_000), 2)
}

fn short_lives_leave_nothing_behind() -> Result<()> {
    let tests = [
        ("leak", rounds(100, 1000)),
        ("orphan", rounds(50, 1000)),
        ("churn", rounds(50, 1000)),
    ];
    stress(Setup::new(), &tests)
}

fn memory_in_random_pieces_is_right() -> Result<()> {
    let tests = [("map", rounds(2000, 100_000)), ("stack", rounds(1, 20))];
    stress(Setup::new(), &tests)
}

fn broken_programs_are_refused_or_end() -> Result<()> {
    stress(Setup::new(), &[("program", rounds(200, 10_000))])
}

fn storms_of_signals_are_weathered() -> Result<()> {
    let tests = [("storm", rounds(500, 20_000)), ("frame", rounds(200, 5000))];
    stress(Setup::new(), &tests)
}

/// Memory, processes, files and pipes, until there is no more.
fn greedy_programs_are_killed() -> Result<()> {
    let tests = [
        ("hog", rounds(1, 20)),
        ("growth", rounds(1, 10)),
        ("bomb", rounds(1, 10)),
    ];
    stress(Setup::new().memory("128M"), &tests)
}

/// Nobody's programs make the kernel keep things, until there is no more.
fn kernel_memory_is_not_used_up_by_programs() -> Result<()> {
    let tests = [("hoard", rounds(1, 10)), ("links", rounds(1, 10))];
    stress(Setup::new().memory("128M"), &tests)
}

fn many_small_programs_are_killed_before_their_parent() -> Result<()> {
    stress(Setup::new().memory("128M"), &[("sleepers", rounds(1, 10))])
}

/// Every kind of object, until it is refused, by a user.
fn nobody_takes_the_machine_down() -> Result<()> {
    stress(Setup::new().memory("128M"), &[("exhaust", rounds(1, 10))])
}

fn large_memories_run_out() -> Result<()> {
    for memory in ["1G", "4G"] {
        let tests = [("hog", 2), ("sleepers", 1), ("exhaust", 1)];
        stress(Setup::new().memory(memory), &tests)?;
    }
    Ok(())
}
