//! What a thread keeps of an interrupted system call.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64};

/// What a thread keeps of its interrupted call. Only the thread itself uses
/// it.
pub struct RestartNote {
    pub(super) is_noted: AtomicBool,
    /// First argument; the result took its register.
    pub(super) first_argument: AtomicU64,
    /// Deadline of a call that begins anew, ns; 0 for none.
    pub(super) deadline_ns: AtomicU64,
}

impl RestartNote {
    /// Nothing kept.
    pub const fn new() -> Self {
        Self {
            is_noted: AtomicBool::new(false),
            first_argument: AtomicU64::new(0),
            deadline_ns: AtomicU64::new(0),
        }
    }

    /// Another program takes over: it interrupted no call.
    pub(crate) fn forget(&self) {
        self.is_noted.store(false, Relaxed);
        self.deadline_ns.store(0, Relaxed);
    }
}
