//! What is known of an inode: its number, its kind, its attributes.

use kernel_abi::stat::{Stat, device_number};
use kernel_abi::time::Timespec;

/// Says which inode it is, in the whole system.
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
    /// FileType of device.
    pub major: u32,
    /// Which one of its kind.
    pub minor: u32,
}

impl DeviceNumber {
    /// Puts the two halves together.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// The number as `stat` carries it.
    pub const fn encode(self) -> u64 {
        device_number(self.major, self.minor)
    }

    /// Makes it from what `mknod` gets: 12 bits of major, 20 of minor.
    pub const fn decode(number: u32) -> Self {
        let minor = (number & 0xff) | (number >> 12 & 0xf_ff00);
        Self { major: number >> 8 & 0xfff, minor }
    }
}

/// What an inode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileType {
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

impl FileType {
    /// The `S_IF*` bits of a mode.
    pub const fn mode_bits(self) -> u32 {
        match self {
            FileType::Fifo => 0o010_000,
            FileType::Character(_) => 0o020_000,
            FileType::Directory => 0o040_000,
            FileType::Block(_) => 0o060_000,
            FileType::Regular => 0o100_000,
            FileType::Symlink => 0o120_000,
            FileType::Socket => 0o140_000,
        }
    }

    /// What the bits of a mode say, with `device` for device files; `None`
    /// if they say nothing known.
    pub fn from_mode(mode: u32, device: DeviceNumber) -> Option<Self> {
        Some(match mode & TYPE_MASK {
            0o010_000 => FileType::Fifo,
            0o020_000 => FileType::Character(device),
            0o040_000 => FileType::Directory,
            0o060_000 => FileType::Block(device),
            0o100_000 => FileType::Regular,
            0o120_000 => FileType::Symlink,
            0o140_000 => FileType::Socket,
            _ => return None,
        })
    }

    /// The `DT_*` of a directory entry.
    pub const fn entry_type(self) -> u8 {
        (self.mode_bits() >> 12) as u8
    }

    fn device(self) -> u64 {
        match self {
            FileType::Character(number) | FileType::Block(number) => {
                number.encode()
            }
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
    pub kind: FileType,
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
    /// Becomes what a change says; `now` is when, nanoseconds of wall-clock time.
    pub fn apply(&mut self, change: &Change, now: u64) {
        self.permissions = change.permissions.unwrap_or(self.permissions);
        self.uid = change.uid.unwrap_or(self.uid);
        self.gid = change.gid.unwrap_or(self.gid);
        self.accessed = change.accessed.unwrap_or(self.accessed);
        self.modified = change.modified.unwrap_or(self.modified);
        self.changed = now;
    }

    /// Tells of something that has neither size nor history: `now` stands
    /// for all times.
    pub fn of(id: InodeId, kind: FileType, permissions: u32, now: u64) -> Self {
        Self {
            id,
            kind,
            permissions,
            links: if kind == FileType::Directory { 2 } else { 1 },
            uid: 0,
            gid: 0,
            size: 0,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// The structure that a program sees.
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

/// To whom an inode belongs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Owners {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
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
    /// The times are the present, which who may write may say, too.
    pub is_touch: bool,
    /// It is a `chown`: a program's file gives no rights afterwards.
    pub is_chown: bool,
}
