//! Timers of CPU time: `setitimer(ITIMER_VIRTUAL)` and `ITIMER_PROF`.
//!
//! While one is set, each tick of a thread of the process makes that thread
//! look at the process's time on its way to user mode. So a timer is exact to
//! a tick, and costs nothing while the process sleeps or is frozen.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_abi::signal::SigInfo;

use super::cpu_timers::CpuTimer;
pub use super::cpu_timers::IntervalTimer;
use crate::signal::send;
use crate::{CurrentThread, Process};
use kernel_task::Task;
use kernel_task::alarm::Setting;

/// What the timer is set to.
pub fn setting(process: &Process, which: IntervalTimer) -> Setting {
    let now = which.time_ns(&process.usage());
    let timers = process.timers.cpu.timers.lock();
    timers[which as usize].setting(now)
}

/// Sets the timer; what it was set to.
///
/// # Locks
/// Sleeps until other changes are made: no spin lock may be held.
pub fn set(process: &Process, which: IntervalTimer, new: Setting) -> Setting {
    let now = which.time_ns(&process.usage());
    let expires = now.saturating_add(new.left_ns);
    let timer = CpuTimer {
        expires_ns: (new.left_ns != 0).then_some(expires),
        interval_ns: new.interval_ns,
    };
    let cpu = &process.timers.cpu;
    let _changes = cpu.changes.lock();
    let mut timers = cpu.timers.lock();
    let old = core::mem::replace(&mut timers[which as usize], timer);
    let any = timers.iter().any(|timer| timer.expires_ns.is_some());
    // This comes before the threads are listed: one that is not in the list
    // yet looks at it when it is (`watch_if_set`).
    cpu.any.store(any, Release);
    drop(timers);
    for task in process.threads() {
        task.watches_time.store(any, Relaxed);
    }
    old.setting(now)
}

/// A new thread, which stands among its process's threads, watches the
/// process's timers.
pub fn watch_if_set(process: &Process, task: &Task) {
    if process.timers.cpu.any.load(Acquire) {
        task.watches_time.store(true, Relaxed);
    }
}

/// Sends the signals of timers that have expired.
#[cold]
pub fn look(thread: &CurrentThread) {
    let process = &thread.process;
    let usage = process.usage();
    for which in [IntervalTimer::Virtual, IntervalTimer::Profile] {
        let now = which.time_ns(&usage);
        let mut timers = process.timers.cpu.timers.lock();
        let is_over = timers[which as usize].expire(now);
        drop(timers);
        if is_over {
            // An ordinary signal always finds room.
            let _ = send::to_process(process, &SigInfo::kernel(which.signal()));
        }
    }
}
