//! What all parts of a card agree on.

/// Bytes of a sector.
pub const SECTOR: usize = 512;

/// Seconds since 1970 that every stamp shows: the first that FAT can tell,
/// 1 January 1980.
pub const STAMP: u32 = 315_532_800;

/// A file of the FAT partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the partition's root, with `/` between folders.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}
