//! Where a file has pages and where it has none, and room that is made before
//! it is used.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use core::ops::Range;

use kernel_abi::Errno;

use super::{Contents, Data, GIVEN_BACK, PAGE, split};
use crate::inode::Extent;
use crate::size_limit;
use kernel_machine::mm::frame;
use kernel_task::sleep::{give_way_and_go_on, give_way_until_killed};

/// Pages that are looked at under the lock in one piece.
const PIECE: usize = 1024;
/// Pages that are made in one piece.
const MADE: u64 = 32;

impl Data {
    /// Where `wanted` begins, at or after `from`.
    ///
    /// # Errors
    /// `ENXIO` behind the end, and for bytes where there are none.
    pub(in crate::ramfs) fn find_extent(
        &self,
        from: u64,
        wanted: Extent,
    ) -> Result<u64, Errno> {
        let (size, _) = self.size();
        if from >= size {
            return Err(Errno::ENXIO);
        }
        let place = |index: u64| from.max(index * PAGE as u64);
        let (mut index, _) = split(from);
        if wanted == Extent::Data {
            let contents = self.contents.lock();
            let next = contents.pages.range(index..).next();
            let next = next.map(|(index, _)| place(*index));
            return next.filter(|it| *it < size).ok_or(Errno::ENXIO);
        }
        loop {
            let contents = self.contents.lock();
            let pages = contents.pages.range(index..).take(PIECE);
            let known = index;
            for (at, _) in pages {
                if *at != index {
                    break;
                }
                index += 1;
            }
            if index - known < PIECE as u64 {
                return Ok(place(index).min(size));
            }
        }
    }

    /// Makes zeros of a range, and of whole pages a hole: as many steps as
    /// there are pages in it. Where the file is mapped to be shared its pages
    /// stay, since others see them.
    ///
    /// # Errors
    /// `ENOSPC` without memory.
    pub(in crate::ramfs) fn punch(
        &self,
        range: Range<u64>,
    ) -> Result<(), Errno> {
        let _writing = self.writing.lock();
        let is_shared = self.is_shared();
        let mut at = range.start;
        while at < range.end {
            let mut contents = self.contents.lock();
            let next = contents.pages.range(split(at).0..).next();
            let Some(index) = next.map(|(index, _)| *index) else { break };
            at = at.max(index * PAGE as u64);
            if at >= range.end {
                break;
            }
            let (_, start) = split(at);
            let length = (range.end - at).min((PAGE - start) as u64) as usize;
            if length == PAGE && !is_shared {
                let gone = contents.pages.remove(&index);
                contents.gave_up(usize::from(gone.is_some()));
                drop(contents);
                drop(gone);
            } else {
                let page = contents.page_to_change(index, is_shared)?;
                page.zero(start, length);
            }
            at += length as u64;
        }
        Ok(())
    }

    /// Gives all of a range pages, and makes the file long enough for it,
    /// unless it `keeps_size`.
    ///
    /// # Errors
    /// `ENOSPC` without room for all, `EFBIG`, `EINTR` if the task is to end
    /// first: the file is as before.
    pub(in crate::ramfs) fn allocate(
        &self,
        range: Range<u64>,
        keeps_size: bool,
    ) -> Result<(), Errno> {
        let _writing = self.writing.lock_killable()?;
        if range.end > self.size().0 {
            size_limit::check(range.end)?;
        }
        let pages = split(range.start).0..range.end.div_ceil(PAGE as u64);
        let made = self.make_pages(pages)?;
        self.take_pages(made);
        if !keeps_size {
            self.contents.lock().extend_to(range.end);
        }
        Ok(())
    }

    /// Pages for those of these that have none, not the file's yet. If they
    /// cannot all be had, those that were made end.
    fn make_pages(&self, wanted: Range<u64>) -> Result<Contents, Errno> {
        let shared = self.contents.lock().shared.clone();
        // What can never be is refused at once.
        let most = shared.pages.limit().min(frame::stats().total);
        if wanted.end - wanted.start > most as u64 {
            return Err(Errno::ENOSPC);
        }
        let mut made = Contents { shared, size: 0, pages: BTreeMap::new() };
        for index in wanted {
            if !self.contents.lock().pages.contains_key(&index) {
                let page = made.fresh_page(index)?;
                made.put(index, page)?;
            }
            if index % MADE == MADE - 1 {
                give_way_until_killed()?;
            }
        }
        Ok(made)
    }

    /// Makes pages the file's. A fault may have made some meanwhile: these
    /// stay.
    fn take_pages(&self, mut made: Contents) {
        let mut count = 0;
        while let Some((index, page)) = made.pages.pop_first() {
            let mut contents = self.contents.lock();
            let spare = match contents.pages.entry(index) {
                Entry::Occupied(_) => Some(page),
                Entry::Vacant(place) => {
                    place.insert(page);
                    None
                }
            };
            drop(contents);
            if spare.is_some() {
                made.gave_up(1);
            }
            count += 1;
            if count % GIVEN_BACK == 0 {
                give_way_and_go_on();
            }
        }
    }
}
