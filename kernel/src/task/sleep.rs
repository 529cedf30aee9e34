//! Sleeping for a time, with nobody to be woken by.

use super::wait::{Sleep, WaitError};
use super::{Interrupted, state};

/// Sleeps until `deadline_ns` on the monotonic clock. A freeze meanwhile
/// changes nothing but that the task goes on only after the thaw.
///
/// # Errors
/// [`Interrupted`] if a signal came first.
pub fn sleep_until(
    place: &'static str,
    deadline_ns: u64,
) -> Result<(), Interrupted> {
    let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, Some(deadline_ns));
    loop {
        sleep.announce();
        match sleep.sleep() {
            Ok(()) => {}
            Err(WaitError::TimedOut) => return Ok(()),
            Err(WaitError::Interrupted) => return Err(Interrupted),
        }
    }
}

/// Sleeps until a signal comes (`pause(2)`, `rt_sigsuspend(2)`).
pub fn sleep_until_signal(place: &'static str) -> Interrupted {
    let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, None);
    loop {
        sleep.announce();
        if sleep.sleep().is_err() {
            return Interrupted;
        }
    }
}

/// Sleeps until `deadline_ns` whatever signals come, as a kernel thread does.
pub fn sleep_uninterruptible(place: &'static str, deadline_ns: u64) {
    let depth = state::UNINTERRUPTIBLE;
    let mut sleep = Sleep::new(place, depth, Some(deadline_ns));
    loop {
        sleep.announce();
        if sleep.sleep().is_err() {
            return;
        }
    }
}

/// Sleeps as deep as `depth` says while `stay` holds, counting as frozen: a
/// stopped task. Every wake asks `stay` again.
pub fn sleep_while(
    place: &'static str,
    depth: u32,
    mut stay: impl FnMut() -> bool,
) {
    let mut sleep = Sleep::new(place, depth, None);
    loop {
        sleep.announce();
        if !stay() {
            sleep.cancel();
            return;
        }
        if sleep.sleep().is_err() {
            return;
        }
    }
}
