//! The image of a whole card, from its partition table to its last sector.
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process;

use anyhow::{Context, Result, ensure};

use super::format::{File, SECTOR};
use super::{partition, volume};
use crate::board::Card as Layout;

const MIB: usize = 1 << 20;

/// A card; what lies between its parts is zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Parts with their places in bytes, in order.
    parts: Vec<(usize, Vec<u8>)>,
    size: usize,
}

impl Card {
    /// A card of this layout with `files` in its partition, and with the
    /// boot loader `loader`.
    ///
    /// # Errors
    /// Something does not fit.
    pub fn new(
        layout: &Layout,
        files: &[File],
        loader: Option<&[u8]>,
    ) -> Result<Card> {
        let size = layout.size_mib as usize * MIB;
        let start = layout.partition_mib as usize * MIB;
        let sectors = |bytes: usize| u32::try_from(bytes / SECTOR);
        let table = partition::table(sectors(start)?, sectors(size - start)?);
        let mut parts = vec![(0, table)];
        if let Some(loader) = loader {
            let place = layout.loader_sector as usize * SECTOR;
            check_loader(loader, start - place)?;
            parts.push((place, loader.to_owned()));
        }
        let before = sectors(start)?;
        let volume = volume::build(size - start, before, files);
        let volume = volume.with_context(|| {
            format!("no room in the partition of {} MiB", (size - start) / MIB)
        })?;
        parts.push((start, volume));
        Ok(Card { parts, size })
    }

    /// Bytes of the whole card.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Writes the card to the file `path`, and tells `progress` how many
    /// bytes are done. Zeros take no room on the host's disk, and a reader of
    /// `path` never sees half a card.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path, progress: impl Fn(usize)) -> Result<()> {
        let draft = path.with_extension(process::id().to_string());
        let written =
            self.fill(&draft, progress).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            // The error is the news; a draft left behind harms nobody.
            fs::remove_file(&draft).ok();
        }
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    fn fill(&self, path: &Path, progress: impl Fn(usize)) -> io::Result<()> {
        let zeros = vec![0; MIB];
        let mut file = fs::File::create(path)?;
        file.set_len(self.size as u64)?;
        for (place, bytes) in &self.parts {
            for (number, piece) in bytes.chunks(MIB).enumerate() {
                let at = place + number * MIB;
                if piece != &zeros[..piece.len()] {
                    file.seek(SeekFrom::Start(at as u64))?;
                    file.write_all(piece)?;
                }
                progress(at + piece.len());
            }
        }
        Ok(())
    }
}

fn check_loader(loader: &[u8], room: usize) -> Result<()> {
    ensure!(!loader.is_empty(), "the boot loader is an empty file");
    ensure!(
        loader.len() <= room,
        "the boot loader has {} bytes, {} more than fit before the partition",
        loader.len(),
        loader.len() - room
    );
    Ok(())
}
