//! The RAM file system: root, `tmpfs`, `devtmpfs`.
//!
//! A [`node::Node`] is an inode; directories hold their nodes by name
//! (`directory.rs`, `rename.rs`), plain files hold frames (`data.rs`). What changes the
//! tree takes the file system's one sleeping lock, so a rename sees both of
//! its directories at rest; who only looks takes one directory's spin lock.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::stat::{RAMFS_MAGIC, Statfs, TMPFS_MAGIC};
use kernel_core::path::NAME_MAX;

use super::file::File;
use super::inode::{FileSystem, FileType, Inode, NewInode};
use super::permission;
use kernel_machine::mm::frame;

mod data;
mod directory;
mod node;
mod rename;
mod shared;

pub use data::pages;
use node::Node;
use shared::{Shared, check_room};

/// A file system whose files live in RAM only.
pub struct RamFs {
    kind: &'static str,
    shared: Arc<Shared>,
    root: Arc<Node>,
}

impl RamFs {
    /// An empty one; `kind` is what `/proc/mounts` calls it.
    pub fn new(kind: &'static str) -> Arc<Self> {
        let shared = Shared::new();
        let new = NewInode::of_root(FileType::Directory, 0o755);
        let root = Node::new(&shared, &new);
        root.set_parent(&root);
        Arc::new(Self { kind, shared, root })
    }
}

/// A plain file that no name leads to.
pub struct Nameless(Arc<Node>);

impl Nameless {
    /// The file as an inode.
    pub fn inode(&self) -> &dyn Inode {
        &*self.0
    }

    /// The file as an open one.
    pub fn file(&self) -> &dyn File {
        &*self.0
    }

    /// True if it was ever mapped to be shared.
    pub fn is_shared(&self) -> bool {
        self.0.is_shared()
    }
}

impl RamFs {
    /// Makes an empty file without a name, the running process's.
    ///
    /// # Errors
    /// `ENFILE` if memory is short.
    pub fn nameless(&self) -> Result<Nameless, Errno> {
        check_room().map_err(|_| Errno::ENFILE)?;
        let new = NewInode {
            owners: permission::maker().owners(),
            ..NewInode::of_root(FileType::Regular, 0o777)
        };
        let node = Node::new(&self.shared, &new);
        node.unlinked();
        Ok(Nameless(node))
    }
}

impl FileSystem for RamFs {
    fn root(&self) -> Arc<dyn Inode> {
        self.root.clone()
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn statfs(&self) -> Statfs {
        let frames = frame::stats();
        let magic = match self.kind {
            "ramfs" | "rootfs" => RAMFS_MAGIC,
            _ => TMPFS_MAGIC,
        };
        Statfs {
            kind: magic,
            bsize: 4096,
            blocks: frames.total as u64,
            bfree: frames.free as u64,
            bavail: frames.free as u64,
            fsid: [self.shared.device as u32, 0],
            namelen: NAME_MAX as u64,
            frsize: 4096,
            ..Statfs::default()
        }
    }
}

impl Drop for RamFs {
    /// Takes the tree apart level by level: a directory that dropped its
    /// children, which drop theirs, would use stack for each level.
    fn drop(&mut self) {
        let mut waiting: Vec<Arc<Node>> = self.root.take_children();
        while let Some(node) = waiting.pop() {
            waiting.append(&mut node.take_children());
        }
    }
}
