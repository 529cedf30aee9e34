//! Thousands of sleeping tasks: made, frozen, thawed, killed, reaped.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::SIGKILL;
use user_lib::time::{self, Time, monotonic};
use user_lib::{file, memory, println, signal};

use super::usage::ensure_none_lost;
use crate::tool::{Outcome, ensure, ensure_eq};
use user_lib::child::Child;

/// As many tasks as `count` says.
pub fn frozen_and_killed(count: u32) -> Outcome {
    file::overwrite("/sys/module/suspend/parameters/pm_test_delay", b"0")?;
    file::overwrite("/sys/power/pm_test", b"freezer")?;
    let result = ensure_none_lost(|| with_crowd(count));
    file::overwrite("/sys/power/pm_test", b"none")?;
    result
}

fn with_crowd(count: u32) -> Outcome {
    let ready = &memory::shared_words(1)?[0];
    let start = monotonic();
    let mut crowd = Vec::new();
    for _ in 0..count {
        crowd.push(Child::start(|| sleep(ready))?);
    }
    while ready.load(Ordering::Acquire) < count {
        ensure!(monotonic() < start + Time::from_millis(300_000));
        time::sleep(Time::from_millis(10));
    }
    let made = monotonic();
    for _ in 0..5 {
        file::overwrite("/sys/power/state", b"mem")?;
    }
    let thawed = monotonic();
    ensure_eq!(ready.load(Ordering::Acquire), count);
    crowd.iter().try_for_each(|child| signal::send(child.id(), 0))?;
    crowd.iter().try_for_each(|child| signal::send(child.id(), SIGKILL))?;
    for child in crowd {
        ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    }
    let [made_ms, frozen_ms, ended_ms] =
        [made - start, thawed - made, monotonic() - thawed]
            .map(|time| time.as_nanos() / 1_000_000);
    println!(
        "{count} tasks: made in {made_ms} ms, frozen and thawed five times \
         in {frozen_ms} ms, killed and reaped in {ended_ms} ms"
    );
    Ok(())
}

/// Sleeps for good; whoever wakes for no reason counts once more.
fn sleep(ready: &AtomicU32) -> i32 {
    ready.fetch_add(1, Ordering::Release);
    time::sleep(Time::from_millis(1 << 40));
    ready.fetch_add(1, Ordering::Release);
    1
}
