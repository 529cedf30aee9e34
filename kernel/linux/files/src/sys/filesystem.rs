//! The tree of `/sys`, of which there is one.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::stat::{SYSFS_MAGIC, Statfs};
use kernel_core::path::NAME_MAX;

use crate::attribute::{Attribute, Tree};
use crate::inode::{FileSystem, Inode};
use crate::mount;

struct SysFs {
    tree: Tree,
}

fn sysfs() -> &'static Arc<SysFs> {
    static SYSFS: spin::Once<Arc<SysFs>> = spin::Once::new();
    SYSFS.call_once(|| {
        Arc::new(SysFs { tree: Tree::new(mount::allocate_device()) })
    })
}

/// The file system, of which there is one.
pub fn filesystem() -> Arc<dyn FileSystem> {
    sysfs().clone()
}

/// Makes the directory `path`, an absolute name that begins with `/sys`.
///
/// # Errors
/// `ENOTDIR` if part of the way is an attribute.
pub fn make_directory(path: &str) -> Result<(), Errno> {
    sysfs().tree.make_directory(relative(path)?)
}

/// Adds the attribute `path`, an absolute name that begins with `/sys`.
///
/// # Errors
/// `EEXIST` if the name is taken, `ENOTDIR` if part of the way is one.
pub fn register(path: &str, attribute: Attribute) -> Result<(), Errno> {
    sysfs().tree.add(relative(path)?, attribute)
}

fn relative(path: &str) -> Result<&str, Errno> {
    path.strip_prefix("/sys/").ok_or(Errno::EINVAL)
}

impl FileSystem for SysFs {
    fn root(&self) -> Arc<dyn Inode> {
        self.tree.root()
    }

    fn kind(&self) -> &'static str {
        "sysfs"
    }

    fn statfs(&self) -> Statfs {
        Statfs {
            kind: SYSFS_MAGIC,
            bsize: 4096,
            frsize: 4096,
            namelen: NAME_MAX as u64,
            ..Statfs::default()
        }
    }
}
