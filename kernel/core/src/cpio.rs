//! Reads a cpio archive in the `newc` format, as an initramfs is.
//!
//! ```text
//! | header, 110 ASCII bytes | name NUL | pad to 4 | data | pad to 4 | …
//! | … | entry named TRAILER!!! | zeros | perhaps another archive |
//! ```
//!
//! The archive comes in pieces of any size, as a decompressor makes them, and
//! goes to a [`Sink`] piece by piece, so that it never lies in memory as a
//! whole. It comes from outside: every number is checked, and a bad one gives
//! an error that names the place. (The crate `cpio_reader` wants the archive
//! whole, slices without checks, and panics on such input.)

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use crate::path::PATH_MAX;

const HEADER: usize = 110;
const TRAILER: &[u8] = b"TRAILER!!!";

/// What is wrong, and at which byte of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// No entry starts here.
    BadMagic(usize),
    /// The stream ends within the entry that starts here, or without a
    /// trailer.
    Truncated(usize),
    /// A number in the header here has other characters than hex digits.
    BadNumber(usize),
    /// The name of the entry here is empty, or has no NUL at its end only.
    BadName(usize),
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (what, at) = match self {
            Error::BadMagic(at) => ("no entry", at),
            Error::Truncated(at) => ("archive cut off", at),
            Error::BadNumber(at) => ("bad number in the header", at),
            Error::BadName(at) => ("bad name", at),
        };
        write!(f, "{what} at byte {at}")
    }
}

/// A file, directory, link or device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveMember<'a> {
    /// Path, without NUL; never empty.
    pub name: &'a [u8],
    /// With `device`, tells hard links of one file; its data comes with the
    /// last of them.
    pub inode: u32,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Number of names.
    pub nlink: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// Major and minor number of the archived file system.
    pub device: (u32, u32),
    /// Major and minor number of a device file.
    pub rdevice: (u32, u32),
    /// Bytes of content, or of the target of a symbolic link, to follow.
    pub size: u32,
}

/// Gets what a [`Reader`] finds.
pub trait Sink {
    /// An entry begins.
    fn entry(&mut self, entry: &ArchiveMember<'_>);

    /// The next bytes of the entry's content.
    fn data(&mut self, bytes: &[u8]);

    /// The entry that starts at this byte is left out: its name is longer than
    /// any path can be.
    fn skipped(&mut self, at: usize);
}

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Zeros after an archive, or the beginning of one.
    Between,
    /// A header and its name, which end after so many bytes.
    Header { end: usize },
    /// Content: so many bytes, and then zeros.
    Data { left: usize, padding: usize },
    /// So many bytes of an entry that is left out.
    Skipped { left: usize },
}

/// Takes archives apart.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// Bytes read so far, and where the current entry started.
    at: usize,
    start: usize,
    /// The header and name as far as they were read.
    pending: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Waits for the first entry.
    pub const fn new() -> Self {
        let state = State::Between;
        Reader { state, at: 0, start: 0, pending: Vec::new() }
    }

    /// Whether this looks like an archive.
    pub fn is_archive(bytes: &[u8]) -> bool {
        bytes.starts_with(b"070701") || bytes.starts_with(b"070702")
    }

    /// Takes the next bytes. Gives how many it used: all, unless an archive
    /// ends among them. Another may follow in the same stream.
    ///
    /// # Errors
    /// What is wrong; the reader is of no use then.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        sink: &mut impl Sink,
    ) -> Result<usize, Error> {
        let mut used = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            let size = match self.state {
                State::Between => self.skip_zeros(rest),
                State::Header { end } => self.collect(rest, end),
                State::Data { left, padding } => {
                    self.pass(rest, left, padding, sink)
                }
                State::Skipped { left } => self.skip(rest, left),
            };
            used += size;
            self.at += size;
            if self.is_complete() && self.header_is_read(sink)? {
                break;
            }
        }
        Ok(used)
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    /// [`Error::Truncated`] in the middle of an archive.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Between => Ok(()),
            _ => Err(Error::Truncated(self.start)),
        }
    }

    fn skip_zeros(&mut self, rest: &[u8]) -> usize {
        let zeros = rest.iter().take_while(|&&byte| byte == 0).count();
        if zeros < rest.len() {
            self.begin_header(self.at + zeros);
        }
        zeros
    }

    fn skip(&mut self, rest: &[u8], left: usize) -> usize {
        let size = left.min(rest.len());
        self.state = State::Skipped { left: left - size };
        if size == left {
            self.begin_header(self.at + size);
        }
        size
    }

    fn begin_header(&mut self, start: usize) {
        self.start = start;
        self.pending.clear();
        self.state = State::Header { end: HEADER };
    }

    fn collect(&mut self, rest: &[u8], end: usize) -> usize {
        let size = rest.len().min(end - self.pending.len());
        self.pending.extend_from_slice(&rest[..size]);
        size
    }

    fn pass(
        &mut self,
        rest: &[u8],
        left: usize,
        padding: usize,
        sink: &mut impl Sink,
    ) -> usize {
        let size = left.min(rest.len());
        if size > 0 {
            sink.data(&rest[..size]);
        }
        let skipped = padding.min(rest.len() - size);
        let (left, padding) = (left - size, padding - skipped);
        self.state = State::Data { left, padding };
        if left == 0 && padding == 0 {
            self.begin_header(self.at + size + skipped);
        }
        size + skipped
    }

    fn is_complete(&self) -> bool {
        matches!(self.state, State::Header { end } if end == self.pending.len())
    }

    /// A header, perhaps with its name, was read. True at the end of an
    /// archive.
    fn header_is_read(&mut self, sink: &mut impl Sink) -> Result<bool, Error> {
        let start = self.start;
        let header = &self.pending[..];
        if !Self::is_archive(header) {
            return Err(Error::BadMagic(start));
        }
        let field = |index| hex(header, index).ok_or(Error::BadNumber(start));
        let length = field(11)? as usize;
        if length < 2 {
            return Err(Error::BadName(start));
        }
        if length > PATH_MAX {
            let name = (HEADER + length).next_multiple_of(4) - HEADER;
            let left = name + (field(6)? as usize).next_multiple_of(4);
            sink.skipped(start);
            self.state = State::Skipped { left };
            return Ok(false);
        }
        if header.len() == HEADER {
            let end = (HEADER + length).next_multiple_of(4);
            self.state = State::Header { end };
            return Ok(false);
        }
        let name = checked_name(&header[HEADER..HEADER + length]);
        let name = name.ok_or(Error::BadName(start))?;
        if name == TRAILER {
            self.state = State::Between;
            return Ok(true);
        }
        let entry = ArchiveMember {
            name,
            inode: field(0)?,
            mode: field(1)?,
            uid: field(2)?,
            gid: field(3)?,
            nlink: field(4)?,
            mtime: field(5)?,
            size: field(6)?,
            device: (field(7)?, field(8)?),
            rdevice: (field(9)?, field(10)?),
        };
        let left = entry.size as usize;
        sink.entry(&entry);
        if left == 0 {
            self.begin_header(self.at);
        } else {
            let padding = left.next_multiple_of(4) - left;
            self.state = State::Data { left, padding };
        }
        Ok(false)
    }
}

/// Field `index` of the header: eight hex digits after the magic number.
fn hex(header: &[u8], index: usize) -> Option<u32> {
    let start = 6 + 8 * index;
    header.get(start..start + 8)?.iter().try_fold(0, |value, &byte| {
        Some(value << 4 | char::from(byte).to_digit(16)?)
    })
}

/// A name has a NUL at its end and nowhere else.
fn checked_name(bytes: &[u8]) -> Option<&[u8]> {
    let name = bytes.strip_suffix(b"\0")?;
    (!name.is_empty() && !name.contains(&0)).then_some(name)
}
