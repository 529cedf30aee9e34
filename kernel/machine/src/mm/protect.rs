//! `mprotect(2)`: what a program may do with its pages.
//!
//! The regions change at once; pages that are there follow, in pieces if they
//! are many.

use core::ops::Range;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::page_table::{self, Entry};
use kernel_core::memory::region::{Protection, Region, checked_range};

use super::pace::{PIECE, pause};
use super::source::Object;
use super::space::{AddressSpace, Inner, attributes};
use super::{frame, page, tlb};

impl AddressSpace {
    /// Changes what the program may do with the pages of the range.
    ///
    /// # Errors
    /// As `mprotect(2)`: `EINVAL`, `ENOMEM`, `EACCES`. Nothing changes then.
    pub fn protect(
        &self,
        address: usize,
        length: usize,
        protection: Protection,
    ) -> Result<(), Errno> {
        if !address.is_multiple_of(PAGE_SIZE) {
            return Err(Errno::EINVAL);
        }
        if length == 0 {
            return Ok(());
        }
        // Nothing is mapped past the end.
        let range = checked_range(address, length);
        let mut range = range.map_err(|_| Errno::ENOMEM)?;
        let mut inner = self.inner.lock();
        inner.regions.protect(range.clone(), protection)?;
        inner.layout += 1;
        loop {
            range.start = self.protect_some(&mut inner, range.clone());
            if range.is_empty() {
                return Ok(());
            }
            inner.protecting += 1;
            drop(inner);
            pause();
            inner = self.inner.lock();
            inner.protecting -= 1;
        }
    }

    /// Gives some pages of the range the rights of their regions, whatever
    /// these are by now. Where it ended.
    fn protect_some(&self, inner: &mut Inner, range: Range<usize>) -> usize {
        let Inner { regions, tables, .. } = inner;
        let (mut left, mut changed) = (PIECE, false);
        let mut next = range.end;
        for region in regions.overlapping(range.clone()) {
            let part = region.start.max(range.start)..region.end.min(range.end);
            let (root, end) = (self.root, part.end);
            let visit = |_: &mut _, _, old| {
                let new = reprotect(region, old);
                changed |= new != old;
                new
            };
            next = page_table::for_each_within(
                tables, root, part, &mut left, visit,
            );
            left = left.saturating_sub(1);
            if next < end || left == 0 {
                break;
            }
            next = range.end;
        }
        if changed {
            tlb::flush_range(self.asid(), range.start..next);
        }
        next
    }
}

/// A present page's entry under the region's new rights. A private page that
/// was not writable stays so: it may be shared, which the next store finds
/// out.
pub(super) fn reprotect(region: &Region<Object>, old: Entry) -> Entry {
    let protection = region.protection;
    let writable = protection.contains(Protection::WRITE)
        && (!region.is_private() || old.is_user_writable());
    if protection.contains(Protection::EXECUTE) {
        frame::prepare_execution(page::number(old.address()));
    }
    old.with_attributes(attributes(protection, writable))
}
