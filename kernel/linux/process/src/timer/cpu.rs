//! Timers of CPU time: `setitimer(ITIMER_VIRTUAL)` and `ITIMER_PROF`.
//!
//! While one is set, each tick of a thread of the process makes that thread
//! look at the process's time on its way to user mode. So a timer is exact to
//! a tick, and costs nothing while the process sleeps or is frozen.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_abi::signal::{SIGPROF, SIGVTALRM, SigInfo};

use crate::signal::send;
use crate::usage::Usage;
use crate::{CurrentThread, Process};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::alarm::Setting;
use kernel_task::{Mutex, Task};

/// Which time counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// That in user mode.
    Virtual,
    /// That in the kernel, too.
    Profile,
}

impl Kind {
    fn time_ns(self, usage: &Usage) -> u64 {
        match self {
            Kind::Virtual => usage.user_ns,
            Kind::Profile => usage.user_ns + usage.system_ns,
        }
    }

    fn signal(self) -> u32 {
        match self {
            Kind::Virtual => SIGVTALRM,
            Kind::Profile => SIGPROF,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct CpuTimer {
    /// CPU time at which it expires, ns; `None` for never.
    expires_ns: Option<u64>,
    interval_ns: u64,
}

impl CpuTimer {
    fn setting(&self, now_ns: u64) -> Setting {
        let left = self.expires_ns.map(|at| at.saturating_sub(now_ns).max(1));
        let interval_ns = self.interval_ns;
        left.map_or(Setting::default(), |left_ns| Setting {
            left_ns,
            interval_ns,
        })
    }

    /// True if it has expired; then it is set for the next time.
    fn expire(&mut self, now_ns: u64) -> bool {
        let Some(at) = self.expires_ns.filter(|at| *at <= now_ns) else {
            return false;
        };
        let missed = (now_ns - at).checked_div(self.interval_ns);
        self.expires_ns = missed.map(|missed| {
            let steps = (missed + 1).saturating_mul(self.interval_ns);
            at.saturating_add(steps)
        });
        true
    }
}

/// Both timers of a process.
pub struct CpuTimers {
    timers: SpinLock<[CpuTimer; 2]>,
    /// One of them is set. Written under `changes`.
    any: AtomicBool,
    /// Changes take turns, until every thread watches or does not: else one
    /// that switches a timer off could undo what another has told them.
    changes: Mutex<()>,
}

impl CpuTimers {
    /// Both off.
    pub const fn new() -> Self {
        let off = CpuTimer { expires_ns: None, interval_ns: 0 };
        Self {
            timers: SpinLock::with_rank(Rank::Device, [off; 2]),
            any: AtomicBool::new(false),
            changes: Mutex::new(()),
        }
    }
}

/// What the timer is set to.
pub fn setting(process: &Process, kind: Kind) -> Setting {
    let now = kind.time_ns(&process.usage());
    let timers = process.timers.cpu.timers.lock();
    timers[kind as usize].setting(now)
}

/// Sets the timer; what it was set to.
///
/// # Locks
/// Sleeps until other changes are made: no spin lock may be held.
pub fn set(process: &Process, kind: Kind, new: Setting) -> Setting {
    let now = kind.time_ns(&process.usage());
    let expires = now.saturating_add(new.left_ns);
    let timer = CpuTimer {
        expires_ns: (new.left_ns != 0).then_some(expires),
        interval_ns: new.interval_ns,
    };
    let cpu = &process.timers.cpu;
    let _changes = cpu.changes.lock();
    let mut timers = cpu.timers.lock();
    let old = core::mem::replace(&mut timers[kind as usize], timer);
    let any = timers.iter().any(|timer| timer.expires_ns.is_some());
    // Before the threads are listed: one that is not in the list yet looks
    // at this when it is (`watch_if_set`).
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
    for kind in [Kind::Virtual, Kind::Profile] {
        let now = kind.time_ns(&usage);
        let mut timers = process.timers.cpu.timers.lock();
        let is_over = timers[kind as usize].expire(now);
        drop(timers);
        if is_over {
            // An ordinary signal always finds room.
            let _ = send::to_process(process, &SigInfo::kernel(kind.signal()));
        }
    }
}
