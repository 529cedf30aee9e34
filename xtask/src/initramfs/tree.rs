//! The files of an archive before they are written down.
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// One file; modes are permission bits only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Folder { mode: u32 },
    /// An ordinary file.
    File { mode: u32, content: Vec<u8> },
    /// A symbolic link.
    Link { target: String },
    /// A character device with its numbers.
    CharacterDevice { mode: u32, major: u32, minor: u32 },
}

/// Files by absolute path. A folder sorts before what is in it, which is the
/// order an unpacker needs.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Every path with its file, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Adds a file, and the folders above it that are not there yet. A file
    /// replaces one of the same path; a folder is never replaced by a file.
    ///
    /// # Errors
    /// The path is not absolute and plain, or goes through a file.
    pub fn insert(&mut self, path: &str, node: Node) -> Result<()> {
        check_path(path)?;
        self.insert_parents(path)?;
        let is_folder = matches!(node, Node::Folder { .. });
        match self.nodes.get(path) {
            Some(Node::Folder { .. }) if !is_folder => {
                bail!("{path} is a folder")
            }
            Some(Node::Folder { .. }) => {}
            Some(_) if is_folder => bail!("{path} is no folder"),
            _ => {
                self.nodes.insert(path.to_owned(), node);
            }
        }
        Ok(())
    }

    fn insert_parents(&mut self, path: &str) -> Result<()> {
        for (end, _) in path.match_indices('/').skip(1) {
            let parent = &path[..end];
            let folder = Node::Folder { mode: 0o755 };
            match self.nodes.entry(parent.to_owned()).or_insert(folder) {
                Node::Folder { .. } => {}
                _ => bail!("{parent} in {path} is no folder"),
            }
        }
        Ok(())
    }

    /// Copies the host's file `host` to `guest` with its permission bits.
    ///
    /// # Errors
    /// It cannot be read, or see [`Tree::insert`].
    pub fn copy_file(&mut self, host: &Path, guest: &str) -> Result<()> {
        let name = || host.display().to_string();
        let content = fs::read(host).with_context(name)?;
        let mode = fs::metadata(host).with_context(name)?.permissions().mode();
        self.insert(guest, Node::File { mode: mode & 0o7777, content })
    }

    /// Copies what is in `folder` to `/`; without the folder, nothing.
    ///
    /// # Errors
    /// A file cannot be read, or see [`Tree::insert`].
    pub fn copy_folder(&mut self, folder: &Path) -> Result<()> {
        if folder.is_dir() { self.copy_below(folder, "") } else { Ok(()) }
    }

    fn copy_below(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let guest = format!("{prefix}/{}", name.to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.insert(&guest, Node::Folder { mode: 0o755 })?;
                self.copy_below(&entry.path(), &guest)?;
            } else {
                self.copy_file(&entry.path(), &guest)?;
            }
        }
        Ok(())
    }
}

fn check_path(path: &str) -> Result<()> {
    let Some(relative) = path.strip_prefix('/') else {
        bail!("{path} is not absolute")
    };
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    if !relative.split('/').all(plain) {
        bail!("{path} has an empty, `.` or `..` part");
    }
    Ok(())
}
