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

use super::protect::reprotect;
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
        let length = checked_range(address, new)?.len();
        let old = match old {
            0 => address..address,
            old => checked_range(address, old)?,
        };
        let more = length.saturating_sub(old.len()) / PAGE_SIZE;
        if !frame::can_promise(more) {
            return Err(Errno::ENOMEM);
        }
        // What is cut off goes, what is in the new place, and the old place.
        let mut removed = Removed::of(old.len().saturating_sub(length))?
            .and(length)?
            .and(length)?;
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
        old: Range<usize>,
        length: usize,
        target: Move,
        removed: &mut Removed,
    ) -> Result<usize, Errno> {
        let placement = match target {
            Move::No | Move::Anywhere => Placement::Hint(0),
            Move::To(to) => {
                let new = checked_range(to, length)?;
                if new.start < old.end && old.start < new.end {
                    return Err(Errno::EINVAL);
                }
                Placement::Fixed(to)
            }
        };
        let stays = !matches!(target, Move::To(_));
        let kept = old.start..old.end.min(old.start + length);
        let rest = kept.end..old.end;
        let region = inner.regions.find(old.start).ok_or(Errno::EFAULT)?;
        if stays && !rest.is_empty() {
            self.unmap_locked(inner, rest, removed)?;
            return Ok(old.start);
        }
        if old.is_empty() && region.is_private() {
            return Err(Errno::EINVAL);
        }
        if region.end < kept.end {
            return Err(Errno::EFAULT);
        }
        let region = region.clone();
        if stays
            && (length == old.len() || extend(inner, &region, &old, length))
        {
            return Ok(old.start);
        }
        if target == Move::No {
            return Err(Errno::ENOMEM);
        }
        // The new mapping, and a cut at each place where one ends.
        inner.regions.make_room(4)?;
        let new = inner.regions.place(length, placement, MAP_TOP)?;
        if !stays {
            self.unmap_locked(inner, new.clone(), removed)?;
        }
        if !rest.is_empty() {
            self.unmap_locked(inner, rest, removed)?;
        }
        self.move_locked(inner, &region, kept, new.clone(), removed)?;
        Ok(new.start)
    }

    /// Shows at `new` what `old` shows, which goes, with its pages. There is
    /// room for all changes of regions.
    fn move_locked(
        &self,
        inner: &mut Inner,
        region: &Region<Object>,
        old: Range<usize>,
        new: Range<usize>,
        removed: &mut Removed,
    ) -> Result<(), Errno> {
        removed.make_room()?;
        let skipped = (old.start - region.start) / PAGE_SIZE;
        inner.regions.insert(Region {
            start: new.start,
            end: new.end,
            protection: region.protection,
            flags: region.flags - RegionFlags::GROWS_DOWN,
            backing: region.backing.skip(skipped),
        })?;
        if old.is_empty() {
            return Ok(());
        }
        let distance = new.start.wrapping_sub(old.start);
        if self.move_pages(inner, region, old.clone(), distance).is_err() {
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
        region: &Region<Object>,
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
                // The entry may lag behind its region.
                Ok(slot) => tables.write(
                    slot.table,
                    slot.index,
                    reprotect(region, entry),
                ),
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
