//! What a process keeps of its timers of CPU time.

use alloc::sync::Weak;
use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;

use kernel_abi::signal::{SIGPROF, SIGVTALRM};

use crate::usage::CpuTime;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::Mutex;
use kernel_task::alarm::Setting;

/// The timers of `setitimer` but for that of real time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntervalTimer {
    /// `ITIMER_VIRTUAL`.
    Virtual,
    /// `ITIMER_PROF`.
    Profile,
}

impl IntervalTimer {
    /// Which time counts.
    pub(super) fn time(self) -> CpuTime {
        match self {
            IntervalTimer::Virtual => CpuTime::Virtual,
            IntervalTimer::Profile => CpuTime::Profile,
        }
    }

    pub(super) fn signal(self) -> u32 {
        match self {
            IntervalTimer::Virtual => SIGVTALRM,
            IntervalTimer::Profile => SIGPROF,
        }
    }
}

/// What goes by a process's CPU time.
pub(super) trait Watch: Send + Sync {
    /// Does what it does if its time has come; whether it can come again.
    fn look(&self) -> bool;
}

/// When a timer expires.
#[derive(Clone, Copy, Default)]
pub(super) struct CpuTimer {
    /// CPU time at which it expires, ns; `None` for never.
    pub(super) expires_ns: Option<u64>,
    pub(super) interval_ns: u64,
}

impl CpuTimer {
    pub(super) fn setting(&self, now_ns: u64) -> Setting {
        let left = self.expires_ns.map(|at| at.saturating_sub(now_ns).max(1));
        let interval_ns = self.interval_ns;
        left.map_or(Setting::default(), |left_ns| Setting {
            left_ns,
            interval_ns,
        })
    }

    /// How often it has expired; then it is set for the next time.
    pub(super) fn expire(&mut self, now_ns: u64) -> u64 {
        let Some(at) = self.expires_ns.filter(|at| *at <= now_ns) else {
            return 0;
        };
        let missed = (now_ns - at).checked_div(self.interval_ns);
        self.expires_ns = missed.map(|missed| {
            let steps = (missed + 1).saturating_mul(self.interval_ns);
            at.saturating_add(steps)
        });
        missed.unwrap_or(0) + 1
    }
}

/// The timers that count a process's CPU time, its own and others'.
pub struct CpuTimers {
    /// Those of `setitimer`.
    pub(super) intervals: SpinLock<[CpuTimer; 2]>,
    /// Those of `timer_create` and who sleeps, as long as they are set.
    pub(super) alarms: SpinLock<Vec<Weak<dyn Watch>>>,
    /// One of them is set, or there is a limit. It is written under `changes`.
    pub(super) any: AtomicBool,
    /// Changes take turns, until every thread watches or does not: else one
    /// that switches a timer off could undo what another has told them.
    pub(super) changes: Mutex<()>,
}

impl CpuTimers {
    /// All off.
    pub const fn new() -> Self {
        let off = CpuTimer { expires_ns: None, interval_ns: 0 };
        Self {
            intervals: SpinLock::with_rank(Rank::Device, [off; 2]),
            alarms: SpinLock::with_rank(Rank::Freezer, Vec::new()),
            any: AtomicBool::new(false),
            changes: Mutex::new(()),
        }
    }
}
