//! The two timers of CPU time that a process has.

use core::sync::atomic::AtomicBool;

use kernel_abi::signal::{SIGPROF, SIGVTALRM};

use crate::usage::Usage;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::Mutex;
use kernel_task::alarm::Setting;

/// Which time counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntervalTimer {
    /// That in user mode.
    Virtual,
    /// That in the kernel, too.
    Profile,
}

impl IntervalTimer {
    pub(super) fn time_ns(self, usage: &Usage) -> u64 {
        match self {
            IntervalTimer::Virtual => usage.user_ns,
            IntervalTimer::Profile => usage.user_ns + usage.system_ns,
        }
    }

    pub(super) fn signal(self) -> u32 {
        match self {
            IntervalTimer::Virtual => SIGVTALRM,
            IntervalTimer::Profile => SIGPROF,
        }
    }
}

/// One of the two.
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

    /// True if it has expired; then it is set for the next time.
    pub(super) fn expire(&mut self, now_ns: u64) -> bool {
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
    pub(super) timers: SpinLock<[CpuTimer; 2]>,
    /// One of them is set. It is written under `changes`.
    pub(super) any: AtomicBool,
    /// Changes take turns, until every thread watches or does not: else one
    /// that switches a timer off could undo what another has told them.
    pub(super) changes: Mutex<()>,
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
