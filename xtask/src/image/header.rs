//! The 64 bytes at the start of an arm64 `Image`.
use anyhow::{Result, bail};

const TEXT_OFFSET: usize = 8;
const IMAGE_SIZE: usize = 16;
const FLAGS: usize = 24;
const MAGIC: usize = 56;

/// Little endian, 4 KiB pages, may be placed anywhere in memory.
const OUR_FLAGS: u64 = 0b1010;

/// Checks what the kernel's assembly wrote.
pub fn check(image: &[u8]) -> Result<()> {
    if image.get(MAGIC..MAGIC + 4) != Some(b"ARM\x64") {
        bail!("the kernel does not start with an arm64 Image header");
    }
    if field(image, TEXT_OFFSET) != 0 {
        bail!("text_offset is {:#x}, not 0", field(image, TEXT_OFFSET));
    }
    if field(image, FLAGS) != OUR_FLAGS {
        bail!("flags are {:#b}, not {OUR_FLAGS:#b}", field(image, FLAGS));
    }
    Ok(())
}

/// What the kernel's early page tables map at once.
const BLOCK: u64 = 2 << 20;

/// Rounds up the size that a boot loader must keep free for us, from that of
/// the linked kernel to all that shares a block with its end, since the kernel
/// maps that too.
pub fn round_size(image: &mut [u8]) {
    let size = field(image, IMAGE_SIZE).next_multiple_of(BLOCK);
    image[IMAGE_SIZE..IMAGE_SIZE + 8].copy_from_slice(&size.to_le_bytes());
}

/// The 64-bit field at `offset`.
pub(super) fn field(image: &[u8], offset: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&image[offset..offset + 8]);
    u64::from_le_bytes(bytes)
}
