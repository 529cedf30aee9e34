//! The bytes of a pipe: a ring of pages, each there only while it is used.

use alloc::vec::Vec;

use kernel_abi::Errno;

use crate::buffer::{Input, Output};
use kernel_machine::mm::FrameUse;
use kernel_machine::mm::frame::{self, Frame};

const PAGE: usize = 4096;
/// Pages of a new pipe.
const PAGES: usize = 16;
/// Most bytes in a pipe, unless it is made larger or smaller.
pub const CAPACITY: usize = PAGES * PAGE;

/// A write of so many bytes or fewer is one piece.
pub const PIPE_BUF: usize = 4096;

/// Bytes in the order they came.
pub(super) struct Ring {
    /// Where the oldest byte stands.
    start: usize,
    length: usize,
    /// As many as it may have: a power of two.
    pages: Vec<Option<Frame>>,
}

impl Ring {
    /// An empty ring for `capacity` bytes, a power of two.
    pub(super) fn new(capacity: usize) -> Self {
        let mut pages = Vec::new();
        pages.resize_with(capacity / PAGE, || None);
        Self { start: 0, length: 0, pages }
    }

    /// Most bytes in it.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The place of a byte that would stand at `at` in a ring without end.
    #[inline]
    fn wrapped(&self, at: usize) -> usize {
        at & (self.capacity() - 1)
    }

    /// Makes it hold at least `bytes`, which are not 0.
    ///
    /// # Errors
    /// `EBUSY` if the pages in use are more; `ENOMEM`.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), Errno> {
        let count = bytes.div_ceil(PAGE).next_power_of_two();
        let old = self.pages.len();
        if count == old {
            return Ok(());
        }
        // The oldest byte comes to stand in the first page.
        let first = self.start / PAGE;
        let start = self.start % PAGE;
        let used = (start + self.length).div_ceil(PAGE);
        if used > count {
            return Err(Errno::EBUSY);
        }
        let mut pages = Vec::new();
        pages.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        // The newest bytes may stand before the oldest one, in its page.
        let beyond = (start + self.length).saturating_sub(old * PAGE);
        let mut last = None;
        if beyond > 0 {
            let mut page = frame::alloc(FrameUse::File).ok_or(Errno::ENOMEM)?;
            let from = self.pages[first].as_ref().ok_or(Errno::EIO)?;
            page.bytes_mut()[..beyond].copy_from_slice(&from.bytes()[..beyond]);
            last = Some(page);
        }
        self.pages.rotate_left(first);
        self.start = start;
        pages.extend(self.pages.drain(..old.min(count)));
        if last.is_some() {
            pages.push(last);
        }
        pages.resize_with(count, || None);
        self.pages = pages;
        Ok(())
    }

    /// Bytes in it.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Bytes of its pages.
    pub(super) fn held(&self) -> usize {
        self.pages.iter().flatten().count() * PAGE
    }

    /// Moves the oldest bytes to `output`; a byte leaves only after its copy
    /// succeeded.
    pub(super) fn take(
        &mut self,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        while self.length > 0 && output.remaining() > 0 {
            let (page, at) = (self.start / PAGE, self.start % PAGE);
            let size = (PAGE - at).min(self.length).min(output.remaining());
            let frame = self.pages[page].as_ref().ok_or(Errno::EIO)?;
            if let Err(error) = output.put(&frame.bytes()[at..at + size]) {
                return output.short(error);
            }
            self.consume(size);
        }
        Ok(output.done())
    }

    /// Copies the oldest bytes; how many.
    pub(super) fn copy(&self, bytes: &mut [u8]) -> usize {
        let mut done = 0;
        while done < bytes.len().min(self.length) {
            let start = self.wrapped(self.start + done);
            let (page, at) = (start / PAGE, start % PAGE);
            let left = bytes.len().min(self.length) - done;
            let size = (PAGE - at).min(left);
            let Some(frame) = &self.pages[page] else { break };
            bytes[done..done + size]
                .copy_from_slice(&frame.bytes()[at..at + size]);
            done += size;
        }
        done
    }

    fn consume(&mut self, size: usize) {
        let page = self.start / PAGE;
        self.start = self.wrapped(self.start + size);
        self.length -= size;
        if self.length == 0 {
            // Begin anew in the first page, with the frame at hand: a pipe
            // that carries small messages never needs another.
            self.start = 0;
            self.pages.swap(0, page);
        } else if self.start.is_multiple_of(PAGE)
            && self.length <= self.capacity() - PAGE
        {
            // A fuller ring begins again in the page just left.
            self.pages[page] = None;
        }
    }

    /// Appends what fits of `input`. The caller saw to room for `needed`
    /// bytes.
    ///
    /// # Errors
    /// `EFAULT`, `ENOMEM`. Of a write that must be one piece nothing is left
    /// in the ring then.
    pub(super) fn put(
        &mut self,
        input: &mut Input<'_>,
        needed: usize,
    ) -> Result<(), Errno> {
        let (length, mark) = (self.length, input.mark());
        let result = self.put_what_fits(input);
        if result.is_err() && (2..=PIPE_BUF).contains(&needed) {
            self.length = length;
            input.rewind(mark);
        }
        result
    }

    fn put_what_fits(&mut self, input: &mut Input<'_>) -> Result<(), Errno> {
        let capacity = self.capacity();
        while self.length < capacity && input.remaining() > 0 {
            let end = self.wrapped(self.start + self.length);
            let at = end % PAGE;
            let size =
                (PAGE - at).min(capacity - self.length).min(input.remaining());
            let page = self.page(end / PAGE)?;
            input.take(&mut page[at..at + size])?;
            self.length += size;
        }
        Ok(())
    }

    fn page(&mut self, index: usize) -> Result<&mut [u8; PAGE], Errno> {
        if self.pages[index].is_none() {
            // Any pipe may have a page. The others leave programs their
            // room, like files: no process is known to be their owner.
            let is_first = self.pages.iter().all(Option::is_none);
            let purpose =
                if is_first { FrameUse::User } else { FrameUse::File };
            self.pages[index] = frame::alloc(purpose);
        }
        let page = &mut self.pages[index];
        page.as_mut().map(Frame::bytes_mut).ok_or(Errno::ENOMEM)
    }
}
