//! Inodes: files as they lie in a file system, open or not.
//!
//! Every method has a default that answers as a plain file would, so a file
//! system implements only what its inodes can do. Names are bytes without
//! `/` and NUL, at most 255 long; the walk (`walk.rs`) sees to that, and to
//! `.` and `..`. Next: `file.rs`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use kernel_abi::Errno;
use kernel_abi::stat::{Stat, Statfs, device_number};
use kernel_abi::time::Timespec;

use super::file::File;
use super::flags::OpenFlags;
use super::location::Location;
use crate::mm::PageSource;

/// Which inode, in the whole system.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct InodeId {
    /// Device number of the file system.
    pub device: u64,
    /// Number within the file system.
    pub number: u64,
}

/// Number of a device file's device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DeviceNumber {
    /// Kind of device.
    pub major: u32,
    /// Which one of its kind.
    pub minor: u32,
}

impl DeviceNumber {
    /// Puts the two halves together.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// As `stat` carries it.
    pub const fn encode(self) -> u64 {
        device_number(self.major, self.minor)
    }

    /// From what `mknod` gets: 12 bits of major, 20 of minor.
    pub const fn decode(number: u32) -> Self {
        let minor = (number & 0xff) | (number >> 12 & 0xf_ff00);
        Self { major: number >> 8 & 0xfff, minor }
    }
}

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Bytes.
    Regular,
    /// Names of other inodes.
    Directory,
    /// Another name.
    Symlink,
    /// A device that is read and written as a stream.
    Character(DeviceNumber),
    /// A device of blocks.
    Block(DeviceNumber),
    /// A pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// The bits of a mode that say what an inode is (Linux `S_IFMT`).
pub const TYPE_MASK: u32 = 0o170_000;
/// The bits of a mode that may be changed.
pub const PERMISSION_MASK: u32 = 0o7777;

impl Kind {
    /// The `S_IF*` bits of a mode.
    pub const fn mode_bits(self) -> u32 {
        match self {
            Kind::Fifo => 0o010_000,
            Kind::Character(_) => 0o020_000,
            Kind::Directory => 0o040_000,
            Kind::Block(_) => 0o060_000,
            Kind::Regular => 0o100_000,
            Kind::Symlink => 0o120_000,
            Kind::Socket => 0o140_000,
        }
    }

    /// What the bits of a mode say, with `device` for device files; `None`
    /// if they say nothing known.
    pub fn from_mode(mode: u32, device: DeviceNumber) -> Option<Self> {
        Some(match mode & TYPE_MASK {
            0o010_000 => Kind::Fifo,
            0o020_000 => Kind::Character(device),
            0o040_000 => Kind::Directory,
            0o060_000 => Kind::Block(device),
            0o100_000 => Kind::Regular,
            0o120_000 => Kind::Symlink,
            0o140_000 => Kind::Socket,
            _ => return None,
        })
    }

    /// The `DT_*` of a directory entry.
    pub const fn entry_type(self) -> u8 {
        (self.mode_bits() >> 12) as u8
    }

    fn device(self) -> u64 {
        match self {
            Kind::Character(number) | Kind::Block(number) => number.encode(),
            _ => 0,
        }
    }
}

/// What `stat` tells.
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    /// Which inode.
    pub id: InodeId,
    /// What it is.
    pub kind: Kind,
    /// Permissions, set-id and sticky bits.
    pub permissions: u32,
    /// Number of names.
    pub links: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Units of 512 bytes that are allocated.
    pub blocks: u64,
    /// Last read, nanoseconds of wall-clock time.
    pub accessed: u64,
    /// Last write.
    pub modified: u64,
    /// Last change of anything.
    pub changed: u64,
}

impl Metadata {
    /// Of something that has neither size nor history: `now` for all times.
    pub fn of(id: InodeId, kind: Kind, permissions: u32, now: u64) -> Self {
        Self {
            id,
            kind,
            permissions,
            links: if kind == Kind::Directory { 2 } else { 1 },
            uid: 0,
            gid: 0,
            size: 0,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// As a program sees it.
    pub fn stat(&self) -> Stat {
        Stat {
            dev: self.id.device,
            ino: self.id.number,
            mode: self.kind.mode_bits() | self.permissions,
            nlink: self.links,
            uid: self.uid,
            gid: self.gid,
            rdev: self.kind.device(),
            size: self.size as i64,
            blksize: 4096,
            blocks: self.blocks as i64,
            atime: Timespec::from_ns(self.accessed),
            mtime: Timespec::from_ns(self.modified),
            ctime: Timespec::from_ns(self.changed),
            ..Stat::default()
        }
    }
}

/// What `chmod`, `chown` and `utimensat` change; `None` stays.
#[derive(Clone, Copy, Default, Debug)]
pub struct Change {
    /// New permissions.
    pub permissions: Option<u32>,
    /// New owner.
    pub uid: Option<u32>,
    /// New group.
    pub gid: Option<u32>,
    /// New time of last read.
    pub accessed: Option<u64>,
    /// New time of last write.
    pub modified: Option<u64>,
}

/// What is to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewInode<'a> {
    /// What it is to be.
    pub kind: Kind,
    /// Permissions, with the umask applied.
    pub permissions: u32,
    /// Where a symbolic link points.
    pub target: &'a [u8],
}

/// Where a symbolic link leads.
pub enum Link {
    /// To a name.
    Path(Vec<u8>),
    /// Straight to an inode, as `/proc/PID/exe` does.
    Location(Location),
}

/// One name in a directory.
pub struct Entry<'a> {
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

/// A file as it lies in a file system.
pub trait Inode: Any + Send + Sync {
    /// Which one.
    fn id(&self) -> InodeId;

    /// What it is; never changes.
    fn kind(&self) -> Kind;

    /// What `stat` tells.
    fn metadata(&self) -> Metadata;

    /// Changes attributes.
    ///
    /// # Errors
    /// `EPERM` if this file system keeps none.
    fn change(&self, _change: &Change) -> Result<(), Errno> {
        Err(Errno::EPERM)
    }

    /// The directory in which it was last linked, itself for a root; `None`
    /// once it has no name.
    fn parent(&self) -> Option<Arc<dyn Inode>> {
        None
    }

    /// Its name, for inodes outside any tree: `pipe:[7]`.
    fn nameless(&self) -> Option<String> {
        None
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
        _visit: &mut dyn FnMut(&Entry<'_>) -> bool,
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

    /// Its pages, to be mapped.
    fn pages(&self) -> Option<Arc<dyn PageSource>> {
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
    fn options(&self) -> &'static str {
        ""
    }

    /// Sizes and limits, for `statfs`.
    fn statfs(&self) -> Statfs;
}
