//! Device trees of real boards, out of Debian's kernel.
//!
//! Only these files are kept of the package, which is fetched once: whoever
//! tests the reader of device trees, or boots an emulated board, finds them
//! in [`layout::trees_dir`]. Which, `boards/device-trees.toml` says.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::apt::Apt;
use crate::layout;

/// Releases whose kernel is 6.12, which is the first that has every tree.
/// Debian 12 has it among its backports.
const SUITES: [&str; 2] = ["trixie", "bookworm-backports"];

/// Names the package with the kernel, which has another name each time.
const PACKAGE: &str = "linux-image-arm64";

/// Fetches the trees, unless that was done before; the folder they are in.
///
/// # Errors
/// This is no Debian, or no mirror of it can be reached.
pub fn fetch() -> Result<PathBuf> {
    let folder = layout::trees_dir();
    let list = layout::root().join("boards/device-trees.toml");
    let files = files(
        &fs::read_to_string(&list)
            .with_context(|| list.display().to_string())?,
    )?;
    let wanted = files.join("\n");
    let stamp = folder.join("complete");
    let is_there = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        folder.join(name).is_file()
    };
    if fs::read_to_string(&stamp).is_ok_and(|text| text == wanted)
        && files.iter().all(is_there)
    {
        return Ok(folder);
    }
    let home = folder.join("apt");
    fs::create_dir_all(&home)?;
    let apt = Apt::of(&home, &SUITES)?;
    let package = kernel(&apt.field(PACKAGE, "Depends")?)?;
    let size: u64 = apt.field(&package, "Size")?.parse()?;
    eprintln!(
        "setup: device trees of {package}, {} MB to fetch, once",
        size / 1_000_000
    );
    extract(&apt.download(&package)?, &files, &folder)?;
    fs::remove_dir_all(&home)?;
    fs::write(stamp, wanted)?;
    Ok(folder)
}

/// The files that the list names, from the folder of the kernel's trees.
pub(super) fn files(list: &str) -> Result<Vec<String>> {
    let table: toml::Table = list.parse()?;
    Ok(table.keys().cloned().collect())
}

/// The name in `linux-image-6.12.1-arm64 (= 6.12.1-1)`.
pub(super) fn kernel(depends: &str) -> Result<String> {
    let name = depends.split([' ', ',']).next().unwrap_or_default();
    ensure!(name.starts_with("linux-image-"), "{PACKAGE} needs {depends}");
    Ok(name.to_owned())
}

/// Puts `files` of the kernel's trees into `folder`, each by its own name.
fn extract(package: &Path, files: &[String], folder: &Path) -> Result<()> {
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdout(Stdio::piped())
        .spawn()
        .context("dpkg-deb does not start")?;
    let bytes = archive.stdout.take().context("stdout is piped")?;
    let path = |file| format!("./usr/lib/linux-image-*/{file}");
    let status = Command::new("tar")
        .args(["--extract", "--wildcards", "--transform", "s,.*/,,"])
        .arg("--directory")
        .arg(folder)
        .args(files.iter().map(path))
        .stdin(bytes)
        .status()
        .context("tar does not start")?;
    ensure!(archive.wait()?.success(), "dpkg-deb cannot read the package");
    ensure!(status.success(), "tar: {status}");
    Ok(())
}
