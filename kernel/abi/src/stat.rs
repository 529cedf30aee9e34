//! Files as programs see them: `stat`, `statfs`, directory entries.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::time::Timespec;

/// `struct stat` of `newfstatat` and `fstat`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Stat {
    /// Device of the file system, see [`device_number`].
    pub dev: u64,
    /// Inode number.
    pub ino: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Number of names.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number of a device file.
    pub rdev: u64,
    /// 0.
    pub pad1: u64,
    /// Bytes.
    pub size: i64,
    /// Preferred size of a transfer.
    pub blksize: i32,
    /// 0.
    pub pad2: i32,
    /// Units of 512 bytes that are allocated.
    pub blocks: i64,
    /// Last read.
    pub atime: Timespec,
    /// Last write.
    pub mtime: Timespec,
    /// Last change of the inode.
    pub ctime: Timespec,
    /// 0.
    pub unused: [u32; 2],
}

const _: () = assert!(size_of::<Stat>() == 128);

/// `struct statx_timestamp`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct StatxTime {
    /// Seconds since 1970.
    pub sec: i64,
    /// Nanoseconds beside them.
    pub nsec: u32,
    /// 0.
    pub pad: u32,
}

/// `struct statx`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Statx {
    /// Which fields mean something.
    pub mask: u32,
    /// Preferred size of a transfer.
    pub blksize: u32,
    /// Of `STATX_ATTR_*`.
    pub attributes: u64,
    /// Number of names.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Type and permissions.
    pub mode: u16,
    /// 0.
    pub pad: u16,
    /// Inode number.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Units of 512 bytes that are allocated.
    pub blocks: u64,
    /// Which attributes are known.
    pub attributes_mask: u64,
    /// Last read.
    pub atime: StatxTime,
    /// When it was made; not kept.
    pub btime: StatxTime,
    /// Last change of the inode.
    pub ctime: StatxTime,
    /// Last write.
    pub mtime: StatxTime,
    /// Major and minor number of a device file's device.
    pub rdev: [u32; 2],
    /// Major and minor number of the file system's device.
    pub dev: [u32; 2],
    /// 0.
    pub spare: [u64; 14],
}

const _: () = assert!(size_of::<Statx>() == 256);

/// The fields that `stat` has, too (Linux `STATX_BASIC_STATS`).
pub const STATX_BASIC_STATS: u32 = 0x7ff;

impl Stat {
    /// The same as `statx` gives it.
    pub fn to_statx(&self) -> Statx {
        let time = |time: Timespec| StatxTime {
            sec: time.sec,
            nsec: time.nsec as u32,
            pad: 0,
        };
        Statx {
            mask: STATX_BASIC_STATS,
            blksize: self.blksize as u32,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            mode: self.mode as u16,
            ino: self.ino,
            size: self.size as u64,
            blocks: self.blocks as u64,
            atime: time(self.atime),
            ctime: time(self.ctime),
            mtime: time(self.mtime),
            rdev: device_parts(self.rdev),
            dev: device_parts(self.dev),
            ..Statx::default()
        }
    }
}

/// Major and minor number of what [`device_number`] made.
pub const fn device_parts(number: u64) -> [u32; 2] {
    let minor = number & 0xff | number >> 12 & 0xf_ff00;
    [(number >> 8 & 0xfff) as u32, minor as u32]
}

/// `struct statfs`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Statfs {
    /// Magic number of the file system's kind.
    pub kind: u64,
    /// Size of a block.
    pub bsize: u64,
    /// Blocks in all.
    pub blocks: u64,
    /// Blocks that are free.
    pub bfree: u64,
    /// Blocks that an ordinary user can have.
    pub bavail: u64,
    /// Inodes in all.
    pub files: u64,
    /// Inodes that are free.
    pub ffree: u64,
    /// Identity of the file system.
    pub fsid: [u32; 2],
    /// Longest name.
    pub namelen: u64,
    /// Size of a fragment.
    pub frsize: u64,
    /// Mount flags.
    pub flags: u64,
    /// 0.
    pub spare: [u64; 4],
}

const _: () = assert!(size_of::<Statfs>() == 120);

/// `statfs` magic of a RAM file system.
pub const RAMFS_MAGIC: u64 = 0x8584_58f6;
/// `statfs` magic of a temporary file system.
pub const TMPFS_MAGIC: u64 = 0x0102_1994;
/// `statfs` magic of `/proc`.
pub const PROC_MAGIC: u64 = 0x9fa0;
/// `statfs` magic of `/sys`.
pub const SYSFS_MAGIC: u64 = 0x6265_6572;
/// `statfs` magic of a v1 cgroup hierarchy.
pub const CGROUP_MAGIC: u64 = 0x0027_e0eb;
/// `statfs` magic of the v2 cgroup hierarchy.
pub const CGROUP2_MAGIC: u64 = 0x6367_7270;
/// `statfs` magic of the file system of sockets.
pub const SOCKFS_MAGIC: u64 = 0x534f_434b;
/// `statfs` magic of the pipe file system.
pub const PIPEFS_MAGIC: u64 = 0x5049_5045;

/// `statfs` magic of files without a name.
pub const ANON_INODE_MAGIC: u64 = 0x0904_1934;
/// `f_type` of POSIX message queues.
pub const MQUEUE_MAGIC: u64 = 0x1980_0202;

/// A device number as `stat` carries it: 12 bits of major, 20 of minor.
pub const fn device_number(major: u32, minor: u32) -> u64 {
    let low = (minor & 0xff) | (major & 0xfff) << 8;
    low as u64 | ((minor & 0xf_ff00) as u64) << 12
}

/// Bytes of `struct linux_dirent64` before the name.
pub const DIRENT_HEADER: usize = 19;

/// The size of an entry for a name, with its NUL, in units of 8.
pub const fn dirent_size(name_len: usize) -> usize {
    (DIRENT_HEADER + name_len + 1).next_multiple_of(8)
}

/// One directory entry for `getdents64`.
#[derive(Clone, Copy, Debug)]
pub struct Dirent<'a> {
    /// Inode number.
    pub ino: u64,
    /// Where the next read goes on.
    pub next_offset: u64,
    /// `DT_*`.
    pub kind: u8,
    /// At most 255 bytes, no NUL.
    pub name: &'a [u8],
}

impl Dirent<'_> {
    /// Writes the entry to the start of `buffer`; gives its size, or `None`
    /// without writing if it does not fit.
    pub fn encode(&self, buffer: &mut [u8]) -> Option<usize> {
        let size = dirent_size(self.name.len());
        let entry = buffer.get_mut(..size)?;
        let reclen = u16::try_from(size).ok()?;
        entry[0..8].copy_from_slice(&self.ino.to_le_bytes());
        entry[8..16].copy_from_slice(&self.next_offset.to_le_bytes());
        entry[16..18].copy_from_slice(&reclen.to_le_bytes());
        entry[18] = self.kind;
        let (name, padding) =
            entry[DIRENT_HEADER..].split_at_mut(self.name.len());
        name.copy_from_slice(self.name);
        padding.fill(0);
        Some(size)
    }
}
