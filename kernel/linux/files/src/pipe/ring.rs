//! The bytes of a pipe: a ring of pages, each there only while it is used.

use kernel_abi::Errno;

use crate::buffer::{Input, Output};
use kernel_machine::mm::FrameUse;
use kernel_machine::mm::frame::{self, Frame};

const PAGE: usize = 4096;
const PAGES: usize = 16;
/// Most bytes in a pipe.
pub const CAPACITY: usize = PAGES * PAGE;

/// A write of so many bytes or fewer is one piece.
pub const PIPE_BUF: usize = 4096;

/// Bytes in the order they came.
pub(super) struct Ring {
    /// Where the oldest byte stands.
    start: usize,
    length: usize,
    pages: [Option<Frame>; PAGES],
}

impl Ring {
    pub(super) const fn new() -> Self {
        Self { start: 0, length: 0, pages: [const { None }; PAGES] }
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
            let start = (self.start + done) % CAPACITY;
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
        self.start = (self.start + size) % CAPACITY;
        self.length -= size;
        if self.length == 0 {
            // Begin anew in the first page, with the frame at hand: a pipe
            // that carries small messages never needs another.
            self.start = 0;
            self.pages.swap(0, page);
        } else if self.start.is_multiple_of(PAGE)
            && self.length <= CAPACITY - PAGE
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
        while self.length < CAPACITY && input.remaining() > 0 {
            let end = (self.start + self.length) % CAPACITY;
            let at = end % PAGE;
            let size =
                (PAGE - at).min(CAPACITY - self.length).min(input.remaining());
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
