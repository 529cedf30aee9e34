//! Freezes that do not come about, and what the person at the shell sees.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

pub const TESTS: &[Test] = tests::list![
    key_aborts_a_freeze_that_is_armed,
    stubborn_thread_is_named_and_everything_runs_on,
];

const PREPARE: &str = "\
    echo 0 > /sys/module/suspend/parameters/pm_test_delay; \
    echo freezer > /sys/power/pm_test";

const STATE: &str = "/sys/power/state";

fn ensure_says(firn: &mut Firn, command: &str, expected: &str) -> Result<()> {
    let output = firn.run(command)?;
    ensure!(output == expected, "`{command}` says {output:?}");
    Ok(())
}

/// The key comes between arming and the freeze: a program that looked for
/// events and found none must not freeze over it.
// spec: M4 L4 L5 O1 O7
fn key_aborts_a_freeze_that_is_armed() -> Result<()> {
    let mut firn = Setup::new().append("loglevel=1").boot()?;
    firn.run("spin &")?;
    firn.run(PREPARE)?;
    let start = firn.transcript().len();
    firn.send(
        "cat /sys/power/wakeup_count > /sys/power/wakeup_count; \
         echo armed $?; sleep 2; \
         echo mem > /sys/power/state; echo status $?\n",
    )?;
    firn.wait_for("\narmed 0\n", start, Duration::from_secs(60))?;
    firn.send(" ")?;
    firn.wait_for("\nstatus 1\n", start, Duration::from_secs(60))?;
    firn.wait_for_prompt(Duration::from_secs(60)).context("after abort")?;
    let said = firn.transcript()[start..].to_owned();
    ensure!(said.contains("Device or resource busy"), "no EBUSY:\n{said}");
    let count = "dmesg | grep -c 'Freezing of tasks aborted after '";
    ensure_says(&mut firn, count, "1\n")?;
    let figures = "/sys/power/suspend_stats";
    ensure_says(&mut firn, &format!("cat {figures}/failed_freeze"), "1\n")?;
    ensure_says(&mut firn, "ps | grep -c '[s]pin$'", "1\n")?;
    // The key has stopped one freeze; nobody has armed the next.
    ensure_says(&mut firn, &format!("echo mem > {STATE}; echo $?"), "0\n")?;
    ensure_says(&mut firn, &format!("cat {figures}/success"), "1\n")?;
    firn.power_off()
}

/// The number of rounds that the spinner has made must rise.
fn ensure_spins(firn: &mut Firn) -> Result<()> {
    let used = "cat /proc/$!/stat";
    let before = firn.run(used)?;
    let end = Instant::now() + Duration::from_secs(60);
    while firn.run(used)? == before {
        ensure!(Instant::now() < end, "the spinner stands still");
    }
    Ok(())
}

// spec: K6 U3 L5 L7 O2 O3 K1
fn stubborn_thread_is_named_and_everything_runs_on() -> Result<()> {
    // Time is counted in instructions: a busy host makes no step longer.
    let setup = Setup::new().repeatable();
    let mut firn = setup.append("freezer.stubborn=1 loglevel=1").boot()?;
    firn.run("spin &")?;
    firn.run(PREPARE)?;
    firn.run("echo 1000 > /sys/power/pm_freeze_timeout")?;
    let output = firn.run(&format!("echo mem > {STATE}; echo status $?"))?;
    ensure!(output.contains("Device or resource busy"), "{output:?}");
    ensure!(output.ends_with("status 1\n"), "{output:?}");
    let log = firn.run("dmesg")?;
    let mut lines = log.lines().filter_map(|line| line.split_once("] "));
    let mut next = |words: &str| {
        let line = lines.find(|(_, text)| text.starts_with(words));
        line.map(|(_, text)| text).with_context(|| format!("no `{words}`"))
    };
    next("Freezing user space processes ... (elapsed 0.")?;
    let failure = next("Freezing of tasks failed after 1.0")?;
    let refusers = "seconds (1 tasks refusing to freeze, wq_busy=0):";
    ensure!(failure.ends_with(refusers), "{failure}");
    let refuser = next("task:stubborn ")?;
    ensure!(refuser.contains(" state:D pid:"), "{refuser}");
    ensure!(refuser.ends_with(" waits in stubborn_thread"), "{refuser}");
    next("Restarting kernel threads ... done.")?;
    next("OOM killer enabled.")?;
    next("Restarting tasks ... done.")?;
    ensure_spins(&mut firn)?;
    let event = "/sys/kernel/hub/event";
    let send = format!(
        "echo 1 > {event}; \
         until [ $(cat {event}) -ge 1 ]; do sleep 0.01; done; cat {event}"
    );
    ensure_says(&mut firn, &send, "1\n")?;
    firn.power_off()
}
