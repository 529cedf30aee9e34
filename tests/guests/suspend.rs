//! A person suspends the system to idle, and a key or an alarm wakes it.
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use tests::catalog::Test;
use tests::setup::{Firn, Setup};

use crate::freeze::{ensure_in_order, log, tasks};

pub const TESTS: &[Test] = tests::list![
    key_wakes_the_suspended_system,
    alarm_wakes_the_suspended_system: Alarm,
    alarm_during_the_freeze_is_not_lost: Alarm,
];

const SUSPEND: &str = "echo freeze > /sys/power/state; echo woken $?\n";

fn suspend_until(
    firn: &mut Firn,
    wake: impl Fn(&mut Firn) -> Result<()>,
) -> Result<()> {
    let start = firn.transcript().len();
    firn.send(SUSPEND)?;
    firn.wait_for("PM: suspend-to-idle", start, Duration::from_secs(60))?;
    wake(firn)?;
    firn.wait_for("\nwoken 0\n", start, Duration::from_secs(60))
}

// spec: M1
fn key_wakes_the_suspended_system() -> Result<()> {
    let mut firn = Setup::new().boot()?;
    firn.run("sleep 1000 &")?;
    suspend_until(&mut firn, |firn| {
        let start = firn.transcript().len();
        let early = firn.wait_for("woken 0", start, Duration::from_secs(3));
        ensure!(early.is_err(), "it woke without a key");
        firn.send("\n")
    })?;
    firn.wait_for_prompt(Duration::from_secs(60)).context("after the key")?;
    let left = tasks(&mut firn, "sleep 1000")?;
    ensure!(left.len() == 1, "ps shows {left:?}");
    firn.power_off()
}

// spec: M1
fn alarm_wakes_the_suspended_system() -> Result<()> {
    let mut firn = Setup::new().cpus(8).boot()?;
    firn.run("spin &")?;
    // In one line: an alarm that comes before the suspend does not end it.
    let start = firn.transcript().len();
    let alarm = "echo +3 > /sys/class/rtc/rtc0/wakealarm";
    firn.send(&format!("{alarm}; {SUSPEND}"))?;
    firn.wait_for("\nwoken 0\n", start, Duration::from_secs(60))?;
    firn.wait_for_prompt(Duration::from_secs(60)).context("after the alarm")?;
    ensure!(tasks(&mut firn, "spin")?.len() == 1, "the spinner is gone");
    firn.power_off()
}

/// The alarm goes off while the freeze waits for the last task. Nobody has
/// armed, so it does not abort; it ends the suspend as soon as that begins.
// spec: M1 M4 U3
fn alarm_during_the_freeze_is_not_lost() -> Result<()> {
    for cpus in [1, 4] {
        let setup = Setup::new().cpus(cpus).repeatable();
        let mut firn = setup.append("freezer.slow=5000").boot()?;
        // A second at least is left for the freeze to begin.
        let alarm = "echo +2 > /sys/class/rtc/rtc0/wakealarm";
        let start = firn.transcript().len();
        firn.send(&format!("{alarm}; {SUSPEND}"))?;
        firn.wait_for("\nwoken 0\n", start, Duration::from_secs(60))?;
        firn.wait_for_prompt(Duration::from_secs(60))?;
        let log = log(&mut firn)?;
        let expected = [
            "Freezing remaining freezable tasks ... (elapsed 5.### seconds) \
             done.",
            "PM: suspend-to-idle",
        ];
        ensure_in_order(&log, &expected)?;
        let left = firn.run("cat /sys/class/rtc/rtc0/wakealarm")?;
        ensure!(left.is_empty(), "the alarm is still set: {left}");
        firn.power_off()?;
    }
    Ok(())
}
