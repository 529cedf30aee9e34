//! Sleeping for a time, with nobody to be woken by; and giving way.

use kernel_abi::Errno;

use super::refrigerator::try_to_freeze;
use super::wait::{Sleep, WaitError};
use super::{Interrupted, current, scheduler, state};
use kernel_machine::arch::thread::work;

/// Between two pieces of a system call that takes long: lets others have the
/// CPU, and freezes here if it should.
///
/// # Errors
/// `ERESTARTSYS` if a signal waits: the call is to end with what it has done.
///
/// # Locks
/// None may be held.
#[inline]
pub fn give_way() -> Result<(), Errno> {
    match current().pending_work() & !work::STEP {
        0 => Ok(()),
        pending => give_way_to(pending),
    }
}

#[cold]
fn give_way_to(pending: u32) -> Result<(), Errno> {
    if pending & work::RESCHEDULE != 0 {
        scheduler::schedule();
    }
    if pending & work::FREEZE != 0 {
        try_to_freeze();
    }
    match current().signal_pending() {
        true => Err(Errno::ERESTARTSYS),
        false => Ok(()),
    }
}

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
/// stopped task. Every wake asks `stay` again. Before it all comes `begin`,
/// which says whether to sleep at all, and tells others: they see the task in
/// this state already. Neither may sleep itself.
pub fn sleep_while(
    place: &'static str,
    depth: u32,
    begin: impl FnOnce() -> bool,
    mut stay: impl FnMut() -> bool,
) {
    let mut sleep = Sleep::new(place, depth, None);
    sleep.announce();
    if !begin() {
        sleep.cancel();
        return;
    }
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
