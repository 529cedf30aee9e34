//! What the nodes of one RAM file system have in common.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;

use crate::mount;
use kernel_machine::mm::frame;
use kernel_task::Mutex;

/// What all nodes of a file system share.
pub(super) struct Shared {
    pub(super) device: u64,
    next_number: AtomicU64,
    /// Held by whoever changes the tree.
    pub(super) changes: Mutex<()>,
}

impl Shared {
    /// Those of a new file system.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            device: mount::allocate_device(),
            next_number: AtomicU64::new(1),
            changes: Mutex::new(()),
        })
    }

    pub(super) fn allocate_number(&self) -> u64 {
        self.next_number.fetch_add(1, Relaxed)
    }
}

/// Fails while memory is so short that the kernel needs the rest for itself:
/// nodes live on its heap, which user programs must not exhaust.
pub(super) fn check_room() -> Result<(), Errno> {
    if frame::is_short() { Err(Errno::ENOSPC) } else { Ok(()) }
}
