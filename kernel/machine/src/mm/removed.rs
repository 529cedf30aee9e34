//! What is unmapped and waits for its end, which takes long if it is much.
//!
//! It is collected under the lock of an address space, in room that was made
//! before. Next to read: `unmap.rs`.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::page_table::{Branch, ENTRIES, LAST_LEVEL};

use super::source::Object;

/// Bytes that one table of the last level serves.
const SPAN: usize = ENTRIES * PAGE_SIZE;
/// Of a range that is longer than this, branches are detached.
pub(super) const LONG: usize = 2 * SPAN;
/// The most branches that lie in a range: whole tables at both of its ends at
/// each level below the root, and what the root itself has.
const MOST_BRANCHES: usize = (2 * LAST_LEVEL as usize + 1) * ENTRIES;

/// What is unmapped and waits for its end.
#[derive(Default)]
pub(super) struct Removed {
    /// What stood behind the regions.
    pub objects: Vec<Object>,
    /// What no TLB knows any more.
    pub branches: Vec<Branch>,
}

impl Removed {
    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.branches.is_empty()
    }

    /// Room for what `length` bytes hold; none is needed for few.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub fn of(length: usize) -> Result<Self, Errno> {
        match length > LONG {
            true => Self::of_many(length),
            false => Ok(Self::default()),
        }
    }

    #[cold]
    fn of_many(length: usize) -> Result<Self, Errno> {
        Self::default().and(length)
    }

    /// With room for what `length` bytes elsewhere hold beside the rest. Nothing
    /// waits yet.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn and(mut self, length: usize) -> Result<Self, Errno> {
        if length > LONG {
            let all = self.branches.capacity() + most_branches(length);
            let reserved = self.branches.try_reserve_exact(all);
            reserved.map_err(|_| Errno::ENOMEM)?;
        }
        Ok(self)
    }

    /// Whether all branches fit in that lie in `length` bytes.
    pub fn has_room(&self, length: usize) -> bool {
        let left = self.branches.capacity() - self.branches.len();
        left >= most_branches(length)
    }

    /// Makes room for one more object.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn make_room(&mut self) -> Result<(), Errno> {
        self.objects.try_reserve(1).map_err(|_| Errno::ENOMEM)
    }
}

/// The most branches that lie in `length` bytes.
fn most_branches(length: usize) -> usize {
    (length / SPAN).min(MOST_BRANCHES)
}
