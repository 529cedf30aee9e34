//! What goes by CPU time: `setitimer(ITIMER_VIRTUAL)` and `ITIMER_PROF`,
//! alarms of clocks of CPU time, `RLIMIT_CPU`.
//!
//! While any of it is set for a process, each tick of a thread of it makes
//! that thread look at the process's time on its way to user mode. So all is
//! exact to a tick, and costs nothing while the process sleeps or is frozen,
//! and nothing at all where nothing is set.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_abi::signal::{SIGKILL, SIGXCPU, SigInfo};
use kernel_abi::time::NS_PER_S;

pub use super::cpu_timers::IntervalTimer;
use super::cpu_timers::{CpuTimer, Watch};
use crate::signal::send;
use crate::usage::{CpuTime, Usage};
use crate::{CurrentThread, Process};
use kernel_task::Task;
use kernel_task::alarm::Setting;

/// What the timer is set to.
pub fn setting(process: &Process, which: IntervalTimer) -> Setting {
    let now = which.time().of(&process.usage());
    let timers = process.timers.cpu.intervals.lock();
    timers[which as usize].setting(now)
}

/// Sets the timer; what it was set to.
///
/// # Locks
/// Sleeps until other changes are made: no spin lock may be held.
pub fn set(process: &Process, which: IntervalTimer, new: Setting) -> Setting {
    let now = which.time().of(&process.usage());
    let expires = now.saturating_add(new.left_ns);
    let timer = CpuTimer {
        expires_ns: (new.left_ns != 0).then_some(expires),
        interval_ns: new.interval_ns,
    };
    let mut timers = process.timers.cpu.intervals.lock();
    let old = core::mem::replace(&mut timers[which as usize], timer);
    drop(timers);
    watch(process);
    old.setting(now)
}

/// The process's threads look at `alarm` from now on, or not any more.
///
/// # Locks
/// As [`set`].
pub(super) fn keep(process: &Process, alarm: &Weak<dyn Watch>, is_set: bool) {
    let mut alarms = process.timers.cpu.alarms.lock();
    let at = alarms.iter().position(|it| is_same(it, alarm));
    match (at, is_set) {
        (None, true) => alarms.push(alarm.clone()),
        (Some(at), false) => drop(alarms.swap_remove(at)),
        _ => return,
    }
    drop(alarms);
    watch(process);
}

fn is_same(one: &Weak<dyn Watch>, other: &Weak<dyn Watch>) -> bool {
    one.as_ptr().addr() == other.as_ptr().addr()
}

/// Makes the process's threads look at its time with each tick if there is
/// anything to look at. Called whenever that may have changed.
///
/// # Locks
/// As [`set`].
pub fn watch(process: &Process) {
    let cpu = &process.timers.cpu;
    let _changes = cpu.changes.lock();
    let any = is_any_set(process);
    // This comes before the threads are listed: one that is not in the list
    // yet looks at it when it is (`watch_if_set`).
    cpu.any.store(any, Release);
    for task in process.threads() {
        task.watches_time.store(any, Relaxed);
    }
}

fn is_any_set(process: &Process) -> bool {
    let cpu = &process.timers.cpu;
    let is_set = |timer: &CpuTimer| timer.expires_ns.is_some();
    cpu.intervals.lock().iter().any(is_set)
        || !cpu.alarms.lock().is_empty()
        || process.limits.lock().cpu_seconds().is_some()
}

/// A new thread, which stands among its process's threads, watches the
/// process's time.
pub fn watch_if_set(process: &Process, task: &Task) {
    if process.timers.cpu.any.load(Acquire) {
        task.watches_time.store(true, Relaxed);
    }
}

/// As [`watch`], for the first thread of a process, which has a limit from
/// its parent and nothing else yet.
pub(crate) fn watch_first(process: &Process, task: &Task) {
    let is_limited = process.limits.lock().cpu_seconds().is_some();
    if is_limited {
        process.timers.cpu.any.store(true, Release);
        task.watches_time.store(true, Relaxed);
    }
}

/// Sends the signals of timers that have expired, and of the limit.
#[cold]
pub fn look(thread: &CurrentThread) {
    let process = &thread.process;
    let usage = process.usage();
    for which in [IntervalTimer::Virtual, IntervalTimer::Profile] {
        let now = which.time().of(&usage);
        let mut timers = process.timers.cpu.intervals.lock();
        let count = timers[which as usize].expire(now);
        drop(timers);
        if count != 0 {
            // An ordinary signal always finds room.
            let _ = send::to_process(process, &SigInfo::kernel(which.signal()));
        }
    }
    look_at_alarms(process);
    look_at_limit(process, &usage);
    if !is_any_set(process) {
        watch(process);
    }
}

/// One at a time: what they do may take locks and sleep. One that is missed
/// because others went meanwhile has its turn with the next tick.
fn look_at_alarms(process: &Process) {
    let mut at = 0;
    loop {
        let alarms = &process.timers.cpu.alarms;
        let Some(weak) = alarms.lock().get(at).cloned() else { return };
        let alarm = weak.upgrade();
        let is_set = alarm.is_some_and(|alarm| alarm.look());
        if is_set {
            at += 1;
        } else {
            alarms.lock().retain(|it| !is_same(it, &weak));
        }
    }
}

/// `RLIMIT_CPU`: `SIGXCPU` at the soft limit and with each second after it,
/// for which the soft limit goes up, `SIGKILL` at the hard one (Linux
/// `check_process_timers`).
fn look_at_limit(process: &Arc<Process>, usage: &Usage) {
    let used = CpuTime::Profile.of(usage);
    let mut limits = process.limits.lock();
    let Some([soft, hard]) = limits.cpu_seconds() else { return };
    let is_over = |seconds: u64| used >= seconds.saturating_mul(NS_PER_S);
    let signal = match (is_over(hard), is_over(soft)) {
        (true, _) => SIGKILL,
        (false, true) => {
            limits.set_cpu_soft(soft.saturating_add(1));
            SIGXCPU
        }
        (false, false) => return,
    };
    drop(limits);
    send::from_kernel(process, signal);
}
