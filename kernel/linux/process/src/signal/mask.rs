//! The calls about a thread's own signals: masks, waiting for one.

use kernel_abi::Errno;
use kernel_abi::signal::{SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SigInfo};
use kernel_core::signal::SignalSet;

use super::act;
use crate::{CurrentThread, current, timer};
use kernel_task::{Deadline, WaitError, WaitQueue, sleep};

/// The mask of the running thread.
pub fn blocked() -> SignalSet {
    let thread = current();
    let signals = thread.process.signals.lock();
    signals.state.blocked(thread.key)
}

/// `rt_sigprocmask(2)`.
///
/// # Errors
/// `EINVAL` for an unknown `how`.
pub fn change(how: u32, set: SignalSet) -> Result<(), Errno> {
    let old = blocked();
    let new = match how {
        SIG_BLOCK => old | set,
        SIG_UNBLOCK => old.without(set),
        SIG_SETMASK => set,
        _ => return Err(Errno::EINVAL),
    };
    set_blocked(&current(), new);
    Ok(())
}

fn set_blocked(thread: &CurrentThread, new: SignalSet) {
    let mut signals = thread.process.signals.lock();
    let lost = signals.state.set_blocked(thread.key, new);
    act::retarget(&signals, lost);
    signals.recalculate(thread.key, &thread.task());
}

/// Sets the mask for the time of this call (`ppoll`, `pselect6`,
/// `epoll_pwait`): the old one returns on the way to user mode, after a
/// handler that the new one let through.
pub fn set_for_call(new: SignalSet) {
    let thread = current();
    let mut signals = thread.process.signals.lock();
    let lost = signals.state.suspend_with(thread.key, new);
    act::retarget(&signals, lost);
    signals.recalculate(thread.key, &thread.task());
}

/// Ends [`set_for_call`] in a call that no signal interrupted.
pub fn end_of_call() {
    let thread = current();
    let mut signals = thread.process.signals.lock();
    let lost = signals.state.restore_mask(thread.key);
    act::retarget(&signals, lost);
    signals.recalculate(thread.key, &thread.task());
}

/// `rt_sigsuspend(2)`: waits with another mask for a signal.
pub fn suspend(new: SignalSet) -> Errno {
    set_for_call(new);
    let _ = sleep::sleep_until_signal("sigsuspend");
    Errno::ERESTARTNOHAND
}

/// `rt_sigtimedwait(2)`: takes a signal of `set`, waiting for one until
/// `deadline_ns` (`None`: for ever).
///
/// # Errors
/// `EAGAIN` when the deadline passed, `EINTR` if another signal came.
pub fn wait_for(
    set: SignalSet,
    deadline_ns: Option<u64>,
) -> Result<SigInfo, Errno> {
    let thread = current();
    if let Some(info) = take(&thread, set) {
        return Ok(info);
    }
    thread.process.signals.lock().state.wait_for(thread.key, set);
    let nobody_wakes = WaitQueue::new();
    let result = nobody_wakes.wait_until_deadline(
        "do_sigtimedwait",
        deadline_ns.map(Deadline::Monotonic),
        || take(&thread, set),
    );
    end_wait(&thread, set, result).map_err(|error| match error {
        WaitError::TimedOut => Errno::EAGAIN,
        WaitError::Interrupted => Errno::EINTR,
    })
}

/// Ends a wait for `set`. One that failed looks once more: a signal that came
/// since its last look was sent to this thread, and nobody else was told.
fn end_wait(
    thread: &CurrentThread,
    set: SignalSet,
    result: Result<SigInfo, WaitError>,
) -> Result<SigInfo, WaitError> {
    let process = &thread.process;
    let mut signals = process.signals.lock();
    let late = match result {
        Ok(_) => None,
        Err(_) => signals.state.take_pending(thread.key, set),
    };
    let lost = signals.state.end_wait(thread.key);
    act::retarget(&signals, lost);
    signals.recalculate(thread.key, &thread.task());
    drop(signals);
    match late {
        Some(info) => {
            timer::taken(process, &info);
            Ok(info)
        }
        None => result,
    }
}

/// Takes a pending signal of `set` (`rt_sigtimedwait`, `signalfd`).
pub fn take(thread: &CurrentThread, set: SignalSet) -> Option<SigInfo> {
    let process = &thread.process;
    let taken = process.signals.lock().state.take_pending(thread.key, set);
    taken.inspect(|info| timer::taken(process, info))
}
