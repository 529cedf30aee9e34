//! A U-Boot script as U-Boot wants it: the text in a *legacy image*.
//!
//! 64 bytes of header, numbers big endian, each at a fixed place; then the
//! sizes of the texts, ended by 0; then the texts. U-Boot's `include/image.h`
//! defines it, and `mkimage -l` reads it.
use flate2::Crc;

use super::format::STAMP;

const MAGIC: u32 = 0x2705_1956;
const LINUX: u8 = 5;
const ARM64: u8 = 22;
const SCRIPT: u8 = 6;
const NOT_COMPRESSED: u8 = 0;

/// Names the script in U-Boot's list of what it found.
const NAME: &[u8] = b"Firn";

const HEADER_SIZE: usize = 64;
/// Where the header's own checksum goes; it counts as 0 in the sum.
const HEADER_SUM: usize = 4;

/// The legacy image of one script.
pub fn compile(text: &str) -> Vec<u8> {
    let size = u32::try_from(text.len()).expect("a script is short");
    let sizes = [size.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let data = [&sizes, text.as_bytes()].concat();
    let mut image = header(&data);
    let sum = checksum(&image).to_be_bytes();
    image[HEADER_SUM..HEADER_SUM + 4].copy_from_slice(&sum);
    image.extend_from_slice(&data);
    image
}

/// The header without its own checksum.
fn header(data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).expect("a script is short");
    let (load_address, entry) = (0, 0);
    let words = [MAGIC, 0, STAMP, size, load_address, entry, checksum(data)];
    let mut header: Vec<u8> =
        words.iter().flat_map(|word| word.to_be_bytes()).collect();
    header.extend_from_slice(&[LINUX, ARM64, SCRIPT, NOT_COMPRESSED]);
    header.extend_from_slice(NAME);
    header.resize(HEADER_SIZE, 0);
    header
}

/// The CRC-32 of Ethernet and gzip.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
