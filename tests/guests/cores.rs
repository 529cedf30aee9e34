//! A task pinned to each CPU is frozen, the CPUs go off and on meanwhile, and
//! after the thaw each task runs on where it was. With the commands that a
//! board's README tells a person to type.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

use crate::board::on_boards;

pub const TESTS: &[Test] = tests::list![
    tasks_on_each_cpu_stay_frozen_while_the_others_go_off_and_on,
    tasks_on_each_cpu_outlast_a_suspend_that_turns_the_others_off,
];

pub const BOARDS: &[Test] = tests::list![
    tasks_on_each_core_of_boards_stay_frozen_while_others_go_off_and_on,
    tasks_on_each_core_of_boards_outlast_a_suspend,
];

const GROUP: &str = "/sys/fs/cgroup/cores";

const ONLINE: &str = "/sys/devices/system/cpu/online";

/// Time for every spinner to get its turn on a busy host.
const LIMIT: Duration = Duration::from_secs(60);

// spec: V4 V5
fn tasks_on_each_cpu_stay_frozen_while_the_others_go_off_and_on() -> Result<()>
{
    stay_frozen(Setup::new().cpus(8))
}

// spec: M5 O4
fn tasks_on_each_cpu_outlast_a_suspend_that_turns_the_others_off() -> Result<()>
{
    outlast_a_suspend(Setup::new().cpus(8))
}

fn tasks_on_each_core_of_boards_stay_frozen_while_others_go_off_and_on()
-> Result<()> {
    on_boards(|_, setup| stay_frozen(setup))
}

fn tasks_on_each_core_of_boards_outlast_a_suspend() -> Result<()> {
    on_boards(|_, setup| outlast_a_suspend(setup))
}

/// A machine on which a spinner is pinned to each CPU, in a group.
struct Pinned {
    firn: Firn,
    cpus: u32,
}

impl Pinned {
    fn new(setup: Setup) -> Result<Pinned> {
        let cpus = setup.count_cpus();
        let mut firn = setup.boot()?;
        firn.run("mount -t cgroup -o freezer freezer /sys/fs/cgroup")?;
        firn.run(&format!("mkdir {GROUP}"))?;
        let masks: String =
            (0..cpus).map(|cpu| format!(" {:x}", 1 << cpu)).collect();
        let start = format!(
            "pids=; for mask in{masks}; do taskset $mask spin & \
             pids=\"$pids $!\"; echo $! > {GROUP}/cgroup.procs; done"
        );
        firn.run(&start)?;
        let mut pinned = Pinned { firn, cpus };
        pinned.ensure_all_run_at_home()?;
        Ok(pinned)
    }

    /// Of each spinner: its state, its CPU, and the time it has used.
    fn look(&mut self) -> Result<Vec<(char, u32, u64)>> {
        let text = self.firn.run(
            "for p in $pids; do set -- $(cat /proc/$p/stat); \
             echo $3 on CPU ${39} ran ${14}; done",
        )?;
        let spinner = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let [state, "on", "CPU", cpu, "ran", time] = words[..] else {
                return None;
            };
            let state = state.parse().ok()?;
            Some((state, cpu.parse().ok()?, time.parse().ok()?))
        };
        let all: Option<Vec<_>> = text.lines().map(spinner).collect();
        let all = all.with_context(|| format!("what is this: {text:?}"))?;
        let count = all.len();
        ensure!(count == self.cpus as usize, "{count} spinners: {text}");
        Ok(all)
    }

    /// Each runs on, on its own CPU.
    fn ensure_all_run_at_home(&mut self) -> Result<()> {
        let before = self.look()?;
        let end = Instant::now() + LIMIT;
        loop {
            let now = self.look()?;
            let mut pairs = (0..).zip(before.iter().zip(&now));
            if pairs.all(|(home, (old, new))| new.1 == home && new.2 > old.2) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("{before:?} became {now:?}");
            }
        }
    }

    fn ensure_says(&mut self, command: &str, expected: &str) -> Result<()> {
        let output = self.firn.run(command)?;
        ensure!(output == expected, "`{command}` says {output:?}");
        Ok(())
    }

    /// Freezes the group, and waits until all its tasks are frozen.
    fn freeze(&mut self) -> Result<()> {
        let state = format!("{GROUP}/freezer.state");
        self.ensure_says(&format!("echo FROZEN > {state}"), "")?;
        let all = format!("until grep -q FROZEN {state}; do sleep 0.01; done");
        self.ensure_says(&all, "")
    }

    /// Turns all CPUs but the first off or on; `online` are those after it.
    fn turn_others(&mut self, state: u32, online: &str) -> Result<()> {
        let last = self.cpus - 1;
        let command = format!(
            "for n in $(seq {last}); do \
             echo {state} > /sys/devices/system/cpu/cpu$n/online; done"
        );
        self.ensure_says(&command, "")?;
        self.ensure_says(&format!("cat {ONLINE}"), online)
    }

    fn all_cpus(&self) -> String {
        format!("0-{}\n", self.cpus - 1)
    }
}

fn stay_frozen(setup: Setup) -> Result<()> {
    // What the kernel says of CPUs that go would stand between the answers.
    let mut pinned = Pinned::new(setup.append("loglevel=1"))?;
    let all = pinned.all_cpus();
    let state = format!("cat {GROUP}/freezer.state");
    pinned.freeze()?;
    pinned.ensure_says(&state, "FROZEN\n")?;
    let frozen = pinned.look()?;
    pinned.turn_others(0, "0\n")?;
    pinned.ensure_says(&state, "FROZEN\n")?;
    pinned.turn_others(1, &all)?;
    pinned.ensure_says(&state, "FROZEN\n")?;
    let after = pinned.look()?;
    ensure!(frozen == after, "frozen, {frozen:?} became {after:?}");
    ensure!(after.iter().all(|(state, ..)| *state == 'D'), "{after:?}");
    pinned.ensure_says(&format!("echo THAWED > {GROUP}/freezer.state"), "")?;
    pinned.ensure_all_run_at_home()?;

    // Thawed while their CPUs are off, they run on what is left and go home.
    pinned.freeze()?;
    pinned.turn_others(0, "0\n")?;
    pinned.ensure_says(&format!("echo THAWED > {GROUP}/freezer.state"), "")?;
    pinned.ensure_says(&state, "THAWED\n")?;
    pinned.turn_others(1, &all)?;
    pinned.ensure_all_run_at_home()?;
    pinned.firn.power_off()
}

/// How often the system is frozen in a row.
const FREEZES: u32 = 20;

fn outlast_a_suspend(setup: Setup) -> Result<()> {
    let mut pinned = Pinned::new(setup)?;
    let firn = &mut pinned.firn;
    firn.run(&format!(
        "echo 0 > /sys/module/suspend/parameters/pm_test_delay; \
         echo freezer > /sys/power/pm_test; for i in $(seq {FREEZES}); do \
         echo mem > /sys/power/state; done"
    ))?;
    let success = "cat /sys/power/suspend_stats/success";
    pinned.ensure_says(success, &format!("{FREEZES}\n"))?;
    pinned.ensure_all_run_at_home()?;
    // All the way, with the other CPUs off, until a key.
    let firn = &mut pinned.firn;
    firn.run("echo none > /sys/power/pm_test")?;
    let start = firn.transcript().len();
    firn.send("echo mem > /sys/power/state\n")?;
    firn.wait_for("PM: suspend-to-idle", start, LIMIT)?;
    // No line end: an empty line would be answered with one more prompt.
    firn.send(" ")?;
    firn.wait_for("PM: suspend exit", start, LIMIT)?;
    firn.wait_for_prompt(LIMIT)?;
    let said = firn.transcript()[start..].to_owned();
    for cpu in 1..pinned.cpus {
        ensure!(said.contains(&format!("CPU{cpu} is up")), "{said}");
    }
    pinned.ensure_says(&format!("cat {ONLINE}"), &pinned.all_cpus())?;
    pinned.ensure_says(success, &format!("{}\n", FREEZES + 1))?;
    pinned.ensure_all_run_at_home()?;
    pinned.firn.power_off()
}
