//! `cargo xtask image`: what a board boots from.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::build::build;
use crate::board::Board;
use crate::initramfs;
use crate::layout::{self, Profile};
use crate::media::{Contents, Ways};

/// Options of `cargo xtask image`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder in `boards/`
    #[arg(long, value_name = "NAME")]
    board: String,
    /// Put this boot loader onto the card, such as u-boot-rockchip.bin
    #[arg(long, value_name = "FILE")]
    u_boot: Option<PathBuf>,
    /// Put this device tree onto the card, for U-Boot to load
    #[arg(long, value_name = "FILE")]
    dtb: Option<PathBuf>,
    /// Kernel command line
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    append: String,
    /// Write here instead of target/firn/NAME
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How the kernel is compiled
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl Arguments {
    /// Builds what changed, and writes the boot files and the card.
    ///
    /// # Errors
    /// An unknown board, a file that cannot be read or does not fit, a folder
    /// that cannot be written, or a failed build.
    pub fn run(self) -> Result<()> {
        // What a person may have got wrong comes before the long build.
        let board = Board::read(&self.board)?;
        let mut contents = Contents {
            command_line: self.append,
            device_tree: self.dtb.as_deref().map(device_tree).transpose()?,
            loader: self.u_boot.as_deref().map(read).transpose()?,
            ways: Ways::Both,
            ..Contents::default()
        };
        contents.card(&board)?;
        let default = layout::boot_dir(self.profile).join(&board.name);
        let folder = self.out.unwrap_or(default);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot write {}", folder.display()))?;
        let files = build(self.profile)?;
        contents.image = read(&files.image)?;
        contents.initramfs = initramfs::build(self.profile, &[])?;
        contents.write(&board, &folder)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A device tree in its compiled form.
fn device_tree(path: &Path) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    let is_tree = bytes.starts_with(&[0xd0, 0x0d, 0xfe, 0xed]);
    ensure!(is_tree, "{} is no compiled device tree", path.display());
    Ok(bytes)
}
