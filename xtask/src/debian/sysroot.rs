//! Packages, unpacked.
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use elf::ElfBytes;
use elf::abi::DT_NEEDED;
use elf::endian::LittleEndian;

use crate::initramfs::Tree;

/// Where libraries lie, in the order of the dynamic linker.
const LIBRARY_FOLDERS: [&str; 3] =
    ["lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib"];

/// Packages, unpacked.
#[derive(Clone, Debug)]
pub struct Sysroot {
    folder: PathBuf,
}

impl Sysroot {
    /// Those in `folder`.
    pub(super) fn new(folder: PathBuf) -> Sysroot {
        Sysroot { folder }
    }

    /// The file `path` of the packages.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Puts the program `from` into `tree` as `to`, and all libraries it
    /// names.
    ///
    /// # Errors
    /// A file is missing, or no program.
    pub fn copy(&self, tree: &mut Tree, from: &str, to: &str) -> Result<()> {
        tree.copy_file(&self.file(from), to)?;
        self.copy_libraries(tree, &self.file(from))
    }

    /// Puts the libraries that `program` names into `tree`, and those that
    /// they name.
    ///
    /// # Errors
    /// A library is missing, or `program` is none.
    pub fn copy_libraries(
        &self,
        tree: &mut Tree,
        program: &Path,
    ) -> Result<()> {
        let mut waiting = needed(program)?;
        let mut done = Vec::new();
        while let Some(name) = waiting.pop() {
            if done.contains(&name) {
                continue;
            }
            let library = self.library(&name)?;
            waiting.extend(needed(&library)?);
            tree.copy_file(&library, &format!("/lib/{name}"))?;
            done.push(name);
        }
        Ok(())
    }

    /// The library `name`.
    ///
    /// # Errors
    /// No package has it.
    pub fn library(&self, name: &str) -> Result<PathBuf> {
        let places = LIBRARY_FOLDERS.iter();
        places
            .map(|folder| self.folder.join(folder).join(name))
            .find(|path| path.is_file())
            .with_context(|| format!("no package has {name}"))
    }
}

/// The libraries that a program or a library names.
fn needed(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    let file = ElfBytes::<LittleEndian>::minimal_parse(&bytes)
        .with_context(|| path.display().to_string())?;
    let common = file.find_common_data()?;
    let (Some(dynamic), Some(names)) = (common.dynamic, common.dynsyms_strs)
    else {
        return Ok(Vec::new());
    };
    let entries = dynamic.iter().filter(|entry| entry.d_tag == DT_NEEDED);
    let name = |offset: u64| Ok(names.get(offset as usize)?.to_owned());
    entries.map(|entry| name(entry.d_val())).collect()
}
