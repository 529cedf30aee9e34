//! What a process says of itself by `prctl(2)`.
//!
//! Each is one word that only the process itself sets and anybody may read.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// Nanoseconds by which a thread's timers may be late; every timer here is
/// exact, so this is only kept.
pub struct TimerSlack {
    current: AtomicU64,
    /// What 0 stands for: what its maker had.
    usual: u64,
}

impl TimerSlack {
    /// That of a thread which one with this slack makes; Linux's, without one.
    pub(crate) fn inherited(maker: Option<&Self>) -> Self {
        let usual = maker.map_or(50_000, Self::get);
        Self { current: AtomicU64::new(usual), usual }
    }

    /// How late they may be, ns.
    pub fn get(&self) -> u64 {
        self.current.load(Relaxed)
    }

    /// Sets it; 0 for as late as at first.
    pub fn set(&self, slack_ns: u64) {
        let slack_ns = if slack_ns == 0 { self.usual } else { slack_ns };
        self.current.store(slack_ns, Relaxed);
    }
}

/// What `prctl` sets.
pub struct Attributes {
    /// Signal that its parent's death sends to it; 0 for none.
    pub death_signal: AtomicU32,
    /// It takes over the children that its descendants leave behind.
    pub is_reaper: AtomicBool,
    /// `execve` never gives it more rights. That lasts, for its children too.
    pub no_new_rights: AtomicBool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            death_signal: AtomicU32::new(0),
            is_reaper: AtomicBool::new(false),
            no_new_rights: AtomicBool::new(false),
        }
    }
}

impl Attributes {
    /// Those of a child.
    pub fn fork(&self) -> Self {
        Self {
            no_new_rights: AtomicBool::new(self.keeps_rights()),
            ..Self::default()
        }
    }

    /// True if `execve` gives it no rights that it has not.
    pub fn keeps_rights(&self) -> bool {
        self.no_new_rights.load(Relaxed)
    }
}
