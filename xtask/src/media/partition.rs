//! A partition table with one partition, as PCs have had it since DOS.
//!
//! Not GPT: U-Boot and the SoC's boot ROM read both, but GPT keeps a second
//! copy at the end of the medium, which is never where a card of another size
//! ends. One entry is 16 bytes, so no library is worth its weight here.
use super::format::SECTOR;

/// The disk's number, by which nobody looks for it; "FIRN".
const SIGNATURE: u32 = 0x4e52_4946;

/// What U-Boot's `part list -bootable` looks for.
const BOOTABLE: u8 = 0x80;
/// FAT16, addressed by sector numbers.
const FAT16: u8 = 0x0e;
/// Cylinder, head, sector: beyond what they can tell, look at the numbers.
const BEYOND: [u8; 3] = [0xfe, 0xff, 0xff];

/// Where the disk's number and the first entry are, and the end mark.
const SIGNATURE_AT: usize = 440;
const ENTRY_AT: usize = 446;
const MARK_AT: usize = 510;

/// The first sector of a card whose partition has `count` sectors from
/// sector `first` on.
pub fn table(first: u32, count: u32) -> Vec<u8> {
    let mut sector = vec![0; SECTOR];
    let mut put = |at: usize, bytes: &[u8]| {
        sector[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(SIGNATURE_AT, &SIGNATURE.to_le_bytes());
    put(ENTRY_AT, &[BOOTABLE]);
    put(ENTRY_AT + 1, &BEYOND);
    put(ENTRY_AT + 4, &[FAT16]);
    put(ENTRY_AT + 5, &BEYOND);
    put(ENTRY_AT + 8, &first.to_le_bytes());
    put(ENTRY_AT + 12, &count.to_le_bytes());
    put(MARK_AT, &[0x55, 0xaa]);
    sector
}
