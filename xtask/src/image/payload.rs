//! What follows the kernel in the image, and the static that says where.
//!
//! `FIRN_PAYLOAD` is seven little-endian 64-bit words: a magic number, then
//! offset from the image's start and size of the symbol table, then those of
//! the initramfs, then those of the table of boards.
use anyhow::{Context, Result, bail};

use super::header;
use super::kernel::PAGE;

/// First word of `FIRN_PAYLOAD`, so that a wrong address is noticed.
pub(super) const MAGIC: u64 = 0x4652_4e50_4159_4c44;

/// The words after the magic number.
const WORDS: usize = 2 * PARTS;
const PARTS: usize = 3;

/// The parts in the order of their words.
pub type Parts<'a> = [&'a [u8]; PARTS];

/// Appends the parts, each on a page boundary, and says where they are: the
/// words after the magic number.
fn append(image: &mut Vec<u8>, parts: Parts) -> [usize; WORDS] {
    let mut words = [0; WORDS];
    for (part, place) in parts.iter().zip(words.chunks_mut(2)) {
        place.copy_from_slice(&[image.len(), part.len()]);
        image.extend_from_slice(part);
        image.resize(image.len().next_multiple_of(PAGE), 0);
    }
    words
}

/// Appends the parts and writes where they are into the static at offset
/// `slot`.
///
/// # Errors
/// There is no untouched `FIRN_PAYLOAD` at `slot`.
pub fn add(image: &mut Vec<u8>, slot: u64, parts: Parts) -> Result<()> {
    let slot = usize::try_from(slot)?;
    if image.get(slot..slot + 8 * (WORDS + 1)).is_none() {
        bail!("FIRN_PAYLOAD at {slot:#x} is outside the image");
    }
    if header::field(image, slot) != MAGIC {
        bail!("FIRN_PAYLOAD at {slot:#x} lacks its magic number");
    }
    let words = append(image, parts);
    for (word, place) in words.iter().zip(image[slot + 8..].chunks_mut(8)) {
        let word = u64::try_from(*word).context("an offset")?;
        place.copy_from_slice(&word.to_le_bytes());
    }
    Ok(())
}
