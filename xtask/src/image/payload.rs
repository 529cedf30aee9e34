//! What follows the kernel in the image, and the static that says where.
//!
//! `FIRN_PAYLOAD` is five little-endian 64-bit words: a magic number, then
//! offset from the image's start and size of the symbol table, then those of
//! the initramfs.
use anyhow::{Context, Result, bail};

use super::{PAGE, header};

/// First word of `FIRN_PAYLOAD`, so that a wrong address is noticed.
pub(super) const MAGIC: u64 = 0x4652_4e50_4159_4c44;

/// The words after the magic number.
const WORDS: usize = 4;

/// Appends both parts, each on a page boundary.
pub fn append(image: &mut Vec<u8>, table: &[u8], initramfs: &[u8]) {
    for part in [table, initramfs] {
        image.extend_from_slice(part);
        image.resize(image.len().next_multiple_of(PAGE), 0);
    }
}

/// Writes where the parts are into the static at offset `slot`.
///
/// # Errors
/// There is no untouched `FIRN_PAYLOAD` at `slot`.
pub fn patch(
    image: &mut [u8],
    slot: u64,
    table: &[u8],
    initramfs: &[u8],
) -> Result<()> {
    let room = |size: usize| size.next_multiple_of(PAGE);
    let slot = usize::try_from(slot)?;
    let initramfs_offset = image.len() - room(initramfs.len());
    let table_offset = initramfs_offset - room(table.len());
    let words: [usize; WORDS] =
        [table_offset, table.len(), initramfs_offset, initramfs.len()];
    if image.get(slot..slot + 8 * (WORDS + 1)).is_none() {
        bail!("FIRN_PAYLOAD at {slot:#x} is outside the image");
    }
    if header::field(image, slot) != MAGIC {
        bail!("FIRN_PAYLOAD at {slot:#x} lacks its magic number");
    }
    for (word, place) in words.iter().zip(image[slot + 8..].chunks_mut(8)) {
        let word = u64::try_from(*word).context("an offset")?;
        place.copy_from_slice(&word.to_le_bytes());
    }
    Ok(())
}
