//! The gate of usermode helpers: none starts while a freeze or thaw is under
//! way, or user space stands still (freezer-spec H1, H2).
//!
//! Linux refuses a helper then, and what it was to tell is lost; here its
//! starter, a kernel thread that is not frozen, waits for the end. The gate's
//! rules are `kernel_core::freezer::helper`'s.
//!
//! Next to read: `process/helper.rs`, which starts them.

use crate::WaitQueue;
use crate::refrigerator::{FREEZER, Scheduler};

/// Where starters wait.
static MAY_START: WaitQueue = WaitQueue::new();

/// A helper that may start; a freeze waits until this is dropped.
pub struct Permit(());

impl Permit {
    /// Waits until a helper may start. For kernel threads that do not freeze.
    pub fn wait() -> Self {
        let begin = || FREEZER.helper_begin(&Scheduler).ok();
        MAY_START.wait_uninterruptible("usermodehelper", begin);
        Self(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        FREEZER.helper_end(&Scheduler);
    }
}

/// Helpers may start again: tells those who wait.
pub(super) fn open() {
    MAY_START.wake_all();
}
