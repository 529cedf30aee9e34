//! `cargo xtask build`: the user programs, the kernel, and the boot image.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::layout::{self, Profile};
use crate::toolchain::choose::Way;
use crate::toolchain::invocation::{Action, Invocation};
use crate::toolchain::probe::Host;
use crate::toolchain::{self, Consent};
use crate::{board, image, initramfs};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub struct Arguments {
    /// How the kernel is compiled
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

impl Arguments {
    /// Builds, and says where the image is.
    ///
    /// # Errors
    /// See [`build`].
    pub fn run(self) -> Result<()> {
        let files = build(self.profile)?;
        let size = fs::metadata(&files.image)?.len();
        println!("{}: {size} bytes", files.image.display());
        Ok(())
    }
}

/// What a build leaves behind.
#[derive(Clone, Debug)]
pub struct BootFiles {
    /// What the boot loader starts.
    pub image: PathBuf,
    /// The kernel with its symbols, for gdb.
    pub elf: PathBuf,
    /// The user program, for another initramfs.
    pub program: PathBuf,
}

/// Builds what changed. The user programs are always optimised; `profile`
/// is the kernel's.
///
/// # Errors
/// No compiler for the target, an error in the code, or an image that does
/// not fit together.
pub fn build(profile: Profile) -> Result<BootFiles> {
    let host = Host::this();
    let way = toolchain::obtain(&host, Consent::Install)?;
    compile(&host, way, "user", Profile::Release)?;
    compile(&host, way, "kernel", profile)?;
    let files = BootFiles {
        image: layout::boot_dir(profile).join("Image"),
        elf: layout::elf("kernel", profile),
        program: layout::elf("user", Profile::Release),
    };
    let archive = initramfs::build(&files.program, &[])?;
    let elf = fs::read(&files.elf)
        .with_context(|| files.elf.display().to_string())?;
    let boards = board::table()?;
    write_changed(&files.image, &image::assemble(&elf, &archive, &boards)?)?;
    Ok(files)
}

fn compile(
    host: &Host,
    way: Way,
    package: &str,
    profile: Profile,
) -> Result<()> {
    let packages = [package];
    Invocation::new(host, way, Action::Build, package, &packages, profile).run()
}

/// Writes `path` unless it has this content already. A reader never sees a
/// half-written file.
fn write_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let folder = path.parent().context("a file is in a folder")?;
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("draft");
    fs::write(&draft, content)?;
    fs::rename(&draft, path)?;
    Ok(())
}
