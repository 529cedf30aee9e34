//! What a board boots from: a folder of boot files, and a card with them.
//!
//! ```text
//! sector 0    partition table                            partition.rs
//! sector 64   room for the board's boot loader           card.rs
//! 16 MiB      FAT partition:                             volume.rs
//!               Image, initramfs.cpio.gz
//!               extlinux/extlinux.conf                   configuration.rs
//!               boot.cmd, and boot.scr made of it        script.rs
//!               dtbs/…, if a device tree was given
//! ```
//!
//! The figures are the board's ([`crate::board`]). U-Boot looks for
//! `extlinux.conf` first and for `boot.scr` next; either boots Firn. Nothing
//! depends on the time, the host or chance: the same input gives the same
//! bytes.
pub mod card;
mod configuration;
mod folder;
mod format;
mod partition;
mod progress;
mod script;
pub mod temporary;
#[cfg(test)]
mod tests;
mod volume;

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::board::{Board, Card as Layout};
use card::Card;
use progress::Progress;

pub use format::File;

/// Why a board has no card.
const NO_CARD: &str = "its board.toml has no [card]";

/// What goes onto a card.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The boot image.
    pub image: Vec<u8>,
    /// The compressed archive with the first programs.
    pub initramfs: Vec<u8>,
    /// The kernel's command line.
    pub command_line: String,
    /// A device tree for the boot loader to load.
    pub device_tree: Option<Vec<u8>>,
    /// The board's boot loader.
    pub loader: Option<Vec<u8>>,
    /// Which of U-Boot's two ways to boot is there.
    pub ways: Ways,
}

/// By which files U-Boot finds Firn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Ways {
    /// By extlinux.conf, and boot.scr when that fails
    #[default]
    #[value(name = "extlinux")]
    Both,
    /// By boot.scr alone
    #[value(name = "script")]
    OnlyScript,
}

impl Contents {
    /// The files of the partition for `board`.
    ///
    /// # Errors
    /// The board has no card, or U-Boot would misread the command line.
    pub fn files(&self, board: &Board) -> Result<Vec<File>> {
        let layout = layout(board)?;
        let tree = &layout.device_tree;
        configuration::check(&self.command_line)?;
        let script = configuration::boot_cmd(&self.command_line, tree);
        let mut files = vec![
            file("Image", self.image.clone()),
            file("initramfs.cpio.gz", self.initramfs.clone()),
            file("boot.scr", script::compile(&script)),
            file("boot.cmd", script.into_bytes()),
        ];
        if self.ways == Ways::Both {
            let text = configuration::extlinux(&self.command_line);
            files.push(file("extlinux/extlinux.conf", text.into_bytes()));
        }
        if let Some(bytes) = &self.device_tree {
            files.push(file(&format!("dtbs/{tree}"), bytes.clone()));
        }
        Ok(files)
    }

    /// The card for `board`.
    ///
    /// # Errors
    /// As [`Contents::files`], or something does not fit.
    pub fn card(&self, board: &Board) -> Result<Card> {
        let files = self.files(board)?;
        Card::new(layout(board)?, &files, self.loader.as_deref())
    }

    /// Writes the files and the card into `folder`, telling of each.
    ///
    /// # Errors
    /// As [`Contents::card`], or a file cannot be written.
    pub fn write(&self, board: &Board, folder: &Path) -> Result<()> {
        let files = self.files(board)?;
        let card = self.card(board)?;
        folder::write(folder, &files)?;
        let path = folder.join(format!("firn-{}.img", board.name));
        let line = Progress::new(&path, card.size());
        card.write(&path, |done| line.show(done))?;
        line.end();
        Ok(())
    }
}

fn file(path: &str, bytes: Vec<u8>) -> File {
    File { path: path.to_owned(), bytes }
}

fn layout(board: &Board) -> Result<&Layout> {
    let name = &board.name;
    board.card.as_ref().with_context(|| format!("{name}: {NO_CARD}"))
}
