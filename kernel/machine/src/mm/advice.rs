//! What a program says of its memory beside rights (`madvise`, `mlock`), and
//! what it asks of it (`mincore`, `/proc/PID/smaps`, `pagemap`).

use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::memory::page_table::{self, Entry, Tables};
use kernel_core::memory::region::{
    HIGHEST, Region, RegionFlags, checked_range,
};
use kernel_core::memory::{PAGE_SHIFT, PAGE_SIZE, page_ceiling};

use super::pace::{PIECE, pause};
use super::removed::Removed;
use super::source::Object;
use super::space::{AddressSpace, Inner};
use super::{frame, page};

/// What of a range is in memory, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// In the tables.
    pub present: usize,
    /// The process's own.
    pub owned: usize,
    /// In the tables of nobody else.
    pub sole: usize,
    /// Own pages in the tables of nobody else.
    pub sole_owned: usize,
    /// Bytes: of a page that several hold, a part.
    pub share: usize,
}

impl AddressSpace {
    /// Gives what is mapped in the range the flags `set` and takes `clear`
    /// away. No more than `most_locked` pages may be locked then.
    ///
    /// # Errors
    /// `EINVAL` for a range that makes no sense, and to wipe what is not
    /// private memory of zero pages; `ENOMEM` if part of it is not mapped: the
    /// rest has changed; `ENOMEM` if too much would be locked.
    pub fn mark(
        &self,
        address: usize,
        length: usize,
        [set, clear]: [RegionFlags; 2],
        most_locked: Option<usize>,
    ) -> Result<(), Errno> {
        if length == 0 {
            return Ok(());
        }
        let range = told_range(address, length)?;
        let mut inner = self.inner.lock();
        if set.contains(RegionFlags::WIPE_ON_FORK) {
            let mut all = inner.regions.overlapping(range.clone());
            if !all.all(is_own_memory) {
                return Err(Errno::EINVAL);
            }
        }
        if let Some(most) = most_locked {
            let others = inner.locked_pages(0..HIGHEST)
                - inner.locked_pages(range.clone());
            check_sum(others, range.len(), most, Errno::ENOMEM)?;
        }
        inner.regions.change_flags(range.clone(), set, clear)?;
        check_mapped(&inner, range)
    }

    /// Marks all that is mapped, and, if `is_future`, all that will be. What
    /// is mapped may be no more than `most_locked` pages, if it is marked.
    ///
    /// # Errors
    /// `ENOMEM` without memory, and if there is more: nothing has changed then.
    pub fn mark_all(
        &self,
        marks: [RegionFlags; 2],
        [is_present, is_future]: [bool; 2],
        most_locked: Option<usize>,
    ) -> Result<(), Errno> {
        let [set, clear] = marks;
        let mut inner = self.inner.lock();
        if let Some(most) = most_locked.filter(|_| is_present) {
            check_sum(inner.regions.pages(), 0, most, Errno::ENOMEM)?;
        }
        let future = if is_future { set } else { RegionFlags::empty() };
        inner.new_flags = (inner.new_flags - clear - set) | future;
        let locks_new = inner.new_flags == RegionFlags::LOCKED;
        self.locks_new.store(locks_new, Relaxed);
        let locks_future = inner.new_flags.contains(RegionFlags::LOCKED);
        self.locks_future.store(locks_future, Relaxed);
        if is_present {
            inner.regions.change_flags(0..HIGHEST, set, clear)?;
        }
        Ok(())
    }

    /// Takes the pages of private mappings in the range away: the next touch
    /// finds them as at first (`madvise(MADV_DONTNEED)`).
    ///
    /// # Errors
    /// `EINVAL` for a range that makes no sense, one with something that
    /// `forbids`, or, if `is_own_only`, with anything but memory of the
    /// process's own; `ENOMEM` if part of it is not mapped: the rest is gone.
    pub fn discard(
        &self,
        address: usize,
        length: usize,
        forbids: RegionFlags,
        is_own_only: bool,
    ) -> Result<(), Errno> {
        if length == 0 {
            return Ok(());
        }
        let range = told_range(address, length)?;
        let is_bad = |region: &Region<Object>| {
            region.flags.intersects(forbids)
                || is_own_only && !is_own_memory(region)
        };
        let inner = self.inner.lock();
        if inner.regions.overlapping(range.clone()).any(is_bad) {
            return Err(Errno::EINVAL);
        }
        let is_mapped = check_mapped(&inner, range.clone());
        drop(inner);
        self.discard_in_pieces(range);
        is_mapped
    }

    /// Fails unless all of the range is mapped, without anything that
    /// `forbids`.
    ///
    /// # Errors
    /// `EINVAL` for a range that makes no sense, `ENOMEM` for one with gaps,
    /// `EBUSY` for what is forbidden.
    pub fn check_range(
        &self,
        address: usize,
        length: usize,
        forbids: RegionFlags,
    ) -> Result<(), Errno> {
        if length == 0 {
            return Ok(());
        }
        let range = told_range(address, length)?;
        let inner = self.inner.lock();
        let mut all = inner.regions.overlapping(range.clone());
        if all.any(|region| region.flags.intersects(forbids)) {
            return Err(Errno::EBUSY);
        }
        check_mapped(&inner, range)
    }

    /// Shows page `first` of the object that is mapped there, and on, in the
    /// range (`remap_file_pages`).
    ///
    /// # Errors
    /// `EINVAL` unless one shared mapping holds the whole range.
    pub fn show_pages(
        &self,
        address: usize,
        length: usize,
        first: usize,
    ) -> Result<(), Errno> {
        let range = checked_range(address, length)?;
        let mut removed = Removed::of(range.len())?;
        let mut inner = self.inner.lock();
        let region = inner.regions.find(address).ok_or(Errno::EINVAL)?;
        if region.is_private() || region.end < range.end {
            return Err(Errno::EINVAL);
        }
        let mut backing = region.backing.clone();
        backing.first = first;
        let (start, end) = (range.start, range.end);
        let new = Region { start, end, backing, ..region.clone() };
        self.unmap_locked(&mut inner, range, &mut removed)?;
        let inserted = inner.regions.insert(new);
        drop(inner);
        self.let_go(removed);
        Ok(inserted?)
    }

    /// Says page by page, from the start of `range` on, whether it is in
    /// memory, as bit 0 of each of `pages`; how many it has said, and at most
    /// what is looked at in one piece.
    ///
    /// # Errors
    /// `ENOMEM` where nothing is mapped.
    pub fn presence(
        &self,
        range: Range<usize>,
        pages: &mut [u8],
    ) -> Result<usize, Errno> {
        let inner = self.inner.lock();
        let region = inner.regions.find(range.start).ok_or(Errno::ENOMEM)?;
        let end = range.end.min(region.end);
        let count =
            ((end - range.start) >> PAGE_SHIFT).min(PIECE).min(pages.len());
        for (at, page) in pages[..count].iter_mut().enumerate() {
            let address = range.start + at * PAGE_SIZE;
            let slot = page_table::find(&inner.tables, self.root, address);
            let is_present = slot.is_some_and(|slot| {
                inner.tables.read(slot.table, slot.index).is_valid()
            });
            let index = (address - region.start) >> PAGE_SHIFT;
            let source = region.backing.source.as_ref();
            let is_cached = || {
                let first = region.backing.first;
                source
                    .is_some_and(|it| it.present_page(first + index).is_some())
            };
            *page = u8::from(is_present || is_cached());
        }
        Ok(count)
    }

    /// What of `range`, which is page-aligned, is in memory. In pieces, with no
    /// lock held between them.
    pub fn usage(&self, mut range: Range<usize>) -> Usage {
        let mut usage = Usage::default();
        loop {
            range.start = self.add_usage(range.clone(), &mut usage);
            if range.is_empty() {
                return usage;
            }
            pause();
        }
    }

    /// Adds a piece of the range; where it ended.
    fn add_usage(&self, range: Range<usize>, usage: &mut Usage) -> usize {
        let mut inner = self.inner.lock();
        let (tables, root) = (&mut inner.tables, self.root);
        let visit = |_: &mut _, _, entry: Entry| {
            let is_own = entry.is_owned();
            // An object holds its pages itself.
            let all = frame::holders(page::number(entry.address()));
            let holders = (all - u32::from(!is_own && all > 0)).max(1);
            let is_sole = holders == 1;
            usage.present += 1;
            usage.owned += usize::from(is_own);
            usage.sole += usize::from(is_sole);
            usage.sole_owned += usize::from(is_own && is_sole);
            usage.share += PAGE_SIZE / holders as usize;
            entry
        };
        page_table::for_each_within(tables, root, range, &mut { PIECE }, visit)
    }

    /// The frame of the page at `address`, and whether it is the process's
    /// own and in nobody else's tables; `None` if it is not in the tables.
    pub fn frame_at(&self, address: usize) -> Option<(u64, bool, bool)> {
        let inner = self.inner.lock();
        let slot = page_table::find(&inner.tables, self.root, address)?;
        let entry = inner.tables.read(slot.table, slot.index);
        let number = page::number(entry.address());
        entry
            .is_valid()
            .then(|| (number.into(), entry.is_owned(), frame::is_sole(number)))
    }

    /// Whether new mappings are to be brought in at once (`mlockall`).
    pub fn locks_new(&self) -> bool {
        self.locks_new.load(Relaxed)
    }

    /// Whether new mappings are locked, brought in at once or not.
    pub fn locks_future(&self) -> bool {
        self.locks_future.load(Relaxed)
    }

    /// Pages of mappings with these flags.
    pub fn pages_with(&self, flags: RegionFlags) -> usize {
        self.inner.lock().regions.pages_with(flags)
    }
}

impl Inner {
    /// Pages of `range` that are locked.
    fn locked_pages(&self, range: Range<usize>) -> usize {
        let is_locked = |region: &&Region<Object>| {
            region.flags.contains(RegionFlags::LOCKED)
        };
        let bytes = |region: &Region<Object>| {
            let start = region.start.max(range.start);
            region.end.min(range.end).saturating_sub(start)
        };
        let regions = self.regions.overlapping(range.clone());
        regions.filter(is_locked).map(bytes).sum::<usize>() / PAGE_SIZE
    }

    /// Fails if a new mapping with these flags is locked, and more than `most`
    /// pages would be then.
    ///
    /// # Errors
    /// `EAGAIN`.
    pub(super) fn check_lock_new(
        &self,
        flags: RegionFlags,
        length: usize,
        most: Option<usize>,
    ) -> Result<(), Errno> {
        let is_locked = (flags | self.new_flags).contains(RegionFlags::LOCKED);
        match most.filter(|_| is_locked) {
            Some(most) => {
                let locked = self.locked_pages(0..HIGHEST);
                check_sum(locked, length, most, Errno::EAGAIN)
            }
            None => Ok(()),
        }
    }

    /// Fails if what is at `start` is locked and becomes `more` bytes longer,
    /// and more than `most` pages would be locked then.
    ///
    /// # Errors
    /// `EAGAIN`.
    pub(super) fn check_lock_growth(
        &self,
        start: usize,
        more: usize,
        most: Option<usize>,
    ) -> Result<(), Errno> {
        let Some(most) = most.filter(|_| more > 0) else { return Ok(()) };
        match self.locked_pages(start..start.saturating_add(PAGE_SIZE)) {
            0 => Ok(()),
            _ => {
                let locked = self.locked_pages(0..HIGHEST);
                check_sum(locked, more, most, Errno::EAGAIN)
            }
        }
    }
}

/// Fails if pages and bytes are more than `most` pages.
fn check_sum(
    pages: usize,
    bytes: usize,
    most: usize,
    error: Errno,
) -> Result<(), Errno> {
    match pages.saturating_add(bytes.div_ceil(PAGE_SIZE)) > most {
        true => Err(error),
        false => Ok(()),
    }
}

/// True for private memory with nothing behind it.
fn is_own_memory(region: &Region<Object>) -> bool {
    region.is_private() && region.backing.source.is_none()
}

/// A range that a program says something of.
///
/// # Errors
/// `EINVAL` for one that makes no sense, `ENOMEM` past the end of what can be
/// mapped.
fn told_range(address: usize, length: usize) -> Result<Range<usize>, Errno> {
    let end = page_ceiling(length).and_then(|all| address.checked_add(all));
    if address.is_multiple_of(PAGE_SIZE) && end.is_some_and(|it| it > HIGHEST) {
        return Err(Errno::ENOMEM);
    }
    Ok(checked_range(address, length)?)
}

fn check_mapped(inner: &Inner, range: Range<usize>) -> Result<(), Errno> {
    match inner.regions.is_mapped(range) {
        true => Ok(()),
        false => Err(Errno::ENOMEM),
    }
}
