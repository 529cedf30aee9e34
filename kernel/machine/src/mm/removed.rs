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
        let mut branches = Vec::new();
        let most = (length / SPAN).min(MOST_BRANCHES);
        let reserved = branches.try_reserve_exact(most);
        reserved.map_err(|_| Errno::ENOMEM)?;
        Ok(Self { objects: Vec::new(), branches })
    }
}
