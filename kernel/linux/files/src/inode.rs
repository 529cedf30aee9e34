//! Inodes: files as they lie in a file system, open or not.
//!
//! Every method has a default that answers as a plain file would, so a file
//! system implements only what its inodes can do. Names are bytes without
//! `/` and NUL, at most 255 long; the walk (`walk.rs`) sees to that, and to
//! `.` and `..`.
//!
//! A link may lead to a [`Location`], which names a [`Mount`], which holds
//! inodes: so these types stand together here, and what mounts and locations
//! can do in `mount.rs` and `location.rs`. Next: `file.rs`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU32};

use kernel_abi::Errno;
use kernel_abi::stat::Statfs;

use super::file::File;
use super::flags::OpenFlags;
use super::write_count::WriteCount;
use kernel_machine::mm::PageSource;

mod metadata;

pub use metadata::{
    Change, DeviceNumber, FileType, InodeId, Metadata, Owners, PERMISSION_MASK,
    TYPE_MASK,
};

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewInode<'a> {
    /// What it is to be.
    pub kind: FileType,
    /// Permissions, with the umask applied.
    pub permissions: u32,
    /// Where a symbolic link points.
    pub target: &'a [u8],
    /// Whose it is.
    pub owners: Owners,
}

impl NewInode<'_> {
    /// Something of root's that is no symbolic link.
    pub const fn of_root(kind: FileType, permissions: u32) -> Self {
        let owners = Owners { uid: 0, gid: 0 };
        Self { kind, permissions, target: b"", owners }
    }
}

/// Where a symbolic link leads.
pub enum Link {
    /// It leads to a name.
    Path(Vec<u8>),
    /// It leads straight to an inode, as `/proc/PID/exe` does.
    Location(Location),
}

/// One name in a directory.
pub struct DirectoryEntry<'a> {
    /// The name.
    pub name: &'a [u8],
    /// Number of the inode.
    pub number: u64,
    /// `DT_*`.
    pub entry_type: u8,
    /// Where a later read goes on after this entry.
    pub next: u64,
}

/// First position after `.` and `..`, which the caller of
/// [`Inode::read_directory`] makes itself.
pub const FIRST_ENTRY: u64 = 2;

/// What a rename does with an existing target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replace {
    /// It is replaced.
    Yes,
    /// The rename fails with `EEXIST` (Linux `RENAME_NOREPLACE`).
    No,
    /// The two change places (Linux `RENAME_EXCHANGE`).
    Exchange,
}

/// What a part of a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Bytes that were written, or may have been.
    Data,
    /// Zeros that take no room; the end of the file counts as one.
    Hole,
}

/// Says what is to change of something with these attributes.
pub type Decide<'a> = dyn Fn(&Metadata) -> Result<Change, Errno> + 'a;

/// A file as it lies in a file system.
pub trait Inode: Any + Send + Sync {
    /// Says which one it is.
    fn id(&self) -> InodeId;

    /// What it is; never changes.
    fn kind(&self) -> FileType;

    /// What `stat` tells.
    fn metadata(&self) -> Metadata;

    /// Changes attributes.
    ///
    /// # Errors
    /// `EPERM` if this file system keeps none.
    fn change(&self, _change: &Change) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Changes attributes to what `decide` makes of those that there are: they
    /// are the same when they change.
    ///
    /// # Locks
    /// `decide` may be called with a spin lock held.
    ///
    /// # Errors
    /// Those of `decide`; as [`Inode::change`].
    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        self.change(&decide(&self.metadata())?)
    }

    /// The directory in which it was last linked, itself for a root; `None`
    /// once it has no name.
    fn parent(&self) -> Option<Arc<dyn Inode>> {
        None
    }

    /// True if its watches end with it, not with its last name.
    fn ends_watches(&self) -> bool {
        false
    }

    /// Its name, for inodes outside any tree: `pipe:[7]`.
    fn nameless(&self) -> Option<String> {
        None
    }

    /// True for what is the running process's own whatever its bits say:
    /// `/proc/self/fd`.
    fn is_own(&self) -> bool {
        false
    }

    /// Finds a name in a directory.
    ///
    /// # Errors
    /// `ENOTDIR`, `ENOENT`.
    fn lookup(&self, _name: &[u8]) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::ENOTDIR)
    }

    /// Makes an inode and its name in a directory.
    ///
    /// # Errors
    /// `EEXIST`; `ENOSPC` without memory; `EPERM` where nothing can be made.
    fn create(
        &self,
        _name: &[u8],
        _new: &NewInode<'_>,
    ) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::EPERM)
    }

    /// Gives `target`, of the same file system, one more name.
    ///
    /// # Errors
    /// `EEXIST`, `EPERM` for directories, `EXDEV`.
    fn link(
        &self,
        _name: &[u8],
        _target: &Arc<dyn Inode>,
    ) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Takes a name away.
    ///
    /// # Errors
    /// `ENOENT`, `EISDIR`.
    fn unlink(&self, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Takes an empty directory away.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ENOTEMPTY`.
    fn remove_directory(&self, _name: &[u8]) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Moves a name into `directory`, of the same file system.
    ///
    /// # Errors
    /// Those of Linux's `rename(2)`.
    fn rename(
        &self,
        _name: &[u8],
        _directory: &Arc<dyn Inode>,
        _new_name: &[u8],
        _replace: Replace,
    ) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// `EINVAL` for anything else.
    fn read_link(&self) -> Result<Link, Errno> {
        Err(Errno::EINVAL)
    }

    /// Gives the entries at and after `position`, in order, until there are
    /// no more or `visit` says false. Positions start at [`FIRST_ENTRY`] and
    /// stay right while other names come and go.
    ///
    /// # Locks
    /// `visit` may be called with a spin lock held.
    ///
    /// # Errors
    /// `ENOTDIR`.
    fn read_directory(
        &self,
        _position: u64,
        _visit: &mut dyn FnMut(&DirectoryEntry<'_>) -> bool,
    ) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// The machinery to read and write it.
    ///
    /// # Errors
    /// `ENXIO` for a device that is not there.
    fn open(&self, flags: OpenFlags) -> Result<Arc<dyn File>, Errno>;

    /// Cuts or extends it.
    ///
    /// # Errors
    /// `EINVAL` for anything but a plain file, `EFBIG`.
    fn truncate(&self, _size: u64) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Where `wanted` begins, at or after `from`: a file whose holes nobody
    /// knows is all bytes.
    ///
    /// # Errors
    /// `ENXIO` behind the end.
    fn find_extent(&self, from: u64, wanted: Extent) -> Result<u64, Errno> {
        let size = self.metadata().size;
        match (from < size, wanted) {
            (false, _) => Err(Errno::ENXIO),
            (true, Extent::Data) => Ok(from),
            (true, Extent::Hole) => Ok(size),
        }
    }

    /// Makes a hole.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for what has no holes, `EPERM` for what is sealed.
    fn punch(&self, _range: Range<u64>) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives all of a range pages, which are zeros where there were none, and
    /// makes the file long enough for it, unless it `keeps_size`. What fails
    /// has changed nothing.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for what keeps no pages, `EPERM` for what is sealed,
    /// `EFBIG`, `ENOSPC`; `EINTR` if the task is to end first.
    fn allocate(
        &self,
        _range: Range<u64>,
        _keeps_size: bool,
    ) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Makes a plain file without a name, of the file system of this
    /// directory; it may get one by [`Inode::link`] if `is_linkable`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` where files need names; `ENOSPC`.
    fn create_nameless(
        &self,
        _new: &NewInode<'_>,
        _is_linkable: bool,
    ) -> Result<Arc<dyn Inode>, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Its pages, to be mapped.
    fn pages(&self) -> Option<Arc<dyn PageSource>> {
        None
    }

    /// Its pages, to be mapped so that all see what one stores, and what is
    /// written; `may_write` if the mapping may ever be stored to.
    ///
    /// # Errors
    /// `ENODEV` if it has none; `EPERM` if it must not be written.
    fn shared_pages(
        &self,
        _may_write: bool,
    ) -> Result<Arc<dyn PageSource>, Errno> {
        self.pages().ok_or(Errno::ENODEV)
    }

    /// Who writes and who runs it, for files that can be run.
    fn write_count(&self) -> Option<&WriteCount> {
        None
    }
}

/// A file system: a tree of inodes.
pub trait FileSystem: Send + Sync {
    /// The top directory.
    fn root(&self) -> Arc<dyn Inode>;

    /// Its type, as `mount` and `/proc/mounts` name it.
    fn kind(&self) -> &'static str;

    /// Its own options, as `/proc/mounts` shows them: each after a comma.
    fn options(&self) -> String {
        String::new()
    }

    /// Takes the options of a mount that changes.
    ///
    /// # Errors
    /// `EINVAL` if they make no sense, or do not fit what is there.
    fn change_options(&self, _options: &[u8]) -> Result<(), Errno> {
        Ok(())
    }

    /// Sizes and limits, for `statfs`.
    fn statfs(&self) -> Statfs;
}

/// A file system, or a part of it, in its place.
pub struct Mount {
    pub(super) id: u32,
    /// The file system.
    pub filesystem: Arc<dyn FileSystem>,
    pub(super) root: Arc<dyn Inode>,
    pub(super) flags: AtomicU32,
    /// What was named as the device.
    pub source: String,
    /// The directory that it covers; `None` for the root of everything and
    /// for mounts without a name.
    pub(super) place: Option<Location>,
    pub(super) is_attached: AtomicBool,
}

/// An inode as seen through a mount.
#[derive(Clone)]
pub struct Location {
    /// Through which mount.
    pub mount: Arc<Mount>,
    /// Which inode.
    pub inode: Arc<dyn Inode>,
}
