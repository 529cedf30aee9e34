//! The root file system at boot: which files are in it.
//!
//! `/bin/firn-user` is all programs that a person uses; its other names, listed
//! in `user/programs.txt`, are symbolic links to it. `/bin/check` tests the
//! system calls and goes with a kernel of the checked profile only. What lies
//! in `user/root/` is copied as it is. The result depends on nothing but its
//! input files: no times, no owners, a fixed order. Read `initramfs/cpio.rs`
//! for the format.
pub mod cpio;
#[cfg(test)]
mod tests;
mod tree;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};

pub use tree::{Node, Tree};

use crate::layout::{self, Profile};

/// A host file that goes into the guest: `HOST=/GUEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The file to copy; its permission bits are kept.
    pub host: PathBuf,
    /// Its absolute path in the guest.
    pub guest: String,
}

impl FromStr for Addition {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Addition> {
        match text.split_once('=') {
            Some((host, guest)) if guest.starts_with('/') => {
                Ok(Addition { host: host.into(), guest: guest.into() })
            }
            _ => bail!("`{text}` is not HOST=/GUEST"),
        }
    }
}

/// The packages of the user programs that go with a kernel of `profile`.
pub fn packages(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Release => &["user"],
        Profile::Checked => &["user", "user-check"],
    }
}

/// The gzip-compressed archive with the user programs that go with a kernel of
/// `profile`, and `additions`.
///
/// # Errors
/// A file cannot be read, or two want the same path.
pub fn build(profile: Profile, additions: &[Addition]) -> Result<Vec<u8>> {
    // User programs are always optimised.
    let mut tree = contents(profile, |it| layout::elf(it, Profile::Release))?;
    for addition in additions {
        tree.copy_file(&addition.host, &addition.guest)?;
    }
    pack(&tree)
}

/// All that goes with a kernel of `profile`; `elf` says where the program of
/// a package is.
fn contents(
    profile: Profile,
    elf: impl Fn(&'static str) -> PathBuf,
) -> Result<Tree> {
    let names = read(&layout::root().join("user/programs.txt"))?;
    let names = String::from_utf8(names)?;
    let mut tree = system(names.lines())?;
    for package in packages(profile) {
        insert_program(&mut tree, &elf(package))?;
    }
    tree.copy_folder(&layout::root().join("user/root"))?;
    Ok(tree)
}

/// Puts the host's file `program` into `/bin`.
fn insert_program(tree: &mut Tree, program: &Path) -> Result<()> {
    let name = program.file_name().context("a program has a name")?;
    let file = Node::File { mode: 0o755, content: read(program)? };
    tree.insert(&format!("/bin/{}", name.to_string_lossy()), file)
}

/// The gzip-compressed archive of `tree`.
///
/// # Errors
/// None that an archive in memory could cause.
pub fn pack(tree: &Tree) -> Result<Vec<u8>> {
    compress(&cpio::archive(tree))
}

/// The files every guest has, but for the programs themselves.
fn system<'a>(names: impl Iterator<Item = &'a str>) -> Result<Tree> {
    let mut tree = Tree::default();
    for folder in ["/bin", "/dev", "/etc", "/proc", "/root", "/sys"] {
        tree.insert(folder, Node::Folder { mode: 0o755 })?;
    }
    tree.insert("/tmp", Node::Folder { mode: 0o1777 })?;
    let console = Node::CharacterDevice { mode: 0o600, major: 5, minor: 1 };
    tree.insert("/dev/console", console)?;
    for name in names {
        let link = Node::Link { target: "firn-user".into() };
        tree.insert(&format!("/bin/{name}"), link)?;
    }
    tree.insert("/init", Node::Link { target: "bin/firn-user".into() })?;
    Ok(tree)
}

/// Compresses without a name or time stamp in the header.
fn compress(archive: &[u8]) -> Result<Vec<u8>> {
    let mut encoder =
        GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(archive)?;
    Ok(encoder.finish()?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}
