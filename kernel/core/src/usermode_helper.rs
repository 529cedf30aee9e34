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
//! Dekker's pattern again; see `freezer/count.rs`. Model
//! `a_helper_runs_before_a_freeze_or_not_at_all` of the freezer.
//!
//! Read next: `freezer/transition.rs`, which closes the gate.

use kernel_abi::Errno;

use crate::freezer::{HelperDepth, Host, Step, barrier};
use crate::sync::{AtomicU32, Ordering, const_new, fence};

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
    pub fn depth(&self) -> HelperDepth {
        match self.depth.load(Ordering::Acquire) {
            0 => HelperDepth::Enabled,
            1 => HelperDepth::Freezing,
            _ => HelperDepth::Disabled,
        }
    }

    /// Says whether helpers may start; a full barrier follows.
    pub fn set_depth(&self, depth: HelperDepth) {
        self.depth.store(depth as u32, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// Whether no helper runs.
    pub fn idle(&self) -> bool {
        self.running.load(Ordering::Acquire) == 0
    }

    /// A helper is about to start; pair with [`Helpers::end`].
    ///
    /// # Errors
    /// `EBUSY` while a freeze or thaw is under way, `EAGAIN` while user space
    /// is frozen. There is nothing to pair then.
    pub fn begin<H: Host>(&self, host: &H) -> Result<(), Errno> {
        self.running.fetch_add(1, Ordering::Relaxed);
        barrier::<H>(Step::HelperBarrier);
        let error = match self.depth() {
            HelperDepth::Enabled => return Ok(()),
            HelperDepth::Freezing => Errno::EBUSY,
            HelperDepth::Disabled => Errno::EAGAIN,
        };
        self.end(host);
        Err(error)
    }

    /// A helper has ended.
    pub fn end<H: Host>(&self, host: &H) {
        if self.running.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::SeqCst);
            if self.depth() == HelperDepth::Freezing {
                host.quiet();
            }
        }
    }
}

impl Default for Helpers {
    fn default() -> Self {
        Self::new()
    }
}
