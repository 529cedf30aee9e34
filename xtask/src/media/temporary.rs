//! A card for one run of a machine.
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::card::Card;
use crate::layout::{self, Profile};

/// A card's file in `target/`, which goes with this.
pub struct TemporaryCard(PathBuf);

impl TemporaryCard {
    /// Writes `card` to a file of its own.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(card: &Card) -> Result<TemporaryCard> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("card-{}-{number}.img", process::id());
        let folder = layout::boot_dir(Profile::Release);
        fs::create_dir_all(&folder)
            .with_context(|| folder.display().to_string())?;
        let file = TemporaryCard(folder.join(name));
        card.write(&file.0, |_| {})?;
        Ok(file)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryCard {
    fn drop(&mut self) {
        // A file left behind in `target/` harms nobody.
        fs::remove_file(&self.0).ok();
    }
}
