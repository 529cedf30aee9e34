//! Pages and tables are given back: unmapped, reaped, or at the end.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, Range};
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;
use kernel_core::memory::page_table::{self, Entry};
use kernel_core::memory::region::{HIGHEST, Region};

use super::pace::{PIECE, pause};
use super::removed::Removed;
use super::source::{Object, PageSource};
use super::space::{AddressSpace, Inner};
use super::{frame, page, tlb};

/// Frames whose entries are gone but which a TLB may still know.
struct Gather<'a> {
    space: &'a AddressSpace,
    frames: [FrameNumber; 64],
    count: usize,
    /// The addresses the frames were mapped at.
    range: Range<usize>,
}

impl<'a> Gather<'a> {
    fn new(space: &'a AddressSpace) -> Self {
        Self { space, frames: [0; 64], count: 0, range: 0..0 }
    }

    /// Adds a page; its entry is cleared before the next call.
    #[inline(always)]
    fn add(&mut self, address: usize, entry: Entry) {
        if self.count == self.frames.len() {
            self.finish();
        }
        if self.count == 0 {
            self.range.start = address;
        }
        self.range.end = address + super::PAGE_SIZE;
        self.frames[self.count] = page::number(entry.address());
        self.count += 1;
    }

    /// Makes all TLBs forget the pages, then releases the frames.
    fn finish(&mut self) {
        if self.count == 0 {
            return;
        }
        tlb::flush_range(self.space.asid(), self.range.clone());
        let frames = &self.frames[..self.count];
        frames.iter().copied().for_each(frame::release);
        self.space.resident.fetch_sub(self.count, Relaxed);
        self.count = 0;
    }
}

impl AddressSpace {
    /// Takes every page of the range out of the tables.
    pub(super) fn clear_pages(&self, inner: &mut Inner, range: Range<usize>) {
        self.clear_some_pages(inner, range, &mut { usize::MAX });
    }

    /// Takes pages of the range out, until it has looked at `left` entries;
    /// where it ended.
    pub(super) fn clear_some_pages(
        &self,
        inner: &mut Inner,
        range: Range<usize>,
        left: &mut usize,
    ) -> usize {
        // Most ranges hold no page: room for frames is made at the first one.
        let mut gather = None;
        let (root, tables) = (self.root, &mut inner.tables);
        let visit = |_: &mut _, address, entry| {
            let gather = gather.get_or_insert_with(|| Gather::new(self));
            gather.add(address, entry);
            Entry::INVALID
        };
        let end = page_table::for_each_within(tables, root, range, left, visit);
        if let Some(mut gather) = gather {
            gather.finish();
        }
        end
    }

    /// Frees the tables that served the range and now serve nothing.
    pub(super) fn clear_tables(&self, inner: &mut Inner, range: Range<usize>) {
        let hole = inner.regions.hole_around(range.clone());
        let tables = &mut inner.tables;
        if page_table::clear_empty(tables, self.root, range, hole) > 0 {
            tlb::flush_space(self.asid());
            tables.free_retired();
        }
    }

    /// Unmaps all that shows the one source for which `is_it` is true, and
    /// whose page 0 is or would be at `address` (`shmdt(2)`).
    ///
    /// # Errors
    /// `EINVAL` if there is no such region, `ENOMEM`.
    ///
    /// # Locks
    /// `is_it` is called with the space's spin lock held.
    pub fn unmap_source(
        &self,
        address: usize,
        is_it: impl Fn(&dyn PageSource) -> bool,
    ) -> Result<(), Errno> {
        let inner = self.inner.lock();
        let shown = shown_at(&inner, address, &is_it)?;
        drop(inner);
        let mut removed = shown
            .iter()
            .try_fold(Removed::default(), |all, range| all.and(range.len()))?;
        let mut inner = self.inner.lock();
        let result = shown_at(&inner, address, &is_it).and_then(|shown| {
            shown.into_iter().try_for_each(|range| {
                self.unmap_locked(&mut inner, range, &mut removed)
            })
        });
        drop(inner);
        self.let_go(removed);
        result
    }

    /// Takes the pages away that show page `first` of a source, or a later one,
    /// for which `is_it` is true: it has no such page any more. In pieces, with
    /// no lock held between them.
    ///
    /// # Locks
    /// `is_it` is called with the space's spin lock held.
    pub fn forget_pages(
        &self,
        first: usize,
        is_it: impl Fn(&dyn PageSource) -> bool,
    ) {
        let mut next = 0;
        loop {
            let mut inner = self.inner.lock();
            next = self.forget_some(&mut inner, next, first, &is_it);
            drop(inner);
            if next >= HIGHEST {
                return;
            }
            pause();
        }
    }

    /// The same for some regions from `next` on; where it ended.
    fn forget_some(
        &self,
        inner: &mut Inner,
        mut next: usize,
        first: usize,
        is_it: impl Fn(&dyn PageSource) -> bool,
    ) -> usize {
        let mut left = PIECE;
        while left > 0 {
            let Some(region) = inner.regions.above(next) else {
                return HIGHEST;
            };
            let Object { source, first: shown } = &region.backing;
            let is_meant = source.as_ref().is_some_and(|it| is_it(&**it));
            let kept = first.saturating_sub(*shown).min(region.pages());
            let start = region.start + kept * PAGE_SIZE;
            let part = start.max(next)..region.end;
            next = part.end;
            left -= 1;
            if is_meant && !part.is_empty() {
                next = self.clear_some_pages(inner, part, &mut left);
            }
        }
        next
    }

    /// Bytes of memory that are this space's: of a page that several hold,
    /// its part. The walk over all tables makes it for rare decisions only.
    ///
    /// # Locks
    /// The space's.
    pub fn share(&self) -> u64 {
        let (mut bytes, mut next) = (0, 0);
        let mut visit = |_: &mut _, _, entry: Entry| {
            let holders = frame::holders(page::number(entry.address()));
            bytes += PAGE_SIZE as u64 / u64::from(holders.max(1));
            entry
        };
        // The lock is free between pieces, but the caller, who may hold other
        // locks, does not pause.
        while next < HIGHEST {
            let mut inner = self.inner.lock();
            let Inner { regions, tables, .. } = &mut *inner;
            let mut left = PIECE;
            while left > 0 && next < HIGHEST {
                left -= 1;
                next = match regions.above(next) {
                    None => HIGHEST,
                    Some(region) => page_table::for_each_within(
                        tables,
                        self.root,
                        region.start.max(next)..region.end,
                        &mut left,
                        &mut visit,
                    ),
                };
            }
        }
        bytes
    }

    /// Takes the private pages of a process that is to die of lack of memory,
    /// while it may still run: for the out-of-memory reaper. From then on
    /// every fault gives [`super::FaultError::OutOfMemory`], so the process
    /// never sees a page come back empty. Returns how many pages were freed.
    pub fn reap(&self) -> usize {
        let before = self.resident.load(Relaxed);
        let mut next = 0;
        while let Some(end) = self.reap_some(next) {
            next = end;
        }
        before.saturating_sub(self.resident.load(Relaxed))
    }

    /// Reaps a piece of the first region above `from`, and says where it ended;
    /// `None` if there is none. The lock is free between pieces.
    fn reap_some(&self, from: usize) -> Option<usize> {
        let mut inner = self.inner.lock();
        inner.is_reaped = true;
        inner.layout += 1;
        let region = inner.regions.above(from)?;
        let part = region.start.max(from)..region.end;
        Some(match region.is_private() {
            true => self.clear_some_pages(&mut inner, part, &mut { PIECE }),
            false => part.end,
        })
    }
}

impl AddressSpace {
    /// Gives up a reference; if it was the last one, all goes in pieces: for
    /// who leaves it at the end of a program. No lock is held.
    pub fn leave(space: Arc<Self>) {
        if let Some(mut space) = Arc::into_inner(space) {
            space.release_all(pause);
        }
    }

    /// Releases every page and table, and calls `pause` between pieces. No
    /// CPU runs with the space, and its ASID is not given to another before
    /// every TLB was flushed, so nothing is flushed here.
    fn release_all(&mut self, pause: fn()) {
        let root = self.root;
        let Inner { regions, tables, .. } = self.inner.get_mut();
        let mut left = PIECE;
        for region in regions.iter() {
            let mut range = region.range();
            while !range.is_empty() {
                let rest = range.clone();
                let visit = |_: &mut _, _, entry: Entry| {
                    frame::release(page::number(entry.address()));
                    // Nobody walks these tables again, so the store is spared.
                    entry
                };
                range.start = page_table::for_each_within(
                    tables, root, rest, &mut left, visit,
                );
                if left == 0 {
                    pause();
                    left = PIECE;
                }
            }
        }
        while tables.free_some(PIECE) {
            pause();
        }
        tables.free_all();
        let regions = core::mem::take(regions).into_regions();
        for (count, region) in regions.enumerate() {
            drop(region);
            if count % PIECE == PIECE - 1 {
                pause();
            }
        }
    }
}

/// Memory of a process that somebody looks at, who may be the last to hold it:
/// then it goes in pieces. Whoever ends it holds no spin lock.
pub struct Observed(Option<Arc<AddressSpace>>);

impl From<Arc<AddressSpace>> for Observed {
    fn from(space: Arc<AddressSpace>) -> Self {
        Self(Some(space))
    }
}

impl Deref for Observed {
    type Target = Arc<AddressSpace>;

    fn deref(&self) -> &Arc<AddressSpace> {
        match &self.0 {
            Some(space) => space,
            None => unreachable!("it is there until the end"),
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(space) = self.0.take() {
            AddressSpace::leave(space);
        }
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        self.release_all(|| {});
    }
}

/// Where the one source is shown for which `is_it` is true, and whose page 0 is
/// or would be at `address`.
fn shown_at(
    inner: &Inner,
    address: usize,
    is_it: impl Fn(&dyn PageSource) -> bool,
) -> Result<Vec<Range<usize>>, Errno> {
    let begins_here = |region: &Region<Object>| {
        region.start.checked_sub(region.backing.offset()) == Some(address)
    };
    let mut regions = inner.regions.overlapping(address..HIGHEST);
    let source = regions
        .find_map(|region| {
            let source = region.backing.source.as_ref()?;
            let is_meant = begins_here(region) && is_it(&**source);
            is_meant.then(|| source.clone())
        })
        .ok_or(Errno::EINVAL)?;
    let shows = |region: &&Region<Object>| {
        let other = region.backing.source.as_ref();
        begins_here(region)
            && other.is_some_and(|other| Arc::ptr_eq(other, &source))
    };
    let all = || inner.regions.overlapping(address..HIGHEST).filter(shows);
    let mut ranges = Vec::new();
    let reserved = ranges.try_reserve_exact(all().count());
    reserved.map_err(|_| Errno::ENOMEM)?;
    ranges.extend(all().map(Region::range));
    Ok(ranges)
}
