//! Reads a cpio archive in the `newc` format, as an initramfs is.
//!
//! ```text
//! | header, 110 ASCII bytes | name NUL | pad to 4 | data | pad to 4 | …
//! | … | entry named TRAILER!!! | zeros | perhaps another archive |
//! ```
//!
//! The archive comes from outside: every length is checked, and a bad one
//! gives an error that names the place. (The crate `cpio_reader` slices
//! without checks and panics on such input.)

#[cfg(test)]
mod tests;

const HEADER: usize = 110;
const TRAILER: &[u8] = b"TRAILER!!!";

/// What is wrong, and at which byte of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// No entry starts here.
    BadMagic(usize),
    /// The entry that starts here goes on behind the end of the archive, or
    /// the archive ends here without its trailer.
    Truncated(usize),
    /// A number in the header here has other characters than hex digits.
    BadNumber(usize),
    /// The name of the entry here is empty or has no NUL at its end only.
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
pub struct Entry<'a> {
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
    /// Content, or the target of a symbolic link.
    pub data: &'a [u8],
}

/// Iterates over the entries of one archive. An error ends it.
#[derive(Clone, Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    at: usize,
    finished: bool,
}

impl<'a> Archive<'a> {
    /// Starts at the first entry.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Archive { bytes, at: 0, finished: false }
    }

    /// Whether this looks like an archive.
    pub fn is_archive(bytes: &[u8]) -> bool {
        bytes.starts_with(b"070701") || bytes.starts_with(b"070702")
    }

    /// What follows the trailer, after zeros: another archive, perhaps
    /// compressed, or nothing. Valid once the iteration has ended.
    pub fn rest(&self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let start = rest.iter().position(|&byte| byte != 0);
        &rest[start.unwrap_or(rest.len())..]
    }

    fn entry(&mut self) -> Result<Option<Entry<'a>>, Error> {
        let start = self.at;
        let header = self.take(HEADER, start)?;
        if !Self::is_archive(header) {
            return Err(Error::BadMagic(start));
        }
        let field = |index| hex(header, index).ok_or(Error::BadNumber(start));
        let name = self.take(field(11)? as usize, start)?;
        let name = checked_name(name).ok_or(Error::BadName(start))?;
        self.align();
        let data = self.take(field(6)? as usize, start)?;
        self.align();
        if name == TRAILER {
            return Ok(None);
        }
        Ok(Some(Entry {
            name,
            inode: field(0)?,
            mode: field(1)?,
            uid: field(2)?,
            gid: field(3)?,
            nlink: field(4)?,
            mtime: field(5)?,
            device: (field(7)?, field(8)?),
            rdevice: (field(9)?, field(10)?),
            data,
        }))
    }

    fn take(&mut self, len: usize, start: usize) -> Result<&'a [u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let taken = rest.get(..len).ok_or(Error::Truncated(start))?;
        self.at += len;
        Ok(taken)
    }

    /// Padding may be missing behind the last entry.
    fn align(&mut self) {
        self.at = self.at.next_multiple_of(4).min(self.bytes.len());
    }
}

impl<'a> Iterator for Archive<'a> {
    type Item = Result<Entry<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let entry = self.entry().transpose();
        self.finished = !matches!(entry, Some(Ok(_)));
        entry
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
