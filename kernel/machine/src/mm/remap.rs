//! `mremap(2)`: a mapping grows, shrinks or moves with its pages.
//!
//! A move copies table entries, not memory. All happens under the space's
//! lock; what can fail comes first, so a failure leaves the old mapping as it
//! was.

use core::ops::Range;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::page_table::{self, Entry, Tables};
use kernel_core::memory::region::{
    Backing, Placement, Region, RegionFlags, checked_range,
};

use super::removed::Removed;
use super::source::Object;
use super::space::{AddressSpace, Inner, MAP_TOP};
use super::{frame, tlb};

/// Where a mapping may go that does not fit in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// Nowhere.
    No,
    /// Anywhere (`MREMAP_MAYMOVE`).
    Anywhere,
    /// There, in place of what is there (`MREMAP_FIXED`).
    To(usize),
}

impl AddressSpace {
    /// Makes the mapping of `old` bytes at `address` `new` bytes long; its
    /// address.
    ///
    /// # Errors
    /// As `mremap(2)`: `EINVAL`, `EFAULT` for what is not one mapping,
    /// `ENOMEM`; `EAGAIN` if it is locked, and more than `most_locked` pages
    /// would be.
    pub fn remap(
        &self,
        address: usize,
        [old, new]: [usize; 2],
        target: Move,
        most_locked: Option<usize>,
    ) -> Result<usize, Errno> {
        let old = checked_range(address, old)?;
        let length = checked_range(address, new)?.len();
        let more = length.saturating_sub(old.len()) / PAGE_SIZE;
        if !frame::can_promise(more) {
            return Err(Errno::ENOMEM);
        }
        let mut removed = Removed::of(old.len().max(length))?;
        let mut inner = self.inner.lock();
        let more = length.saturating_sub(old.len());
        inner.check_lock_growth(old.start, more, most_locked)?;
        inner.layout += 1;
        let result =
            self.remap_locked(&mut inner, old, length, target, &mut removed);
        drop(inner);
        self.let_go(removed);
        result
    }

    fn remap_locked(
        &self,
        inner: &mut Inner,
        mut old: Range<usize>,
        length: usize,
        target: Move,
        removed: &mut Removed,
    ) -> Result<usize, Errno> {
        if let Move::To(to) = target {
            let new = checked_range(to, length)?;
            if new.start < old.end && old.start < new.end {
                return Err(Errno::EINVAL);
            }
        }
        if length < old.len() {
            let rest = old.start + length..old.end;
            old.end = rest.start;
            self.unmap_locked(inner, rest, removed)?;
        }
        let region = inner.regions.find(old.start).ok_or(Errno::EFAULT)?;
        if region.end < old.end {
            return Err(Errno::EFAULT);
        }
        let region = region.clone();
        if !matches!(target, Move::To(_))
            && (length == old.len() || extend(inner, &region, &old, length))
        {
            return Ok(old.start);
        }
        let placement = match target {
            Move::No => return Err(Errno::ENOMEM),
            Move::Anywhere => Placement::Hint(0),
            Move::To(to) => Placement::Fixed(to),
        };
        let new = inner.regions.place(length, placement, MAP_TOP)?;
        if matches!(placement, Placement::Fixed(_)) {
            self.unmap_locked(inner, new.clone(), removed)?;
        }
        self.move_locked(inner, &region, old, new.clone(), removed)?;
        Ok(new.start)
    }

    fn move_locked(
        &self,
        inner: &mut Inner,
        region: &Region<Object>,
        old: Range<usize>,
        new: Range<usize>,
        removed: &mut Removed,
    ) -> Result<(), Errno> {
        let skipped = (old.start - region.start) / PAGE_SIZE;
        inner.regions.insert(Region {
            start: new.start,
            end: new.end,
            protection: region.protection,
            flags: region.flags - RegionFlags::GROWS_DOWN,
            backing: region.backing.skip(skipped),
        })?;
        let distance = new.start.wrapping_sub(old.start);
        if self.move_pages(inner, old.clone(), distance).is_err() {
            // No page has moved; the tables made for them serve nothing.
            self.unmap_locked(inner, new, removed)?;
            return Err(Errno::ENOMEM);
        }
        self.unmap_locked(inner, old, removed)
    }

    /// Moves the entries of `old` by `distance`: first all tables are made,
    /// then nothing fails.
    fn move_pages(
        &self,
        inner: &mut Inner,
        old: Range<usize>,
        distance: usize,
    ) -> Result<(), page_table::OutOfTables> {
        let root = self.root;
        let new = |at: usize| at.wrapping_add(distance);
        let tables = &mut inner.tables;
        let mut result = Ok(());
        page_table::for_each(tables, root, old.clone(), |tables, at, entry| {
            if result.is_ok() {
                result = page_table::slot(tables, root, new(at)).map(drop);
            }
            entry
        });
        result?;
        page_table::for_each(tables, root, old.clone(), |tables, at, entry| {
            match page_table::slot(tables, root, new(at)) {
                Ok(slot) => tables.write(slot.table, slot.index, entry),
                Err(_) => unreachable!("all tables were made before"),
            }
            Entry::INVALID
        });
        tlb::flush_range(self.asid(), old);
        Ok(())
    }
}

/// Lets the mapping grow where it is, if it ends with its region and nothing
/// is behind it. False if it cannot.
fn extend(
    inner: &mut Inner,
    region: &Region<Object>,
    old: &Range<usize>,
    length: usize,
) -> bool {
    let more = old.end..old.start + length;
    let is_free = old.end == region.end && inner.regions.is_free(more.clone());
    is_free
        && inner
            .regions
            .insert(Region {
                start: more.start,
                end: more.end,
                protection: region.protection,
                flags: region.flags,
                backing: region.backing.skip(region.pages()),
            })
            .is_ok()
}
