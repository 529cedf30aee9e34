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
}

/// Builds what changed. The user programs are always optimised; `profile`
/// is the kernel's, and says whether the program of tests is among them.
///
/// # Errors
/// No compiler for the target, an error in the code, or an image that does
/// not fit together.
pub fn build(profile: Profile) -> Result<BootFiles> {
    let host = Host::this();
    let way = toolchain::obtain(&host, Consent::Install)?;
    let packages = initramfs::packages(profile);
    compile(&host, way, "user", packages, Profile::Release)?;
    compile(&host, way, "kernel", &["kernel"], profile)?;
    let files = BootFiles {
        image: layout::boot_dir(profile).join("Image"),
        elf: layout::elf("kernel", profile),
    };
    let archive = initramfs::build(profile, &[])?;
    let elf = fs::read(&files.elf)
        .with_context(|| files.elf.display().to_string())?;
    let boards = board::table()?;
    write_changed(&files.image, &image::assemble(&elf, &archive, &boards)?)?;
    Ok(files)
}

fn compile(
    host: &Host,
    way: Way,
    program: &str,
    packages: &[&str],
    profile: Profile,
) -> Result<()> {
    Invocation::new(host, way, Action::Build, program, packages, profile).run()
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
