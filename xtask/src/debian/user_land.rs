//! Debian as the user land: its static busybox and bash, and nothing of ours.
//!
//! busybox is `/init` and reads `/etc/inittab`, bash is the shell on the
//! console. Every other command is an applet of busybox. The files of `/etc`
//! stand in the folder beside this file, as they come into the guest.
use anyhow::Result;

use super::sysroot::Sysroot;
use crate::initramfs::{Node, Tree};

const FOLDERS: [&str; 8] = [
    "/bin",
    "/dev",
    "/proc",
    "/root",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/sbin",
];

/// Files with their permission bits.
const FILES: [(&str, u32, &str); 6] = [
    ("/etc/group", 0o644, "root:x:0:\n"),
    ("/etc/inittab", 0o644, include_str!("user_land/inittab")),
    ("/etc/inputrc", 0o644, include_str!("user_land/inputrc")),
    ("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/bash\n"),
    ("/etc/profile", 0o644, include_str!("user_land/profile")),
    ("/etc/start", 0o755, include_str!("user_land/start")),
];

/// The archive to boot.
///
/// # Errors
/// A file of the packages is missing.
pub fn user_land(debian: &Sysroot) -> Result<Tree> {
    let mut tree = Tree::default();
    for folder in FOLDERS {
        tree.insert(folder, Node::Folder { mode: 0o755 })?;
    }
    tree.insert("/tmp", Node::Folder { mode: 0o1777 })?;
    let console = Node::CharacterDevice { mode: 0o600, major: 5, minor: 1 };
    tree.insert("/dev/console", console)?;
    for (path, mode, text) in FILES {
        let content = text.as_bytes().to_vec();
        tree.insert(path, Node::File { mode, content })?;
    }
    debian.copy(&mut tree, "bin/busybox", "/bin/busybox")?;
    debian.copy(&mut tree, "bin/bash-static", "/bin/bash")?;
    // What readline must know of the terminal.
    let terminal = "lib/terminfo/l/linux";
    tree.copy_file(&debian.file(terminal), &format!("/{terminal}"))?;
    tree.insert("/bin/sh", Node::Link { target: "bash".into() })?;
    tree.insert("/init", Node::Link { target: "bin/busybox".into() })?;
    Ok(tree)
}
