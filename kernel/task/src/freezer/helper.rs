//! The gate of usermode helpers: none starts while a freeze or thaw is under
//! way, or user space stands still (SPECIFICATION.md H1, H2).
//!
//! Linux refuses a helper then, and what it was to tell is lost; here its
//! starter, a kernel thread that is not frozen, waits for the end. The gate's
//! rules are `kernel_core::usermode_helper`'s.
//!
//! Next to read: `helper.rs` of the crate `kernel_process`, which starts them.

use kernel_core::freezer::HelperDepth;
use kernel_core::usermode_helper::Helpers;

use crate::WaitQueue;
use crate::refrigerator::FreezerHost;

/// The gate.
static HELPERS: Helpers = Helpers::new();

/// Where starters wait.
static MAY_START: WaitQueue = WaitQueue::new();

/// A helper that may start; a freeze waits until this is dropped.
pub struct Permit(());

impl Permit {
    /// Waits until a helper may start. Only kernel threads that do not freeze
    /// may call it.
    pub fn wait() -> Self {
        let begin = || HELPERS.begin(&FreezerHost).ok();
        MAY_START.wait_uninterruptible("usermodehelper", begin);
        Self(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        HELPERS.end(&FreezerHost);
    }
}

/// Says whether helpers may start; a full barrier follows.
pub(super) fn set_depth(depth: HelperDepth) {
    HELPERS.set_depth(depth);
}

/// Whether no helper runs.
pub(super) fn idle() -> bool {
    HELPERS.idle()
}

/// Helpers may start again: tells those who wait.
pub(super) fn open() {
    MAY_START.wake_all();
}
