//! The entries of a folder: 32 bytes each, a short name of 8 + 3 capitals,
//! and before it as many entries as the real name needs.
use anyhow::Result;

/// Bytes of an entry.
pub const ENTRY_SIZE: usize = 32;

/// 1 January 1980, midnight: `STAMP` of `media/format.rs`.
const DATE: u16 = 1 << 5 | 1;

/// What marks an entry that is a part of a long name.
const LONG: u8 = 0x0f;
/// Set in the number of a long name's last part, which comes first.
const LAST_PART: u8 = 0x40;
/// Characters in such a part, and where in the entry they stand.
const PART: usize = 13;
const PLACES: [usize; PART] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/// A short name: 8 and 3 characters, filled up with blanks.
type ShortName = [u8; 11];

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Label = 0x08,
    Folder = 0x10,
    File = 0x20,
}

/// The entry that names the whole file system.
pub fn label(name: &ShortName) -> Vec<u8> {
    short(name, Kind::Label, 0, 0)
}

/// The entries of a folder for itself and for the one above; the root is 0.
pub fn dots(own: usize, above: usize) -> Result<Vec<u8>> {
    let own = u16::try_from(own)?;
    let above = u16::try_from(above)?;
    let own = short(b".          ", Kind::Folder, own, 0);
    let above = short(b"..         ", Kind::Folder, above, 0);
    Ok([own, above].concat())
}

/// The entries of the file or folder `name`, which is the `number`th in its
/// folder.
///
/// # Errors
/// A figure that FAT16 has no room for.
pub fn encode(
    name: &str,
    number: usize,
    kind: Kind,
    cluster: usize,
    size: usize,
) -> Result<Vec<u8>> {
    let alias = alias(name, number);
    let mut bytes = long(name, checksum(&alias))?;
    let size = u32::try_from(size)?;
    bytes.extend(short(&alias, kind, u16::try_from(cluster)?, size));
    Ok(bytes)
}

/// Bytes of the entries of these files.
pub fn room(names: Vec<&str>) -> usize {
    let parts = |name: &str| name.encode_utf16().count().div_ceil(PART);
    names.into_iter().map(|name| (parts(name) + 1) * ENTRY_SIZE).sum()
}

fn short(name: &ShortName, kind: Kind, cluster: u16, size: u32) -> Vec<u8> {
    let mut entry = vec![0; ENTRY_SIZE];
    let mut put = |at: usize, bytes: &[u8]| {
        entry[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0, name);
    put(11, &[kind as u8]);
    // Made, read, changed.
    for at in [16, 18, 24] {
        put(at, &DATE.to_le_bytes());
    }
    put(26, &cluster.to_le_bytes());
    put(28, &size.to_le_bytes());
    entry
}

/// The parts of a long name, the last one first.
fn long(name: &str, sum: u8) -> Result<Vec<u8>> {
    let letters: Vec<u16> = name.encode_utf16().collect();
    let parts: Vec<&[u16]> = letters.chunks(PART).collect();
    let mut bytes = Vec::new();
    for (index, part) in parts.iter().enumerate().rev() {
        let mut entry = vec![0xff; ENTRY_SIZE];
        let mark = if index + 1 == parts.len() { LAST_PART } else { 0 };
        entry[0] = u8::try_from(index + 1)? | mark;
        entry[11] = LONG;
        entry[12] = 0;
        entry[13] = sum;
        entry[26..28].fill(0);
        // One zero ends the name, if there is room for it.
        for (letter, at) in part.iter().chain(&[0]).zip(PLACES) {
            entry[at..at + 2].copy_from_slice(&letter.to_le_bytes());
        }
        bytes.extend(entry);
    }
    Ok(bytes)
}

/// What ties a long name to its short one.
fn checksum(name: &ShortName) -> u8 {
    name.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The short name of `name`: itself in capitals if it fits, else its start
/// and its number.
fn alias(name: &str, number: usize) -> ShortName {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (stem_letters, extension_letters) = (plain(stem), plain(extension));
    let fits = stem_letters.len() <= 8
        && extension_letters.len() <= 3
        && stem_letters == stem.to_ascii_uppercase()
        && extension_letters == extension.to_ascii_uppercase();
    let tail = if fits { String::new() } else { format!("~{number}") };
    let head = stem_letters.chars().take(8 - tail.len());
    let stem: String = head.chain(tail.chars()).collect();
    let mut alias = *b"           ";
    for (place, letter) in alias.iter_mut().zip(stem.bytes()) {
        *place = letter;
    }
    for (place, letter) in alias[8..].iter_mut().zip(extension_letters.bytes())
    {
        *place = letter;
    }
    alias
}

/// What of `text` may stand in a short name, in capitals.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_ascii_alphanumeric());
    letters.map(|c| c.to_ascii_uppercase()).collect()
}
