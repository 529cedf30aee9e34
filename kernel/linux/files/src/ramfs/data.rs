//! The bytes of a plain file, in frames.
//!
//! A page that was never written has no frame and reads as zeros. A reader
//! takes a counted reference to a frame, releases the lock and copies; so
//! does a process that maps the page. A writer therefore changes a frame in
//! place only while nobody else holds it, and otherwise a copy of it: who
//! mapped or is reading the old page keeps the old bytes (Linux leaves open
//! whether a private mapping sees later writes). Hence no reader ever waits
//! for a writer that faults on its own buffer, even if that buffer is a
//! mapping of the same file.
//!
//! Long reads, writes and ends of files are done in pieces, with a freeze point
//! between (SPECIFICATION.md Y9). A writer that freezes keeps other writers out
//! until it goes on, so a write and an append are one piece for them; a reader
//! may see a part of it, as on Linux.
//!
//! Once a file was mapped to be shared, its frames are changed in place,
//! since whoever shares them is to see what is written; and when its end is cut
//! off, that is gone from all mappings (`mapping.rs`).

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use core::mem;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicUsize};

use kernel_abi::Errno;

use super::shared::Shared;
use crate::buffer::{Input, Output};
use crate::size_limit;
use kernel_machine::mm::FrameRef;
use kernel_machine::mm::FrameUse;
use kernel_machine::mm::frame::{self, Frame};
use kernel_machine::sync::SpinLock;
use kernel_task::Mutex;
use kernel_task::sleep::{give_way_and_go_on, give_way_until_killed};

mod extent;

const PAGE: usize = 4096;
/// Bytes that pass through the stack to fill a part of a page.
const BOUNCE: usize = 512;
/// Pages that are read, or parts of pages that are written, in one piece.
const PIECE: usize = 32;
/// Pages that are given back in one piece.
const GIVEN_BACK: usize = 512;
/// Longest file.
const SIZE_MAX: u64 = i64::MAX as u64;

/// Where a write begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// There.
    Position(u64),
    /// At the end.
    End,
}

/// Frames that hold the bytes of all files.
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// Pages of all files.
pub fn pages() -> usize {
    PAGES.load(Relaxed)
}

struct Contents {
    /// Whose limits its pages count against.
    shared: Arc<Shared>,
    size: u64,
    pages: BTreeMap<u64, FrameRef>,
}

/// The bytes of a file.
pub(super) struct Data {
    contents: SpinLock<Contents>,
    /// Held by whoever writes, so that an append is one piece; over freeze
    /// points.
    writing: Mutex<()>,
    /// It was mapped to be shared.
    is_shared: AtomicBool,
}

/// A part of one page.
struct Piece {
    frame: Option<FrameRef>,
    start: usize,
    end: usize,
}

fn split(position: u64) -> (u64, usize) {
    (position / PAGE as u64, (position % PAGE as u64) as usize)
}

fn allocate() -> Result<Frame, Errno> {
    frame::alloc(FrameUse::File).ok_or(Errno::ENOSPC)
}

impl Contents {
    /// Page `index`, to be changed: made, or copied if somebody else holds
    /// it and is not to see the change.
    fn page_to_change(
        &mut self,
        index: u64,
        is_shared: bool,
    ) -> Result<&FrameRef, Errno> {
        let page = self.pages.get(&index);
        if !page.is_some_and(|page| is_shared || page.is_sole()) {
            let page = self.fresh_page(index)?;
            let replaced = self.put(index, page)?;
            drop(replaced);
        }
        self.pages.get(&index).ok_or(Errno::EIO)
    }

    fn fresh_page(&self, index: u64) -> Result<FrameRef, Errno> {
        let Some(old) = self.pages.get(&index) else {
            let frame = frame::alloc_zeroed(FrameUse::File);
            return Ok(frame.ok_or(Errno::ENOSPC)?.into());
        };
        let mut copy = allocate()?;
        old.read(0, copy.bytes_mut());
        Ok(copy.into())
    }

    /// Puts a page where there may be one. Gives that one, which is to end
    /// outside the lock.
    fn put(
        &mut self,
        index: u64,
        page: FrameRef,
    ) -> Result<Option<FrameRef>, Errno> {
        match self.pages.entry(index) {
            Entry::Occupied(mut place) => Ok(Some(place.insert(page))),
            Entry::Vacant(_) if !self.shared.pages.take(1) => {
                Err(Errno::ENOSPC)
            }
            Entry::Vacant(place) => {
                place.insert(page);
                PAGES.fetch_add(1, Relaxed);
                Ok(None)
            }
        }
    }

    /// So many of its pages are gone.
    fn gave_up(&self, count: usize) {
        PAGES.fetch_sub(count, Relaxed);
        self.shared.pages.give(count);
    }

    fn extend_to(&mut self, size: u64) {
        self.size = self.size.max(size);
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.gave_up(self.pages.len());
        give_back(mem::take(&mut self.pages));
    }
}

/// Lets go of pages, which may be many. No lock is held that others wait for.
fn give_back(pages: BTreeMap<u64, FrameRef>) {
    for (count, page) in pages.into_values().enumerate() {
        drop(page);
        if count % GIVEN_BACK == GIVEN_BACK - 1 {
            give_way_and_go_on();
        }
    }
}

impl Data {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let shared = shared.clone();
        let contents = Contents { shared, size: 0, pages: BTreeMap::new() };
        Self {
            contents: SpinLock::new(contents),
            writing: Mutex::new(()),
            is_shared: AtomicBool::new(false),
        }
    }

    /// From now on whoever maps the file sees what is written.
    ///
    /// # Errors
    /// `EINTR` if the task is to end first.
    pub(super) fn share(&self) -> Result<(), Errno> {
        if !self.is_shared() {
            // A write under way may still replace pages that nobody shares
            // yet.
            let _writing = self.writing.lock_killable()?;
            self.is_shared.store(true, Relaxed);
        }
        Ok(())
    }

    /// True if the file was ever mapped to be shared.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Relaxed)
    }

    /// Bytes, and units of 512 that are allocated.
    pub(super) fn size(&self) -> (u64, u64) {
        let contents = self.contents.lock();
        (contents.size, contents.pages.len() as u64 * (PAGE / 512) as u64)
    }

    /// The part of the file that one page holds, at most `length` bytes;
    /// `None` at the end.
    fn piece(&self, position: u64, length: usize) -> Option<Piece> {
        let contents = self.contents.lock();
        let left = contents.size.checked_sub(position).filter(|it| *it > 0)?;
        let (index, start) = split(position);
        let length = (left.min(PAGE as u64) as usize).min(length);
        let end = PAGE.min(start + length);
        let frame = contents.pages.get(&index).cloned();
        Some(Piece { frame, start, end })
    }

    pub(super) fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        let mut pages = 0;
        while output.remaining() > 0 {
            let here = position.saturating_add(output.done() as u64);
            let Some(piece) = self.piece(here, output.remaining()) else {
                break;
            };
            let length = piece.end - piece.start;
            let put = match &piece.frame {
                Some(frame) => output.put_frame(frame, piece.start, length),
                None => output.put_zeros(length),
            };
            pages += 1;
            let rest = match put {
                Ok(()) if pages % PIECE == 0 => give_way_until_killed(),
                put => put,
            };
            if let Err(error) = rest {
                return output.short(error);
            }
        }
        Ok(output.done())
    }

    /// Gives the count and the position after it.
    pub(super) fn write(
        &self,
        at: At,
        input: &mut Input<'_>,
    ) -> Result<(usize, u64), Errno> {
        let _writing = self.writing.lock_killable()?;
        let start = match at {
            At::Position(position) => position,
            At::End => self.contents.lock().size,
        };
        let end = start.checked_add(input.remaining() as u64);
        if end.is_none_or(|end| end > SIZE_MAX) {
            return Err(Errno::EFBIG);
        }
        if input.remaining() > 0 {
            input.limit(size_limit::room_from(start)?);
        }
        let mut pieces = 0;
        while input.remaining() > 0 {
            let here = start + input.done() as u64;
            pieces += 1;
            let rest = match self.write_piece(here, input) {
                Ok(()) if pieces % PIECE == 0 => give_way_until_killed(),
                written => written,
            };
            if let Err(error) = rest {
                input.short(error)?;
                break;
            }
        }
        Ok((input.done(), start + input.done() as u64))
    }

    fn write_piece(
        &self,
        position: u64,
        input: &mut Input<'_>,
    ) -> Result<(), Errno> {
        let (index, start) = split(position);
        let is_shared = self.is_shared();
        if start == 0 && input.remaining() >= PAGE && !is_shared {
            return self.write_page(index, input);
        }
        let length = input.remaining().min(PAGE - start).min(BOUNCE);
        let mut bounce = [0; BOUNCE];
        let mark = input.mark();
        input.take(&mut bounce[..length])?;
        let mut contents = self.contents.lock();
        let page = contents.page_to_change(index, is_shared);
        let page = page.inspect_err(|_| input.rewind(mark))?;
        page.write(start, &bounce[..length]);
        contents.extend_to(position + length as u64);
        Ok(())
    }

    fn write_page(
        &self,
        index: u64,
        input: &mut Input<'_>,
    ) -> Result<(), Errno> {
        let mut page = allocate()?;
        let mark = input.mark();
        input.take(page.bytes_mut())?;
        let mut contents = self.contents.lock();
        let replaced = contents.put(index, page.into());
        let replaced = replaced.inspect_err(|_| input.rewind(mark))?;
        contents.extend_to((index + 1) * PAGE as u64);
        drop(contents);
        drop(replaced);
        Ok(())
    }

    /// Makes it longer or shorter. `forget` takes the pages from a number on
    /// away from whoever has mapped them.
    ///
    /// # Errors
    /// `EFBIG`, `ENOSPC`, `EINTR` if the task is to end first.
    pub(super) fn truncate(
        &self,
        size: u64,
        forget: impl FnOnce(usize),
    ) -> Result<(), Errno> {
        if size > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        let writing = self.writing.lock_killable()?;
        if size > self.size().0 {
            size_limit::check(size)?;
        }
        let (index, start) = split(size);
        let mut contents = self.contents.lock();
        let mut kept = index;
        if start > 0 {
            kept += 1;
            if contents.pages.contains_key(&index) {
                let is_shared = self.is_shared();
                let page = contents.page_to_change(index, is_shared)?;
                page.zero(start, PAGE - start);
            }
        }
        let cut = contents.pages.split_off(&kept);
        contents.size = size;
        drop(contents);
        // Nobody writes until then, so no page comes back meanwhile.
        if self.is_shared() && !cut.is_empty() {
            forget(usize::try_from(kept).unwrap_or(usize::MAX));
        }
        self.contents.lock().gave_up(cut.len());
        drop(writing);
        give_back(cut);
        Ok(())
    }

    /// Makes the file longer, whatever the running process may write.
    pub(super) fn set_size(&self, size: u64) -> Result<(), Errno> {
        if size > SIZE_MAX {
            return Err(Errno::ENOMEM);
        }
        self.contents.lock().extend_to(size);
        Ok(())
    }

    /// The frame of page `index`, if there is one.
    pub(super) fn present_page(&self, index: u64) -> Option<FrameRef> {
        let contents = self.contents.lock();
        let is_inside = index < contents.size.div_ceil(PAGE as u64);
        contents.pages.get(&index).filter(|_| is_inside).cloned()
    }

    /// The frame of page `index`, to be mapped; made if there is none yet.
    ///
    /// # Errors
    /// `ENXIO` behind the end, `ENOSPC` without memory.
    pub(super) fn page(&self, index: u64) -> Result<FrameRef, Errno> {
        let mut contents = self.contents.lock();
        if index >= contents.size.div_ceil(PAGE as u64) {
            return Err(Errno::ENXIO);
        }
        if let Some(page) = contents.pages.get(&index) {
            return Ok(page.clone());
        }
        let page = contents.fresh_page(index)?;
        let replaced = contents.put(index, page.clone())?;
        debug_assert!(replaced.is_none(), "the page was not there");
        Ok(page)
    }
}
