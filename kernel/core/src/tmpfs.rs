//! The options of file systems in memory: how large, how many files, whose
//! (Linux's *Tmpfs*).

use kernel_abi::Errno;

use crate::memory::PAGE_SIZE;
use crate::memory::quota::UNLIMITED;
use crate::number::{parse_decimal, parse_size};

#[cfg(test)]
mod tests;

/// What a mount, or a mount that changes, asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Pages of all files.
    pub pages: Option<usize>,
    /// Files, directories, links: names in all.
    pub inodes: Option<usize>,
    /// Permissions of the top directory.
    pub mode: Option<u32>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
}

impl Options {
    /// Reads `size=`, `nr_blocks=`, `nr_inodes=`, `mode=`, `uid=`, `gid=`,
    /// with commas between them; of two of a kind the last one counts. `ram`
    /// is the number of pages of memory, for sizes in per cent.
    ///
    /// # Errors
    /// `EINVAL` for an unknown option or a value that is none.
    pub fn parse(text: &[u8], ram: usize) -> Result<Self, Errno> {
        let mut options = Self::default();
        let words = text.split(|byte| *byte == b',');
        for word in words.filter(|word| !word.is_empty()) {
            options.take(word, ram).map_err(|_| Errno::EINVAL)?;
        }
        Ok(options)
    }

    fn take(&mut self, word: &[u8], ram: usize) -> Result<(), Errno> {
        let mut parts = word.splitn(2, |byte| *byte == b'=');
        let name = parts.next().unwrap_or_default();
        let Some(value) = parts.next() else {
            // Numbers of inodes are as wide as they can be.
            let is_known = matches!(name, b"inode64" | b"inode32");
            return if is_known { Ok(()) } else { Err(Errno::EINVAL) };
        };
        match name {
            b"size" => self.pages = Some(pages(value, ram)?),
            b"nr_blocks" => self.pages = Some(limit(value)?),
            b"nr_inodes" => self.inodes = Some(limit(value)?),
            b"mode" => self.mode = Some(octal(value)? & 0o7777),
            b"uid" => self.uid = Some(id(value)?),
            b"gid" => self.gid = Some(id(value)?),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}

/// Pages of a size in bytes, or in per cent of memory.
fn pages(value: &[u8], ram: usize) -> Result<usize, Errno> {
    let pages = match value {
        [number @ .., b'%'] => {
            let share = parse_decimal(number)?;
            let pages = (ram as u64).checked_mul(share).ok_or(Errno::ERANGE)?;
            pages / 100
        }
        size => parse_size(size)?.div_ceil(PAGE_SIZE as u64),
    };
    Ok(or_unlimited(pages))
}

fn limit(value: &[u8]) -> Result<usize, Errno> {
    parse_size(value).map(or_unlimited)
}

/// 0 stands for no limit.
fn or_unlimited(count: u64) -> usize {
    match usize::try_from(count) {
        Ok(0) | Err(_) => UNLIMITED,
        Ok(count) => count,
    }
}

fn id(value: &[u8]) -> Result<u32, Errno> {
    let id = u32::try_from(parse_decimal(value)?).ok();
    id.filter(|id| *id != u32::MAX).ok_or(Errno::EINVAL)
}

fn octal(value: &[u8]) -> Result<u32, Errno> {
    let text = core::str::from_utf8(value).map_err(|_| Errno::EINVAL)?;
    u32::from_str_radix(text, 8).map_err(|_| Errno::EINVAL)
}
