//! Names of functions, from the table that xtask appends to the image.
//!
//! Layout: a count; as many pairs (offset from the image's start, offset of
//! the name), sorted by the first; then the names, each ended by NUL. All
//! numbers are 32 bits, little-endian; name offsets count from the table's
//! start.

use core::fmt;

use crate::arch::image;

/// An address of the kernel, shown as `name+0x12`.
#[derive(Clone, Copy)]
pub struct Symbol(pub usize);

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(image::symbols(), self.0) {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

/// The symbol that `address` lies in, and how far.
fn find(table: &[u8], address: usize) -> Option<(&str, usize)> {
    if !image::text().contains(&address) {
        return None;
    }
    let target = (address - image::KERNEL_BASE) as u32;
    let count = word(table, 0)? as usize;
    let start = |index: usize| word(table, 4 + index * 8);
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if start(middle)? <= target {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let index = low.checked_sub(1)?;
    let name = word(table, 4 + index * 8 + 4)? as usize;
    let name = table.get(name..)?.split(|&byte| byte == 0).next()?;
    let name = core::str::from_utf8(name).ok()?;
    Some((name, (target - start(index)?) as usize))
}

fn word(table: &[u8], at: usize) -> Option<u32> {
    let bytes = table.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}
