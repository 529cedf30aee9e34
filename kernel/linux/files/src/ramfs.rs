//! The RAM file system: root, `tmpfs`, `devtmpfs`.
//!
//! A [`node::Node`] is an inode; directories hold their nodes by name
//! (`directory.rs`, `rename.rs`), plain files hold frames (`data.rs`). What
//! changes the tree takes the file system's one sleeping lock, so a rename sees
//! both of its directories at rest; who only looks takes one directory's spin
//! lock. How much there may be in it: `shared.rs`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::stat::{RAMFS_MAGIC, Statfs, TMPFS_MAGIC};
use kernel_core::memory::quota::{Quota, UNLIMITED};
use kernel_core::path::NAME_MAX;
use kernel_core::tmpfs::Options;

use super::file::File;
use super::inode::{Change, FileSystem, FileType, Inode, NewInode};
use super::permission;
use kernel_machine::mm::frame;

mod data;
mod directory;
mod mapping;
mod node;
mod rename;
mod shared;

pub use data::pages;
use node::Node;
use shared::Shared;
pub use shared::check_room;

/// Permissions of a top directory, where the mount says nothing.
const USUAL_MODE: u32 = 0o755;
/// Those of `tmpfs`, where everybody may put something.
const OPEN_MODE: u32 = 0o1777;

/// A file system whose files live in RAM only.
pub struct RamFs {
    kind: &'static str,
    shared: Arc<Shared>,
    root: Arc<Node>,
}

impl RamFs {
    /// An empty one without options.
    pub fn new(kind: &'static str) -> Arc<Self> {
        Self::make(kind, &Options::default())
    }

    /// An empty one as `options` ask for it; `kind` is what `/proc/mounts`
    /// calls it.
    ///
    /// # Errors
    /// `EINVAL` for options that make no sense; `ramfs` takes any.
    pub fn mounted(
        kind: &'static str,
        options: &[u8],
    ) -> Result<Arc<Self>, Errno> {
        let parsed = Options::parse(options, frame::stats().total);
        Ok(match kind {
            "ramfs" => Self::make(kind, &parsed.unwrap_or_default()),
            _ => Self::make(kind, &parsed?),
        })
    }

    fn make(kind: &'static str, options: &Options) -> Arc<Self> {
        let shared = Shared::new(options, kind != "ramfs");
        let usual = if kind == "tmpfs" { OPEN_MODE } else { USUAL_MODE };
        let permissions = options.mode.unwrap_or(usual);
        let new = NewInode::of_root(FileType::Directory, permissions);
        let root = Node::new(&shared, shared.charge_top(), &new);
        root.set_parent(&root);
        let filesystem = Arc::new(Self { kind, shared, root });
        filesystem.change_top(options);
        filesystem
    }

    /// Changes the top directory as far as `options` say something of it.
    fn change_top(&self, options: &Options) {
        let Options { mode, uid, gid, .. } = *options;
        if mode.or(uid).or(gid).is_none() {
            return;
        }
        let change =
            Change { permissions: mode, uid, gid, ..Change::default() };
        // Nodes in memory keep all attributes.
        let _ = self.root.change(&change);
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

    /// Makes it so long, whatever the running process may write.
    ///
    /// # Errors
    /// `ENOMEM` for what is longer than a file can be.
    pub fn set_size(&self, size: u64) -> Result<(), Errno> {
        self.0.set_size(size)
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
        let new = NewInode {
            owners: permission::maker().owners(),
            ..NewInode::of_root(FileType::Regular, 0o777)
        };
        let charge = self.shared.charge(&new).map_err(|_| Errno::ENFILE)?;
        let node = Node::new(&self.shared, charge, &new);
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

    fn options(&self) -> String {
        self.shared.show_limits()
    }

    fn change_options(&self, options: &[u8]) -> Result<(), Errno> {
        if self.kind == "ramfs" {
            return Ok(());
        }
        let options = Options::parse(options, frame::stats().total)?;
        self.shared.set_limits(&options)?;
        self.change_top(&options);
        Ok(())
    }

    /// What has no limit tells none, as on Linux.
    fn statfs(&self) -> Statfs {
        let magic = match self.kind {
            "ramfs" => RAMFS_MAGIC,
            _ => TMPFS_MAGIC,
        };
        let [blocks, bfree] = figures(&self.shared.pages);
        let [files, ffree] = figures(&self.shared.inodes);
        Statfs {
            kind: magic,
            bsize: 4096,
            blocks,
            bfree,
            bavail: bfree,
            files,
            ffree,
            fsid: [self.shared.device as u32, 0],
            namelen: NAME_MAX as u64,
            frsize: 4096,
            ..Statfs::default()
        }
    }
}

/// How many there may be, and how many more.
fn figures(quota: &Quota) -> [u64; 2] {
    match quota.limit() {
        UNLIMITED => [0, 0],
        limit => [limit as u64, quota.free() as u64],
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
