//! The gate of usermode helpers: programs that the kernel itself starts.
//!
//! A freeze must not begin while one of them runs, for whoever waits for it
//! may be a kernel path that cannot freeze (Linux `usermodehelper_disable`,
//! kernel/umh.c).
//!
//! ```text
//!  starter                             freezer
//!  -------                             -------
//!  running += 1                        depth := Freezing
//!  full barrier                        full barrier
//!  read depth -> give up               read running != 0: wait
//! ```
//!
//! Dekker's pattern again; see `count.rs`. Model
//! `a_helper_runs_before_a_freeze_or_not_at_all`.
//!
//! Read next: `work.rs`.

use kernel_abi::Errno;

use super::Freezer;
use super::count::barrier;
use super::host::{Host, Step};
use crate::sync::{AtomicU32, Ordering, const_new, fence};

/// Whether helpers may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Depth {
    /// They may.
    Enabled,
    /// A freeze or thaw is under way; who can wait does.
    Freezing,
    /// User space is frozen; who can wait gets an error instead.
    Disabled,
}

/// The gate.
pub struct Helpers {
    depth: AtomicU32,
    running: AtomicU32,
}

impl Helpers {
    const_new! {
        /// An open gate.
        pub fn new() -> Self {
            Self { depth: AtomicU32::new(0), running: AtomicU32::new(0) }
        }
    }

    /// Whether helpers may start.
    pub fn depth(&self) -> Depth {
        match self.depth.load(Ordering::Acquire) {
            0 => Depth::Enabled,
            1 => Depth::Freezing,
            _ => Depth::Disabled,
        }
    }

    pub(super) fn set_depth(&self, depth: Depth) {
        self.depth.store(depth as u32, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    pub(super) fn idle(&self) -> bool {
        self.running.load(Ordering::Acquire) == 0
    }
}

impl Default for Helpers {
    fn default() -> Self {
        Self::new()
    }
}

impl Freezer {
    /// A helper is about to start; pair with [`Freezer::helper_end`].
    ///
    /// # Errors
    /// `EBUSY` while a freeze or thaw is under way, `EAGAIN` while user space
    /// is frozen. There is nothing to pair then.
    pub fn helper_begin<H: Host>(&self, host: &H) -> Result<(), Errno> {
        self.helpers.running.fetch_add(1, Ordering::Relaxed);
        barrier::<H>(Step::HelperBarrier);
        let error = match self.helpers.depth() {
            Depth::Enabled => return Ok(()),
            Depth::Freezing => Errno::EBUSY,
            Depth::Disabled => Errno::EAGAIN,
        };
        self.helper_end(host);
        Err(error)
    }

    /// A helper has ended.
    pub fn helper_end<H: Host>(&self, host: &H) {
        if self.helpers.running.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::SeqCst);
            if self.helpers.depth() == Depth::Freezing {
                host.quiet();
            }
        }
    }
}
