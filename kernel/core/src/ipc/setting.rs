//! Limits that root sets as text: `/proc/sys/kernel/sem` and its relatives.

use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

use kernel_abi::Errno;

use crate::number::{parse_signed, trim};

/// Reads as many numbers as `range` has fields, of each of which it tells what
/// is allowed; fewer leave the rest as it is.
///
/// # Errors
/// `EINVAL` for what is no number, out of range, or too much.
pub fn parse<const N: usize>(
    text: &[u8],
    now: [u64; N],
    ranges: [RangeInclusive<u64>; N],
) -> Result<[u64; N], Errno> {
    let mut new = now;
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
    let words = trim(text).split(is_blank).filter(|word| !word.is_empty());
    let mut count = 0;
    for word in words {
        let range = ranges.get(count).ok_or(Errno::EINVAL)?;
        let value = match parse_signed(word) {
            Ok(value) => u64::try_from(value).map_err(|_| Errno::EINVAL)?,
            Err(_) => {
                crate::number::parse_decimal(word).map_err(|_| Errno::EINVAL)?
            }
        };
        if !range.contains(&value) {
            return Err(Errno::EINVAL);
        }
        new[count] = value;
        count += 1;
    }
    if count == 0 { Err(Errno::EINVAL) } else { Ok(new) }
}

/// The numbers as such a file shows them.
pub fn show<const N: usize>(values: [u64; N]) -> String {
    let mut text = String::new();
    for (at, value) in values.iter().enumerate() {
        let end = if at + 1 == N { '\n' } else { '\t' };
        text += &format!("{value}{end}");
    }
    text
}
