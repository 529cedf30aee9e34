//! The event ring tells what a freeze did, in the order in which it was done.
use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    ring_tells_how_a_spinner_was_frozen,
    snapshot_keeps_what_it_has,
];

const SNAPSHOT: &str = "/sys/kernel/tracing/snapshot";

/// What happens to a task, in this order, by the names of the events.
const LIFE: [&str; 6] = [
    "fake_signal",
    "ipi",
    "ipi_taken",
    "refrigerator_enter",
    "thaw",
    "refrigerator_leave",
];

/// How often a spinner is frozen until it is one that was in user space and
/// had to be interrupted, and was so before anything else came.
const ROUNDS: u32 = 10;

/// When each of these last happened to the task.
fn times(trace: &str, task: &str) -> Result<Vec<u64>> {
    let last = |name: &&str| {
        let time = |line: &str| -> Option<u64> {
            let words: Vec<&str> = line.split(' ').collect();
            let ["event", time, _cpu, event, a, _b] = words[..] else {
                return None;
            };
            time.parse().ok().filter(|_| event == *name && a == task)
        };
        let last = trace.lines().filter_map(time).max();
        last.with_context(|| format!("no {name} of task {task}:\n{trace}"))
    };
    LIFE.iter().map(last).collect()
}

// spec: U1 U2 R1
fn ring_tells_how_a_spinner_was_frozen() -> Result<()> {
    let mut firn = Setup::new().append("loglevel=1").boot()?;
    // A thaw right after the freeze may find the spinner still on its way to
    // sleep, and then has nobody to wake.
    firn.run("echo 1 > /sys/module/suspend/parameters/pm_test_delay")?;
    firn.run("echo freezer > /sys/power/pm_test")?;
    let mut round = 1;
    while let Err(why) = freeze_a_spinner(&mut firn) {
        ensure!(round < ROUNDS, "not once in {ROUNDS} rounds: {why:#}");
        round += 1;
    }
    firn.power_off()
}

/// Freezes a new spinner, and fails unless the ring tells of its life.
fn freeze_a_spinner(firn: &mut Firn) -> Result<()> {
    // Ours is the first CPU, so that the spinner's needs an interrupt.
    let command = format!(
        "taskset 2 spin & taskset 1 sh -c 'sleep 0.1; \
         echo mem > /sys/power/state; sleep 0.1; echo 1 > {SNAPSHOT}'"
    );
    firn.run(&command)?;
    let trace = firn.run(&format!("cat {SNAPSHOT}"))?;
    firn.run("kill $!; wait $!")?;
    let is_spinner = |line: &&str| line.ends_with(" spin");
    let line = trace.lines().find(is_spinner).context("no spinner")?;
    let task = line.split(' ').nth(1).context("no number")?;
    let times = times(&trace, task)?;
    ensure!(times.is_sorted(), "{LIFE:?} at {times:?}");
    Ok(())
}

fn snapshot_keeps_what_it_has() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let read = format!("grep ^event {SNAPSHOT}");
    ensure!(firn.run(&read)?.is_empty(), "something before anybody asked");
    firn.run(&format!("echo 1 > {SNAPSHOT}"))?;
    let first = firn.run(&read)?;
    ensure!(first.contains(" switch "), "no switches: {first}");
    ensure!(firn.run(&read)? == first, "it has changed");
    firn.run(&format!("echo 0 > {SNAPSHOT}"))?;
    ensure!(firn.run(&read)?.is_empty(), "it is not forgotten");
    firn.power_off()
}
