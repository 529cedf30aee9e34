//! A person at the shell freezes the whole system and thaws it again.
//!
//! Everything here is typed and read at the prompt; what a program must not
//! notice is told by the guest's own program `check` (see `check.rs`).
use std::time::Duration;

use anyhow::{Result, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    freeze_of_eight_cpus_is_told_in_the_words_of_linux,
    freeze_of_the_smallest_machine_is_the_same,
    frozen_spinners_go_on_after_the_thaw,
    repeated_freezes_leave_nothing_behind,
    stubborn_thread_fails_the_freeze_and_is_named,
    refused_freeze_is_rolled_back,
    failed_freeze_is_counted,
    sleep_states_are_those_of_the_machine,
    test_levels_are_shown_and_checked,
    freeze_timeout_is_shown_and_checked,
    stale_wakeup_count_is_refused,
    hub_thread_handles_events_after_a_freeze,
    interrupt_key_kills_a_frozen_job_after_the_thaw,
    stop_key_stops_a_frozen_job_after_the_thaw,
];

/// Frozen for one second in place of five, up to the test level `freezer`.
const PREPARE: &str = "\
    echo 1 > /sys/module/suspend/parameters/pm_test_delay; \
    echo freezer > /sys/power/pm_test";

const FREEZE: &str = "echo mem > /sys/power/state; echo status $?";

/// Freezes and thaws everything; tells whether it succeeded.
fn freeze(firn: &mut Firn) -> Result<bool> {
    let output = firn.run(FREEZE)?;
    Ok(output.lines().any(|line| line == "status 0"))
}

/// The log's lines without time stamps, in the order they came.
pub fn log(firn: &mut Firn) -> Result<Vec<String>> {
    let text = firn.run("dmesg")?;
    let line = |line: &str| match line.split_once("] ") {
        Some((_, rest)) => rest.to_owned(),
        None => line.to_owned(),
    };
    Ok(text.lines().map(line).collect())
}

/// Fails unless `expected` are lines of `log`, in this order. A `#` stands
/// for any one digit.
pub fn ensure_in_order(log: &[String], expected: &[&str]) -> Result<()> {
    let mut rest = log.iter();
    for pattern in expected {
        let found = rest.any(|line| is_like(line, pattern));
        ensure!(found, "no line `{pattern}`, or not in its place");
    }
    Ok(())
}

fn is_like(line: &str, pattern: &str) -> bool {
    let same = |(have, want): (char, char)| {
        have == want || (want == '#' && have.is_ascii_digit())
    };
    line.len() == pattern.len() && line.chars().zip(pattern.chars()).all(same)
}

/// The lines of `ps` about commands with `name` in them: number and command.
pub fn tasks(firn: &mut Firn, name: &str) -> Result<Vec<String>> {
    let text = firn.run("ps")?;
    let lines = text.lines().filter(|line| line.contains(name));
    Ok(lines.map(task).collect())
}

fn task(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    [&words[..1], words.get(4..).unwrap_or(&[])].concat().join(" ")
}

fn ensure_freeze_is_told(setup: Setup) -> Result<()> {
    let mut firn = setup.boot()?;
    firn.run("sleep 1000 &")?;
    firn.run(PREPARE)?;
    let before = tasks(&mut firn, "sleep 1000")?;
    ensure!(before.len() == 1, "ps shows {before:?}");
    ensure!(freeze(&mut firn)?, "the freeze failed");
    // A busy host may make it last for seconds.
    let expected = [
        "Freezing user space processes ... (elapsed #.### seconds) done.",
        "OOM killer disabled.",
        "Freezing remaining freezable tasks ... \
         (elapsed #.### seconds) done.",
        "OOM killer enabled.",
        "Restarting tasks ... done.",
    ];
    ensure_in_order(&log(&mut firn)?, &expected)?;
    let after = tasks(&mut firn, "sleep 1000")?;
    ensure!(before == after, "{before:?} became {after:?}");
    firn.power_off()
}

// spec: L6 M3 O3
fn freeze_of_eight_cpus_is_told_in_the_words_of_linux() -> Result<()> {
    ensure_freeze_is_told(Setup::new().cpus(8))
}

// spec: L6 M3 O3
fn freeze_of_the_smallest_machine_is_the_same() -> Result<()> {
    let setup = Setup::new().cpus(1).memory("128M").gic(2);
    ensure_freeze_is_told(setup.cpu("cortex-a53"))
}

// spec: U2 U4 K7
fn frozen_spinners_go_on_after_the_thaw() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    for _ in 0..6 {
        firn.run("spin &")?;
    }
    firn.run(PREPARE)?;
    let before = tasks(&mut firn, "spin")?;
    ensure!(before.len() == 6, "ps shows {before:?}");
    ensure!(freeze(&mut firn)?, "the freeze failed");
    ensure!(tasks(&mut firn, "spin")? == before, "a spinner is gone");
    let used = |firn: &mut Firn| firn.run("cat /proc/[0-9]*/stat");
    let (first, second) = (used(&mut firn)?, used(&mut firn)?);
    ensure!(first != second, "no spinner has used time since the thaw");
    firn.power_off()
}

// spec: O7 C2
fn repeated_freezes_leave_nothing_behind() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    firn.run("sleep 1000 &")?;
    firn.run("spin &")?;
    firn.run(PREPARE)?;
    firn.run("echo 0 > /sys/module/suspend/parameters/pm_test_delay")?;
    for round in 1..=20 {
        ensure!(freeze(&mut firn)?, "freeze {round} failed");
    }
    let count = firn.run("cat /sys/power/suspend_stats/success")?;
    ensure!(count == "20\n", "success says {count:?}");
    firn.power_off()
}

/// A machine with a thread that does not freeze, which is given half a
/// second. Its time is counted in instructions: a busy host does not make the
/// half second longer.
fn stubborn() -> Result<Firn> {
    let setup = Setup::new().repeatable();
    let mut firn = setup.append("freezer.stubborn=1").boot()?;
    firn.run("echo 500 > /sys/power/pm_freeze_timeout")?;
    firn.run(PREPARE)?;
    firn.run("sleep 1000 &")?;
    Ok(firn)
}

// spec: U3 K6 L1 L5 L7
fn stubborn_thread_fails_the_freeze_and_is_named() -> Result<()> {
    let mut firn = stubborn()?;
    ensure!(!freeze(&mut firn)?, "the freeze succeeded");
    let expected = [
        "Freezing user space processes ... (elapsed 0.### seconds) done.",
        "Freezing of tasks failed after 0.5## seconds \
         (1 tasks refusing to freeze, wq_busy=0):",
    ];
    let log = log(&mut firn)?;
    ensure_in_order(&log, &expected)?;
    let names = |line: &&String| line.contains("stubborn");
    let named = log.iter().filter(names).any(|line| line.contains("wait"));
    ensure!(named, "the log does not tell what `stubborn` waits for");
    let stats = firn.run("cat /sys/power/freeze_stats")?;
    ensure!(stats.contains("stubborn"), "freeze_stats: {stats}");
    firn.power_off()
}

// spec: O2 O3 O7
fn refused_freeze_is_rolled_back() -> Result<()> {
    let mut firn = stubborn()?;
    let before = tasks(&mut firn, "sleep 1000")?;
    for _ in 0..2 {
        ensure!(!freeze(&mut firn)?, "the freeze succeeded");
    }
    ensure!(tasks(&mut firn, "sleep 1000")? == before, "the sleeper is gone");
    let output = firn.run("echo running | cat")?;
    ensure!(output == "running\n", "{output:?}");
    firn.power_off()
}

// spec: L5
fn failed_freeze_is_counted() -> Result<()> {
    let mut firn = stubborn()?;
    ensure!(!freeze(&mut firn)?, "the freeze succeeded");
    for (file, expected) in [
        ("success", "0\n"),
        ("fail", "1\n"),
        ("failed_freeze", "1\n"),
        ("last_failed_step", "freeze\n"),
        ("last_failed_errno", "-16\n"),
    ] {
        let text = firn.run(&format!("cat /sys/power/suspend_stats/{file}"))?;
        ensure!(text == expected, "{file} says {text:?}");
    }
    firn.power_off()
}

/// Fails unless writing `text` to `file` fails.
fn ensure_refused(firn: &mut Firn, text: &str, file: &str) -> Result<()> {
    let output = firn.run(&format!("echo {text} > {file}; echo status $?"))?;
    let has_failed = !output.contains("status 0\n");
    ensure!(has_failed, "{file} took {text:?}");
    Ok(())
}

// spec: M1 M2
fn sleep_states_are_those_of_the_machine() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let states = firn.run("cat /sys/power/state")?;
    ensure!(states == "freeze mem\n", "state says {states:?}");
    let kinds = firn.run("cat /sys/power/mem_sleep")?;
    ensure!(kinds == "[s2idle]\n", "mem_sleep says {kinds:?}");
    for wrong in ["standby", "MEM", "me", "memory", "''"] {
        ensure_refused(&mut firn, wrong, "/sys/power/state")?;
    }
    ensure_refused(&mut firn, "deep", "/sys/power/mem_sleep")?;
    firn.power_off()
}

// spec: M3
fn test_levels_are_shown_and_checked() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let file = "/sys/power/pm_test";
    let all = "[none] core processors platform devices freezer\n";
    let text = firn.run(&format!("cat {file}"))?;
    ensure!(text == all, "pm_test says {text:?}");
    ensure_refused(&mut firn, "freezers", file)?;
    firn.run(&format!("echo core > {file}"))?;
    let text = firn.run(&format!("cat {file}"))?;
    ensure!(text.contains("[core]"), "pm_test says {text:?}");
    ensure!(!freeze(&mut firn)?, "suspend to idle has no level `core`");
    firn.power_off()
}

// spec: L1
fn freeze_timeout_is_shown_and_checked() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let file = "/sys/power/pm_freeze_timeout";
    let text = firn.run(&format!("cat {file}"))?;
    ensure!(text == "20000\n", "{file} says {text:?}");
    for wrong in ["-1", "x", "1x", "0x10", "4294967296", "''"] {
        ensure_refused(&mut firn, wrong, file)?;
    }
    firn.run(&format!("echo 100 > {file}"))?;
    let text = firn.run(&format!("cat {file}"))?;
    ensure!(text == "100\n", "{file} says {text:?}");
    firn.power_off()
}

// spec: M4
fn stale_wakeup_count_is_refused() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    let file = "/sys/power/wakeup_count";
    let count: u32 = firn.run(&format!("cat {file}"))?.trim().parse()?;
    ensure_refused(&mut firn, &(count + 7).to_string(), file)?;
    ensure_refused(&mut firn, "many", file)?;
    let arm = format!("cat {file} > {file}; echo status $?");
    let output = firn.run(&arm)?;
    ensure!(output.contains("status 0"), "arming: {output}");
    firn.power_off()
}

// spec: K1 K2
fn hub_thread_handles_events_after_a_freeze() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    firn.run(PREPARE)?;
    let event = "echo 1 > /sys/kernel/hub/event";
    firn.run(event)?;
    ensure!(freeze(&mut firn)?, "the freeze failed");
    firn.run(event)?;
    let count = firn.run(
        "until [ $(cat /sys/kernel/hub/event) -ge 2 ]; do sleep 0.01; done; \
         cat /sys/kernel/hub/event",
    )?;
    ensure!(count == "2\n", "the hub thread handled {count:?}");
    firn.power_off()
}

/// Presses `key` while a spinner in the foreground is frozen for two seconds,
/// and waits for the prompt.
fn press_while_frozen(firn: &mut Firn, key: &str) -> Result<()> {
    firn.run(PREPARE)?;
    firn.run("echo 2 > /sys/module/suspend/parameters/pm_test_delay")?;
    // It says so in a file: on the terminal it might write over a prompt.
    let report = "/tmp/thawed";
    firn.run(&format!(
        "(sleep 1; echo mem > /sys/power/state; echo thawed $? > {report}) &"
    ))?;
    let start = firn.transcript().len();
    firn.send("spin\n")?;
    firn.wait_for("suspend debug", start, Duration::from_secs(30))?;
    firn.send(key)?;
    firn.wait_for("PM: suspend exit", start, Duration::from_secs(30))?;
    firn.wait_for_prompt(Duration::from_secs(30))?;
    let said = firn.run(&format!(
        "while ! test -s {report}; do sleep 0.1; done; cat {report}"
    ))?;
    ensure!(said.contains("thawed 0\n"), "the freeze says {said:?}");
    Ok(())
}

// spec: G1 G3
fn interrupt_key_kills_a_frozen_job_after_the_thaw() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    press_while_frozen(&mut firn, "\x03")?;
    let left = tasks(&mut firn, "spin")?;
    ensure!(left.is_empty(), "ps shows {left:?}");
    firn.power_off()
}

// spec: G6
fn stop_key_stops_a_frozen_job_after_the_thaw() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    press_while_frozen(&mut firn, "\x1a")?;
    let text = firn.run("ps")?;
    let is_stopped = text.lines().any(|line| {
        line.contains("spin") && line.split_whitespace().nth(2) == Some("T")
    });
    ensure!(is_stopped, "the spinner is not stopped:\n{text}");
    firn.power_off()
}
