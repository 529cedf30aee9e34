//! Where a file has pages and where it has none.

use core::ops::Range;

use kernel_abi::Errno;

use super::{Data, PAGE, split};
use crate::inode::Extent;

/// Pages that are looked at under the lock in one piece.
const PIECE: usize = 1024;

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
}
