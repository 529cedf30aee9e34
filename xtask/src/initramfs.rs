//! The root file system at boot: which files are in it.
//!
//! `/bin/firn-user` is the one program; its other names, listed in
//! `user/programs.txt`, are symbolic links to it. What lies in `user/root/`
//! is copied as it is. The result depends on nothing but its input files: no
//! times, no owners, a fixed order. Read `initramfs/cpio.rs` for the format.
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

use crate::layout;

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

/// The gzip-compressed archive with the user program `program` and
/// `additions`.
///
/// # Errors
/// A file cannot be read, or two want the same path.
pub fn build(program: &Path, additions: &[Addition]) -> Result<Vec<u8>> {
    let program = read(program)?;
    let names = read(&layout::root().join("user/programs.txt"))?;
    let names = String::from_utf8(names)?;
    let mut tree = system(program, names.lines())?;
    tree.copy_folder(&layout::root().join("user/root"))?;
    for addition in additions {
        tree.copy_file(&addition.host, &addition.guest)?;
    }
    pack(&tree)
}

/// The gzip-compressed archive of `tree`.
///
/// # Errors
/// None that an archive in memory could cause.
pub fn pack(tree: &Tree) -> Result<Vec<u8>> {
    compress(&cpio::archive(tree))
}

/// The files every guest has.
fn system<'a>(
    program: Vec<u8>,
    names: impl Iterator<Item = &'a str>,
) -> Result<Tree> {
    let mut tree = Tree::default();
    for folder in ["/bin", "/dev", "/etc", "/proc", "/root", "/sys"] {
        tree.insert(folder, Node::Folder { mode: 0o755 })?;
    }
    tree.insert("/tmp", Node::Folder { mode: 0o1777 })?;
    let console = Node::CharacterDevice { mode: 0o600, major: 5, minor: 1 };
    tree.insert("/dev/console", console)?;
    let program = Node::File { mode: 0o755, content: program };
    tree.insert("/bin/firn-user", program)?;
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
