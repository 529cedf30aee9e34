//! `munmap(2)` and `MADV_DONTNEED`: pages go, and with `munmap` the regions.
//!
//! What is unmapped is so at once: under the lock the regions go, and of a long
//! range whole branches of the page tables are detached, a few thousand at
//! most, however much they hold. After one flush of the TLB nobody sees them any
//! more. Their pages and tables are given back without the lock, in pieces, and
//! so is what stood behind the regions.

use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::memory::page_table::{self, Branch, ENTRIES, LAST_LEVEL};
use kernel_core::memory::region::checked_range;

use super::pace::{PIECE, pause};
use super::removed::{LONG, Removed};
use super::space::{AddressSpace, Inner};
use super::{frame, page, table, tlb};

impl AddressSpace {
    /// Unmaps whatever lies in the range.
    ///
    /// # Errors
    /// As `munmap(2)`: `EINVAL`, `ENOMEM`.
    pub fn unmap(&self, address: usize, length: usize) -> Result<(), Errno> {
        let range = checked_range(address, length)?;
        let mut removed = Removed::of(range.len())?;
        let mut inner = self.inner.lock();
        self.unmap_locked(&mut inner, range, &mut removed)?;
        drop(inner);
        self.let_go(removed);
        Ok(())
    }

    /// Removes regions and their pages; what is to end without the lock goes
    /// to `removed`.
    ///
    /// # Errors
    /// `ENOMEM`: nothing was removed. What removes one region, or what lies in
    /// one, does not fail if there is room in the map for one more, and in
    /// `removed` for one object.
    pub(super) fn unmap_locked(
        &self,
        inner: &mut Inner,
        range: Range<usize>,
        removed: &mut Removed,
    ) -> Result<(), Errno> {
        inner.layout += 1;
        inner.regions.remove(range.clone(), &mut removed.objects)?;
        if range.len() > LONG && removed.has_room(range.len()) {
            self.detach(inner, &range, removed);
        }
        self.clear_pages(inner, range.clone());
        self.clear_tables(inner, range);
        Ok(())
    }

    fn detach(
        &self,
        inner: &mut Inner,
        range: &Range<usize>,
        removed: &mut Removed,
    ) {
        let before = removed.branches.len();
        page_table::detach(&mut inner.tables, self.root, range, |branch| {
            removed.branches.push(branch);
        });
        if removed.branches.len() > before {
            tlb::flush_space(self.asid());
        }
    }

    /// Ends what was unmapped, in pieces. No lock is held.
    #[inline]
    pub(super) fn let_go(&self, removed: Removed) {
        if !removed.is_empty() {
            self.let_go_slowly(removed);
        }
    }

    #[cold]
    fn let_go_slowly(&self, mut removed: Removed) {
        for branch in removed.branches {
            self.release_branch(branch);
        }
        while removed.objects.len() > PIECE {
            removed.objects.truncate(removed.objects.len() - PIECE);
            pause();
        }
    }

    /// Gives the pages and tables of a branch back that no TLB knows.
    fn release_branch(&self, (table, level): Branch) {
        let mut pages = 0;
        for index in 0..ENTRIES {
            let entry = table::read(table, index);
            if !entry.is_valid() {
                continue;
            }
            if level < LAST_LEVEL {
                self.release_branch((entry.address(), level + 1));
            } else {
                frame::release(page::number(entry.address()));
                pages += 1;
            }
        }
        self.resident.fetch_sub(pages, Relaxed);
        let number = page::number(table);
        let is_known = self.inner.lock().tables.forget(number);
        debug_assert!(is_known, "the table was this space's");
        frame::release(number);
        pause();
    }

    /// Takes the pages of private mappings in the range away, with the lock free
    /// between two pieces.
    pub(super) fn discard_in_pieces(&self, mut range: Range<usize>) {
        loop {
            let mut inner = self.inner.lock();
            range.start = self.discard_some(&mut inner, range.clone());
            drop(inner);
            if range.is_empty() {
                return;
            }
            pause();
        }
    }

    /// Discards some pages of the range; where it ended.
    fn discard_some(&self, inner: &mut Inner, range: Range<usize>) -> usize {
        let (mut left, mut next) = (PIECE, range.start);
        while left > 0 && next < range.end {
            let Some(region) = inner.regions.above(next) else {
                return range.end;
            };
            let part = region.start.max(next)..region.end.min(range.end);
            if part.start >= range.end {
                return range.end;
            }
            next = part.end;
            if region.is_private() {
                next = self.clear_some_pages(inner, part, &mut left);
            }
            left = left.saturating_sub(1);
        }
        next
    }
}
