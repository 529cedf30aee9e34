//! What `boards/NAME/board.toml` says of a board.
//!
//! One folder a board; the folder's name is the board's. Facts that only a
//! person or a tool needs stand there, never in the code.
mod early_console;
mod emulator;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::layout;

pub use early_console::EarlyConsole;
pub use emulator::{Emulator, Need};

/// The file that describes a board, in its folder.
const DESCRIPTION: &str = "board.toml";

/// A board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The name of its folder.
    #[serde(skip)]
    pub name: String,
    /// Its name in sentences.
    pub title: String,
    /// The first word of the root's `compatible` in its device tree.
    pub compatible: String,
    /// 1 if every change is tested on it, 2 if it is tested by hand.
    pub tier: u32,
    /// When all tests last ran on the board itself; `None` if never.
    pub last_run: Option<String>,
    /// Where its console is, for a kernel that cannot read the device tree.
    pub early_console: EarlyConsole,
    /// How its boot card is laid out; `None` if it boots from none.
    pub card: Option<Card>,
    /// Where boot loaders put what they load, by the boot loader's name.
    #[serde(default)]
    pub load: BTreeMap<String, Addresses>,
    /// Its memory by the size it is sold with: pairs of the first address
    /// and the one past the last.
    #[serde(default)]
    pub memory: BTreeMap<String, Vec<(u64, u64)>>,
    /// What plays it; `None` if nothing does.
    pub emulator: Option<Emulator>,
    /// A U-Boot for the machine QEMU plays; `None` if there is none.
    pub u_boot: Option<UBoot>,
}

/// The layout of a boot card.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Where the boot loader begins, in sectors of 512 bytes.
    pub loader_sector: u32,
    /// Where the partition begins and the boot loader must have ended.
    pub partition_mib: u32,
    /// The whole card image.
    pub size_mib: u32,
    /// The device tree's file below `/dtbs`.
    pub device_tree: String,
}

/// Physical addresses of what a boot loader loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// The `Image`.
    pub kernel: u64,
    /// The device tree.
    pub device_tree: u64,
    /// The initramfs.
    pub initrd: u64,
}

/// A U-Boot that QEMU starts like firmware.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UBoot {
    /// Its file on the host.
    pub firmware: PathBuf,
    /// The Debian package that brings the file.
    pub package: String,
    /// The board whose boot card it gets.
    pub card: String,
}

impl Board {
    /// The board of the folder `boards/NAME`.
    ///
    /// # Errors
    /// There is no such board, or its description is wrong.
    pub fn read(name: &str) -> Result<Board> {
        let folder = layout::root().join("boards");
        let is_plain = !name.contains(['/', '\\', '.']);
        let path = folder.join(name).join(DESCRIPTION);
        if !is_plain || !path.is_file() {
            let known = names(&folder)?.join(", ");
            bail!("there is no board `{name}`; there are: {known}");
        }
        let text = read(&path)?;
        parse(name, &text).with_context(|| path.display().to_string())
    }
}

impl UBoot {
    /// The U-Boot of the machine that QEMU plays.
    ///
    /// # Errors
    /// No board has one, or a description is wrong.
    pub fn of_qemu() -> Result<UBoot> {
        for name in names(&layout::root().join("boards"))? {
            if let Some(u_boot) = Board::read(&name)?.u_boot {
                return Ok(u_boot);
            }
        }
        bail!("no board.toml has [u_boot]")
    }
}

/// The emulator of `cargo xtask qemu` and of the tests.
///
/// # Errors
/// No board has it, or a description is wrong.
pub fn usual_emulator() -> Result<Emulator> {
    let mut emulators = all()?.into_iter().filter_map(|board| board.emulator);
    let found = emulators.find(|emulator| emulator.is_usual);
    found.context("no board.toml has [emulator] with is_usual")
}

/// Every board that has a description, in alphabetical order.
///
/// # Errors
/// A description is wrong.
pub fn all() -> Result<Vec<Board>> {
    let names = names(&layout::root().join("boards"))?;
    names.iter().map(|name| Board::read(name)).collect()
}

/// What the kernel is told of all boards, see `kernel_core::board`.
///
/// # Errors
/// A description is wrong.
pub fn table() -> Result<String> {
    let line = |board: Board| board.early_console.line(&board.compatible);
    Ok(all()?.into_iter().map(line).collect())
}

fn parse(name: &str, text: &str) -> Result<Board> {
    let board: Board = toml::from_str(text)?;
    Ok(Board { name: name.to_owned(), ..board })
}

/// The boards that have a description, in alphabetical order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        if let Some(name) = path.file_name()
            && path.join(DESCRIPTION).is_file()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
