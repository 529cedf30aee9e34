//! What a process says of itself by `prctl(2)`.
//!
//! Each is one word that only the process itself sets and anybody may read.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

/// Nanoseconds by which a timer may be late (Linux's default); every timer
/// here is exact, so this is only kept.
pub const TIMER_SLACK: u64 = 50_000;

/// What `prctl` sets.
pub struct Attributes {
    /// Signal that its parent's death sends to it; 0 for none.
    pub death_signal: AtomicU32,
    /// A change of user keeps its rights until the next `execve`.
    pub keeps_capabilities: AtomicBool,
    /// It takes over the children that its descendants leave behind.
    pub is_reaper: AtomicBool,
    /// `execve` never gives it more rights. That lasts, for its children too.
    pub no_new_rights: AtomicBool,
    /// How late its timers may be, ns.
    pub timer_slack: AtomicU64,
}

impl Default for Attributes {
    fn default() -> Self {
        Self {
            death_signal: AtomicU32::new(0),
            keeps_capabilities: AtomicBool::new(false),
            is_reaper: AtomicBool::new(false),
            no_new_rights: AtomicBool::new(false),
            timer_slack: AtomicU64::new(TIMER_SLACK),
        }
    }
}

impl Attributes {
    /// Those of a child.
    pub fn fork(&self) -> Self {
        Self {
            keeps_capabilities: AtomicBool::new(
                self.keeps_capabilities.load(Relaxed),
            ),
            no_new_rights: AtomicBool::new(self.keeps_rights()),
            timer_slack: AtomicU64::new(self.timer_slack.load(Relaxed)),
            ..Self::default()
        }
    }

    /// Another program takes over.
    pub(super) fn exec(&self) {
        self.keeps_capabilities.store(false, Relaxed);
    }

    /// True if `execve` gives it no rights that it has not.
    pub fn keeps_rights(&self) -> bool {
        self.no_new_rights.load(Relaxed)
    }
}
