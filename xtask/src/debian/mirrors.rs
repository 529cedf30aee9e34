//! Where Debian is mirrored: what the machine's own apt has as sources.
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// One line for each index of packages in the sources: where its archive is,
/// and the part of it.
const FORMAT: &str = "$(REPO_URI) $(COMPONENT)";

/// The part of Debian that everything comes from.
const COMPONENT: &str = "main";

/// The addresses of archives that may be Debian's, in the order of the
/// machine's sources.
///
/// # Errors
/// There is no apt, it cannot read its sources, or has none.
pub fn mirrors() -> Result<Vec<String>> {
    ask(&[])
}

/// As [`mirrors`], of an apt with these options.
pub(super) fn ask(options: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("apt-get")
        .args(options)
        // Of every source, also of those whose lists never came.
        .args(["indextargets", "--no-release-info", "--format", FORMAT])
        .arg("Created-By: Packages")
        .stdin(Stdio::null())
        .output()
        .context("this is no Debian: apt-get does not start")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("apt-get cannot read its sources: {}", words.trim());
    }
    let found = archives(&String::from_utf8_lossy(&output.stdout));
    ensure!(
        !found.is_empty(),
        "no source of apt on this machine says where Debian is mirrored"
    );
    Ok(found)
}

/// The archives in apt's answer, each once; a disc in a drive is none.
pub(super) fn archives(answer: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in answer.lines() {
        let Some((archive, component)) = line.rsplit_once(' ') else {
            continue;
        };
        let archive = archive.trim_end_matches('/').to_owned();
        let is_new = !found.contains(&archive);
        let is_disc = archive.starts_with("cdrom:");
        if component == COMPONENT && is_new && !is_disc {
            found.push(archive);
        }
    }
    found
}
