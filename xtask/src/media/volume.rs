//! The FAT file system with the boot files in it.
//!
//! ```text
//! boot sector | table | its copy | root folder | clusters 2, 3, …
//! ```
//!
//! FAT16, since a card this small has too few clusters for FAT32. It is made
//! in one go and never changed, so every file lies in one piece, and there is
//! nothing to search. The library `fatfs`, which the tests read it with, puts
//! long names on `.` and `..`, which `fsck.fat` does not accept; hence a
//! writer of our own. Microsoft's *FAT: General Overview of On-Disk Format*
//! defines the fields. Next: `volume/entry.rs`.
mod entry;

use anyhow::{Context, Result, ensure};

use super::format::{File, SECTOR};
use entry::{ENTRY_SIZE, Kind};

/// As U-Boot and a PC show it.
const LABEL: [u8; 11] = *b"FIRN       ";
/// In place of a number made from the time.
const NUMBER: u32 = 0x4e52_4946;

/// FAT16 by definition has so many clusters.
const CLUSTERS: std::ops::RangeInclusive<usize> = 4085..=65524;
/// The clusters' numbers begin here.
const FIRST_CLUSTER: usize = 2;
/// The last cluster of a file.
const END: u16 = 0xffff;

const TABLES: usize = 2;
const ROOT_ENTRIES: usize = 512;
const ROOT_SIZE: usize = ROOT_ENTRIES * ENTRY_SIZE;
const HARD_DISK: u8 = 0xf8;
const RESERVED_SECTORS: usize = 1;

/// Where the parts of a file system are.
struct Shape {
    sectors: usize,
    cluster_sectors: usize,
    table_sectors: usize,
}

impl Shape {
    /// With the smallest clusters that FAT16 can count.
    fn new(size: usize) -> Result<Shape> {
        let sectors = size / SECTOR;
        for cluster_sectors in [1, 2, 4, 8, 16, 32, 64] {
            // As if the tables took no room: at most one sector too large.
            let count = sectors / cluster_sectors + FIRST_CLUSTER;
            let table_sectors = (2 * count).div_ceil(SECTOR);
            let shape = Shape { sectors, cluster_sectors, table_sectors };
            if CLUSTERS.contains(&shape.clusters()) {
                return Ok(shape);
            }
        }
        anyhow::bail!("FAT16 cannot be of {size} bytes")
    }

    fn cluster_size(&self) -> usize {
        self.cluster_sectors * SECTOR
    }

    /// Byte where the table `number` starts.
    fn table(&self, number: usize) -> usize {
        (RESERVED_SECTORS + number * self.table_sectors) * SECTOR
    }

    /// Byte where the root folder starts.
    fn root(&self) -> usize {
        self.table(TABLES)
    }

    fn clusters(&self) -> usize {
        let start = self.root() + ROOT_SIZE;
        (self.sectors * SECTOR).saturating_sub(start) / self.cluster_size()
    }

    /// Byte where `cluster` starts.
    fn cluster(&self, cluster: usize) -> usize {
        let start = self.root() + ROOT_SIZE;
        start + (cluster - FIRST_CLUSTER) * self.cluster_size()
    }
}

/// A file system that is being filled.
struct Volume {
    shape: Shape,
    bytes: Vec<u8>,
    table: Vec<u16>,
    next: usize,
}

/// A file system of `size` bytes with `files`, `before` sectors after the
/// start of the card. No two paths may differ in case alone.
///
/// # Errors
/// The files do not fit.
pub fn build(size: usize, before: u32, files: &[File]) -> Result<Vec<u8>> {
    let shape = Shape::new(size)?;
    let mut volume = Volume {
        bytes: vec![0; size],
        table: vec![END & 0xff00 | u16::from(HARD_DISK), END],
        next: FIRST_CLUSTER,
        shape,
    };
    volume.put(0, &volume.boot_sector(before)?);
    let files: Vec<_> =
        files.iter().map(|file| (&file.path[..], &file.bytes[..])).collect();
    let label = entry::label(&LABEL);
    let root = volume.folder(&files, label, 0)?;
    ensure!(root.len() <= ROOT_SIZE, "too many files in the root folder");
    volume.put(volume.shape.root(), &root);
    volume.put_tables();
    Ok(volume.bytes)
}

impl Volume {
    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The listing, after the entries `start`, of a folder with `files`,
    /// whose own cluster is `own`. What is in it is put where it belongs.
    fn folder(
        &mut self,
        files: &[(&str, &[u8])],
        start: Vec<u8>,
        own: usize,
    ) -> Result<Vec<u8>> {
        let mut listing = start;
        for (number, name) in (1..).zip(names(files)) {
            let below = below(files, name);
            let (kind, cluster, size) = match files.iter().find(|f| f.0 == name)
            {
                Some((_, bytes)) => {
                    let cluster = self
                        .store(bytes)
                        .with_context(|| describe(name, bytes))?;
                    (Kind::File, cluster, bytes.len())
                }
                None => {
                    let cluster = self.store_folder(&below, own)?;
                    (Kind::Folder, cluster, 0)
                }
            };
            listing.extend(entry::encode(name, number, kind, cluster, size)?);
        }
        Ok(listing)
    }

    /// Stores a folder that is in the folder of cluster `above`.
    fn store_folder(
        &mut self,
        files: &[(&str, &[u8])],
        above: usize,
    ) -> Result<usize> {
        // A folder knows its own place, so that is taken before it is full.
        let size = 2 * ENTRY_SIZE + entry::room(names(files));
        let cluster = self.allocate(size)?;
        let dots = entry::dots(cluster, above)?;
        let listing = self.folder(files, dots, cluster)?;
        self.put(self.shape.cluster(cluster), &listing);
        Ok(cluster)
    }

    /// Stores the bytes of a file, and returns its first cluster.
    fn store(&mut self, bytes: &[u8]) -> Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let cluster = self.allocate(bytes.len())?;
        self.put(self.shape.cluster(cluster), bytes);
        Ok(cluster)
    }

    /// Takes clusters for `size` bytes, more than 0, in one piece.
    fn allocate(&mut self, size: usize) -> Result<usize> {
        let count = size.div_ceil(self.shape.cluster_size());
        let first = self.next;
        let end = first + count;
        let room = FIRST_CLUSTER + self.shape.clusters();
        ensure!(end <= room, "the file system is full");
        for next in first + 1..end {
            self.table.push(u16::try_from(next)?);
        }
        self.table.push(END);
        self.next = end;
        Ok(first)
    }

    fn put_tables(&mut self) {
        let table: Vec<u8> =
            self.table.iter().flat_map(|word| word.to_le_bytes()).collect();
        for number in 0..TABLES {
            self.put(self.shape.table(number), &table);
        }
    }

    fn boot_sector(&self, before: u32) -> Result<Vec<u8>> {
        let shape = &self.shape;
        let mut sector = vec![0; SECTOR];
        let mut put = |at: usize, bytes: &[u8]| {
            sector[at..at + bytes.len()].copy_from_slice(bytes);
        };
        // A jump over the fields, for a PC that would boot from here.
        put(0, &[0xeb, 0x3c, 0x90]);
        put(3, b"FIRN    ");
        put(11, &u16::try_from(SECTOR)?.to_le_bytes());
        put(13, &[u8::try_from(shape.cluster_sectors)?]);
        put(14, &u16::try_from(RESERVED_SECTORS)?.to_le_bytes());
        put(16, &[u8::try_from(TABLES)?]);
        put(17, &u16::try_from(ROOT_ENTRIES)?.to_le_bytes());
        put(21, &[HARD_DISK]);
        put(22, &u16::try_from(shape.table_sectors)?.to_le_bytes());
        let (track_sectors, heads) = (63_u16, 255_u16);
        put(24, &track_sectors.to_le_bytes());
        put(26, &heads.to_le_bytes());
        put(28, &before.to_le_bytes());
        let sectors = u32::try_from(shape.sectors)?;
        match u16::try_from(sectors) {
            Ok(few) => put(19, &few.to_le_bytes()),
            Err(_) => put(32, &sectors.to_le_bytes()),
        }
        // Drive number of a first hard disk; the fields after it are there.
        put(36, &[0x80, 0, 0x29]);
        put(39, &NUMBER.to_le_bytes());
        put(43, &LABEL);
        put(54, b"FAT16   ");
        put(510, &[0x55, 0xaa]);
        Ok(sector)
    }
}

/// The first parts of the paths, each once, in their first order.
fn names<'a>(files: &[(&'a str, &[u8])]) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (path, _) in files {
        let name = path.split('/').next().unwrap_or(path);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The files below the folder `name`, from there on.
fn below<'a>(
    files: &[(&'a str, &'a [u8])],
    name: &str,
) -> Vec<(&'a str, &'a [u8])> {
    let rest = |path: &'a str| path.strip_prefix(name)?.strip_prefix('/');
    files
        .iter()
        .filter_map(|(path, bytes)| Some((rest(path)?, *bytes)))
        .collect()
}

fn describe(name: &str, bytes: &[u8]) -> String {
    format!("{name} of {} bytes", bytes.len())
}
