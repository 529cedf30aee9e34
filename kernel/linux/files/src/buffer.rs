//! Where the bytes of a read go, and where those of a write come from.
//!
//! A file moves bytes through [`Output`] and [`Input`] and need not know
//! whether the other side is one user buffer, an `iovec` or kernel memory
//! (the kernel reads programs and unpacks the boot image this way). Both move
//! on only after a copy succeeded, so a failed copy loses nothing.

use kernel_abi::Errno;

use kernel_machine::mm::FrameRef;
use kernel_machine::mm::user::UserSlice;
use kernel_task::sleep::give_way_until_killed;

/// User memory in one piece or several, and how far it has been used.
struct Cursor<'a> {
    segments: Segments<'a>,
    segment: usize,
    offset: usize,
}

enum Segments<'a> {
    One(UserSlice),
    Many(&'a [UserSlice]),
}

impl<'a> Cursor<'a> {
    fn new(segments: Segments<'a>) -> Self {
        Self { segments, segment: 0, offset: 0 }
    }

    fn length(&self) -> usize {
        match self.segments {
            Segments::One(slice) => slice.len(),
            Segments::Many(slices) => slices.iter().map(UserSlice::len).sum(),
        }
    }

    /// Calls `copy(slice, offset in the slice, range of the kernel's
    /// bytes)` for each piece of the next `length` bytes, then moves on.
    #[inline]
    fn advance(
        &mut self,
        length: usize,
        mut copy: impl FnMut(UserSlice, usize, usize, usize) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let slices = match self.segments {
            Segments::One(slice) => {
                copy(slice, self.offset, 0, length)?;
                self.offset += length;
                return Ok(());
            }
            Segments::Many(slices) => slices,
        };
        let (mut segment, mut offset) = (self.segment, self.offset);
        let mut done = 0;
        while done < length {
            let slice = slices.get(segment).ok_or(Errno::EFAULT)?;
            let size = (length - done).min(slice.len() - offset);
            copy(*slice, offset, done, size)?;
            done += size;
            offset += size;
            if offset == slice.len() {
                (segment, offset) = (segment + 1, 0);
            }
        }
        (self.segment, self.offset) = (segment, offset);
        Ok(())
    }
}

/// Bytes of a long text that are put in one piece.
const PIECE: usize = 64 << 10;

/// Where a read puts its bytes.
pub struct Output<'a> {
    target: Target<'a>,
    done: usize,
    length: usize,
}

enum Target<'a> {
    User(Cursor<'a>),
    Kernel(&'a mut [u8]),
}

impl<'a> Output<'a> {
    /// One piece of user memory.
    #[inline]
    pub fn user(slice: UserSlice) -> Self {
        let cursor = Cursor::new(Segments::One(slice));
        Self { target: Target::User(cursor), done: 0, length: slice.len() }
    }

    /// Several pieces of user memory, filled one after the other.
    pub fn vector(slices: &'a [UserSlice]) -> Self {
        let cursor = Cursor::new(Segments::Many(slices));
        let length = cursor.length();
        Self { target: Target::User(cursor), done: 0, length }
    }

    /// Kernel memory.
    pub fn kernel(bytes: &'a mut [u8]) -> Self {
        let length = bytes.len();
        Self { target: Target::Kernel(bytes), done: 0, length }
    }

    /// Bytes put so far.
    #[inline]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Bytes that still fit.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.length - self.done
    }

    /// Appends all of `bytes`, or none.
    ///
    /// # Errors
    /// `EFAULT` if user memory is not there; nothing counts as put then.
    ///
    /// # Panics
    /// If `bytes` is longer than [`Output::remaining`].
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        assert!(bytes.len() <= self.remaining());
        match &mut self.target {
            Target::Kernel(target) => {
                target[self.done..][..bytes.len()].copy_from_slice(bytes)
            }
            Target::User(cursor) => {
                cursor.advance(bytes.len(), |slice, offset, start, size| {
                    slice.write(offset, &bytes[start..start + size])
                })?
            }
        }
        self.done += bytes.len();
        Ok(())
    }

    /// Appends `length` bytes of a frame from `start` on.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub fn put_frame(
        &mut self,
        frame: &FrameRef,
        start: usize,
        length: usize,
    ) -> Result<(), Errno> {
        assert!(length <= self.remaining());
        match &mut self.target {
            Target::Kernel(target) => {
                frame.read(start, &mut target[self.done..][..length]);
            }
            Target::User(cursor) => {
                cursor.advance(length, |slice, offset, part, size| {
                    slice.write_from_frame(offset, frame, start + part, size)
                })?
            }
        }
        self.done += length;
        Ok(())
    }

    /// Appends `length` zeros.
    ///
    /// # Errors
    /// As [`Output::put`].
    pub fn put_zeros(&mut self, length: usize) -> Result<(), Errno> {
        static ZEROS: [u8; 512] = [0; 512];
        let mut left = length;
        while left > 0 {
            let size = left.min(ZEROS.len());
            self.put(&ZEROS[..size])?;
            left -= size;
        }
        Ok(())
    }

    /// Appends what fits of `bytes` from `position` on: the whole of a read
    /// of something that lies in kernel memory. It may freeze in between.
    ///
    /// # Errors
    /// As [`Output::put`], and `EINTR` if the task is to end, where no byte
    /// was put before.
    pub fn put_from(
        &mut self,
        bytes: &[u8],
        position: u64,
    ) -> Result<usize, Errno> {
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = bytes.get(start..).unwrap_or(&[]);
        let size = rest.len().min(self.remaining());
        let before = self.done;
        let put = match size {
            0..PIECE => self.put(&rest[..size]),
            _ => self.put_in_pieces(&rest[..size]),
        };
        match put {
            Ok(()) => Ok(size),
            Err(error) => short(self.done - before, error),
        }
    }

    #[cold]
    fn put_in_pieces(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        for piece in bytes.chunks(PIECE) {
            self.put(piece)?;
            if piece.len() == PIECE {
                give_way_until_killed()?;
            }
        }
        Ok(())
    }

    /// What a read returns that ended with `error`: the bytes before it, if
    /// there are any.
    pub fn short(&self, error: Errno) -> Result<usize, Errno> {
        short(self.done, error)
    }
}

/// A place in an [`Input`].
#[derive(Clone, Copy)]
pub struct Mark {
    done: usize,
    place: (usize, usize),
}

/// Where a write takes its bytes.
pub struct Input<'a> {
    source: Source<'a>,
    done: usize,
    length: usize,
}

enum Source<'a> {
    User(Cursor<'a>),
    Kernel(&'a [u8]),
}

impl<'a> Input<'a> {
    /// One piece of user memory.
    #[inline]
    pub fn user(slice: UserSlice) -> Self {
        let cursor = Cursor::new(Segments::One(slice));
        Self { source: Source::User(cursor), done: 0, length: slice.len() }
    }

    /// Several pieces of user memory, used up one after the other.
    pub fn vector(slices: &'a [UserSlice]) -> Self {
        let cursor = Cursor::new(Segments::Many(slices));
        let length = cursor.length();
        Self { source: Source::User(cursor), done: 0, length }
    }

    /// Kernel memory.
    pub fn kernel(bytes: &'a [u8]) -> Self {
        let length = bytes.len();
        Self { source: Source::Kernel(bytes), done: 0, length }
    }

    /// Bytes taken so far.
    #[inline]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Bytes that are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.length - self.done
    }

    /// Takes no more than `length` bytes from here on.
    pub fn limit(&mut self, length: u64) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.length = self.length.min(self.done.saturating_add(length));
    }

    /// Fills all of `bytes`, or fails and takes nothing.
    ///
    /// # Errors
    /// `EFAULT` if user memory is not there.
    ///
    /// # Panics
    /// If `bytes` is longer than [`Input::remaining`].
    #[inline]
    pub fn take(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        assert!(bytes.len() <= self.remaining());
        match &mut self.source {
            Source::Kernel(source) => {
                bytes.copy_from_slice(&source[self.done..][..bytes.len()]);
            }
            Source::User(cursor) => {
                cursor.advance(bytes.len(), |slice, offset, start, size| {
                    slice.read(offset, &mut bytes[start..start + size])
                })?
            }
        }
        self.done += bytes.len();
        Ok(())
    }

    /// Where it stands, to [`Input::rewind`] to.
    pub fn mark(&self) -> Mark {
        let place = match &self.source {
            Source::User(cursor) => (cursor.segment, cursor.offset),
            Source::Kernel(_) => (0, 0),
        };
        Mark { done: self.done, place }
    }

    /// Gives back what was taken since `mark`.
    pub fn rewind(&mut self, mark: Mark) {
        self.done = mark.done;
        if let Source::User(cursor) = &mut self.source {
            (cursor.segment, cursor.offset) = mark.place;
        }
    }

    /// Drops the rest, as if it had been written.
    pub fn discard(&mut self) -> usize {
        self.done = self.length;
        self.length
    }

    /// What a write returns that ended with `error`: the bytes before it, if
    /// there are any.
    pub fn short(&self, error: Errno) -> Result<usize, Errno> {
        short(self.done, error)
    }
}

fn short(done: usize, error: Errno) -> Result<usize, Errno> {
    if done > 0 { Ok(done) } else { Err(error) }
}
