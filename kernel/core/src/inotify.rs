//! The events of `inotify(7)`: what a program reads of what it watches.
//!
//! Events wait as the bytes that a read will give: a header, and a name
//! padded with zeros. Read next: `kernel/linux/files/src/inotify.rs`.

use alloc::vec::Vec;

use kernel_abi::Errno;

#[cfg(test)]
mod tests;

/// Was read.
pub const ACCESS: u32 = 0x1;
/// Was written.
pub const MODIFY: u32 = 0x2;
/// Its attributes, or the number of its names, changed.
pub const ATTRIB: u32 = 0x4;
/// An open file that could be written was closed.
pub const CLOSE_WRITE: u32 = 0x8;
/// One that could not.
pub const CLOSE_NOWRITE: u32 = 0x10;
/// Was opened.
pub const OPEN: u32 = 0x20;
/// A name was moved out of the directory.
pub const MOVED_FROM: u32 = 0x40;
/// A name was moved into it.
pub const MOVED_TO: u32 = 0x80;
/// A name was made in it.
pub const CREATE: u32 = 0x100;
/// A name was taken away.
pub const DELETE: u32 = 0x200;
/// What is watched is gone.
pub const DELETE_SELF: u32 = 0x400;
/// What is watched was moved.
pub const MOVE_SELF: u32 = 0x800;
/// All events that can be asked for.
pub const ALL_EVENTS: u32 = 0xfff;

/// Events were lost.
pub const OVERFLOW: u32 = 0x4000;
/// The watch has ended.
pub const IGNORED: u32 = 0x8000;
/// Beside another event: it is about a directory.
pub const IS_DIRECTORY: u32 = 0x4000_0000;

/// The watch is for a directory only.
pub const ONLY_DIRECTORY: u32 = 0x0100_0000;
/// Do not follow a symbolic link.
pub const DO_NOT_FOLLOW: u32 = 0x0200_0000;
/// Nothing about names that are gone: accepted.
pub const EXCLUDE_UNLINKED: u32 = 0x0400_0000;
/// Fail if it is watched already.
pub const MASK_CREATE: u32 = 0x1000_0000;
/// Add to what is asked for already.
pub const MASK_ADD: u32 = 0x2000_0000;
/// End with the first event.
pub const ONE_SHOT: u32 = 0x8000_0000;

/// Bytes of an event without a name.
const HEADER: usize = 16;
/// Names are padded to a multiple of this.
const PADDING: usize = HEADER;
/// At most so many bytes wait; then events are lost, and one says so.
const BYTES_MAX: usize = 64 << 10;

/// Most events that wait, if they have no names.
pub const EVENTS_MAX: usize = BYTES_MAX / HEADER;

/// Bytes of a name in an event.
fn padded(name: &[u8]) -> usize {
    match name.len() {
        0 => 0,
        length => (length + 1).next_multiple_of(PADDING),
    }
}

/// Events that wait to be read.
#[derive(Default)]
pub struct Queue {
    bytes: Vec<u8>,
    /// Where the last event begins.
    last: usize,
    is_overflown: bool,
}

impl Queue {
    /// An empty queue.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), last: 0, is_overflown: false }
    }

    /// Adds an event of the watch `descriptor`, unless it is the same as the
    /// last one, which is still there.
    pub fn push(
        &mut self,
        descriptor: i32,
        mask: u32,
        cookie: u32,
        name: &[u8],
    ) {
        if self.bytes.len() + HEADER + name.len() > BYTES_MAX {
            return self.overflow();
        }
        let before = self.bytes.len();
        self.append(descriptor, mask, cookie, name);
        let (old, new) = self.bytes[self.last..].split_at(before - self.last);
        match old == new {
            true => self.bytes.truncate(before),
            false => self.last = before,
        }
    }

    /// Events are lost: the first time, an event says so.
    pub fn overflow(&mut self) {
        if !self.is_overflown {
            self.is_overflown = true;
            self.append(-1, OVERFLOW, 0, b"");
        }
    }

    /// So much memory is needed at once to add an event with this name;
    /// `None` if there is room.
    pub fn growth(&self, name: &[u8]) -> Option<usize> {
        let needed = self.bytes.len() + HEADER + padded(name);
        let capacity = self.bytes.capacity();
        (needed > capacity).then(|| needed.max(2 * capacity))
    }

    fn append(&mut self, descriptor: i32, mask: u32, cookie: u32, name: &[u8]) {
        let length = padded(name);
        let start = self.bytes.len();
        self.bytes.extend(descriptor.to_ne_bytes());
        for word in [mask, cookie, length as u32] {
            self.bytes.extend(word.to_ne_bytes());
        }
        self.bytes.extend(name);
        self.bytes.resize(start + HEADER + length, 0);
    }

    /// The number of bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of memory that it has.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As many whole events as there is room for, the oldest first. They
    /// stay until [`Queue::forget`].
    ///
    /// # Errors
    /// `EINVAL` if there is no room for the first one.
    pub fn peek(&self, room: usize) -> Result<&[u8], Errno> {
        let mut end = 0;
        while let Some(length) = self.length_at(end) {
            if end + length > room {
                break;
            }
            end += length;
        }
        if end == 0 && !self.is_empty() {
            return Err(Errno::EINVAL);
        }
        Ok(&self.bytes[..end])
    }

    /// Takes away what was read.
    pub fn forget(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.last = self.last.saturating_sub(count);
        if self.is_empty() {
            self.is_overflown = false;
        }
    }

    /// Bytes of the event that begins at `start`.
    fn length_at(&self, start: usize) -> Option<usize> {
        let word = self.bytes.get(start + HEADER - 4..start + HEADER)?;
        let name = u32::from_ne_bytes(word.try_into().ok()?);
        Some(HEADER + name as usize)
    }
}
