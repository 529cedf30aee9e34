//! The boot files as files of the host.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::format::File;

/// Writes `files` below `folder`, which is made if it is not there, and
/// prints a line about each.
///
/// # Errors
/// A folder or file cannot be written.
pub fn write(folder: &Path, files: &[File]) -> Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        let name = || format!("cannot write {}", path.display());
        let above = path.parent().context("a file is in a folder")?;
        fs::create_dir_all(above).with_context(name)?;
        fs::write(&path, &file.bytes).with_context(name)?;
        println!("{}: {} bytes", path.display(), file.bytes.len());
    }
    Ok(())
}
