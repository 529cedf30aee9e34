//! What the nodes of one RAM file system have in common, and how many there
//! may be.
//!
//! Files hold memory that programs make the kernel keep, so a file system has
//! two limits, as Linux's tmpfs: pages, of what files hold, and inodes, of
//! what each node and each further name takes of the kernel's heap. A
//! symbolic link that is long takes a page. A [`Charge`] stands for what a
//! node has taken.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Write;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_core::capability::Capability;
use kernel_core::memory::quota::{Quota, UNLIMITED};
use kernel_core::tmpfs::Options;

use crate::inode::NewInode;
use crate::{mount, permission};
use kernel_machine::mm::frame;
use kernel_task::Mutex;

/// A symbolic link of so many bytes counts as a page (Linux:
/// `SHORT_SYMLINK_LEN`).
const LONG_LINK: usize = 128;

/// What all nodes of a file system share.
pub(super) struct Shared {
    pub(super) device: u64,
    next_number: AtomicU64,
    /// Held by whoever changes the tree.
    pub(super) changes: Mutex<()>,
    pub(super) pages: Quota,
    pub(super) inodes: Quota,
}

/// Half of memory: the limit of what asks for none.
fn usual_limit() -> usize {
    frame::stats().total / 2
}

impl Shared {
    /// Those of a new file system, with limits or without.
    pub(super) fn new(options: &Options, is_limited: bool) -> Arc<Self> {
        let usual = if is_limited { usual_limit() } else { UNLIMITED };
        Arc::new(Self {
            device: mount::allocate_device(),
            next_number: AtomicU64::new(1),
            changes: Mutex::new(()),
            pages: Quota::new(options.pages.unwrap_or(usual)),
            inodes: Quota::new(options.inodes.unwrap_or(usual)),
        })
    }

    pub(super) fn allocate_number(&self) -> u64 {
        self.next_number.fetch_add(1, Relaxed)
    }

    /// Takes new limits, both or none.
    ///
    /// # Errors
    /// `EINVAL` if there is more already, or was no limit before.
    pub(super) fn set_limits(&self, options: &Options) -> Result<(), Errno> {
        let quotas =
            [(&self.pages, options.pages), (&self.inodes, options.inodes)];
        let mut wanted = quotas.iter();
        if !wanted.all(|(quota, new)| new.is_none_or(|new| quota.allows(new))) {
            return Err(Errno::EINVAL);
        }
        for (quota, new) in quotas {
            new.into_iter().for_each(|limit| quota.set_limit(limit));
        }
        Ok(())
    }

    /// The limits that are not the usual ones, as `/proc/mounts` shows them.
    pub(super) fn show_limits(&self) -> String {
        let usual = usual_limit();
        let mut text = String::new();
        let pages = self.pages.limit();
        if pages != usual && pages != UNLIMITED {
            text = format!(",size={}k", pages * 4);
        }
        let inodes = self.inodes.limit();
        if inodes != usual && inodes != UNLIMITED {
            // Writing to a string does not fail.
            let _ = write!(text, ",nr_inodes={inodes}");
        }
        text
    }

    /// Takes what a new node costs.
    ///
    /// # Errors
    /// `ENOSPC` if the limits or memory leave no room.
    pub(super) fn charge(
        self: &Arc<Self>,
        new: &NewInode<'_>,
    ) -> Result<Charge, Errno> {
        check_room()?;
        let pages = usize::from(new.target.len() >= LONG_LINK);
        self.charge_name()?;
        if !self.pages.take(pages) {
            self.inodes.give(1);
            return Err(Errno::ENOSPC);
        }
        Ok(Charge { shared: self.clone(), pages })
    }

    /// Takes what the top directory costs, which there always is.
    pub(super) fn charge_top(self: &Arc<Self>) -> Charge {
        let is_taken = self.inodes.take(1);
        debug_assert!(is_taken, "a limit is at least 1");
        Charge { shared: self.clone(), pages: 0 }
    }

    /// Takes what one more name of a node costs.
    ///
    /// # Errors
    /// `ENOSPC`.
    pub(super) fn charge_name(&self) -> Result<(), Errno> {
        if self.inodes.take(1) { Ok(()) } else { Err(Errno::ENOSPC) }
    }
}

/// What a node has taken of its file system's limits; given back with it.
pub(super) struct Charge {
    shared: Arc<Shared>,
    pages: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shared.inodes.give(1);
        self.shared.pages.give(self.pages);
    }
}

/// Fails while memory is so short that the kernel needs the rest for itself:
/// nodes live on its heap, which user programs must not exhaust. Before that
/// there is a rest that is root's, to clean up with.
///
/// # Errors
/// `ENOSPC`.
pub fn check_room() -> Result<(), Errno> {
    let is_root = || permission::has_any(Capability::SYS_RESOURCE);
    match frame::is_low() && (frame::is_short() || !is_root()) {
        true => Err(Errno::ENOSPC),
        false => Ok(()),
    }
}
