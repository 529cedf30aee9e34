//! Files as programs see them: `stat`, `statfs`, directory entries.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use crate::structure::structure;
use crate::time::Timespec;

structure! {
    /// `struct stat` of `newfstatat` and `fstat`.
    Stat 128 {
        /// Device of the file system, see [`device_number`].
        dev: u64,
        /// Inode number.
        ino: u64,
        /// Type and permissions.
        mode: u32,
        /// Number of names.
        nlink: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Device number of a device file.
        rdev: u64,
        /// 0.
        pad1: u64,
        /// Bytes.
        size: i64,
        /// Preferred size of a transfer.
        blksize: i32,
        /// 0.
        pad2: i32,
        /// Units of 512 bytes that are allocated.
        blocks: i64,
        /// Last read.
        atime: Timespec,
        /// Last write.
        mtime: Timespec,
        /// Last change of the inode.
        ctime: Timespec,
        /// 0.
        unused: [u32; 2],
    }
}

structure! {
    /// `struct statx_timestamp`.
    StatxTime 16 {
        /// Seconds since 1970.
        sec: i64,
        /// Nanoseconds beside them.
        nsec: u32,
        /// 0.
        pad: u32,
    }
}

structure! {
    /// `struct statx`.
    Statx 256 {
        /// Which fields mean something.
        mask: u32,
        /// Preferred size of a transfer.
        blksize: u32,
        /// Of `STATX_ATTR_*`.
        attributes: u64,
        /// Number of names.
        nlink: u32,
        /// Owner.
        uid: u32,
        /// Group.
        gid: u32,
        /// Type and permissions.
        mode: u16,
        /// 0.
        pad: u16,
        /// Inode number.
        ino: u64,
        /// Bytes.
        size: u64,
        /// Units of 512 bytes that are allocated.
        blocks: u64,
        /// Which attributes are known.
        attributes_mask: u64,
        /// Last read.
        atime: StatxTime,
        /// When it was made; not kept.
        btime: StatxTime,
        /// Last change of the inode.
        ctime: StatxTime,
        /// Last write.
        mtime: StatxTime,
        /// Major and minor number of a device file's device.
        rdev: [u32; 2],
        /// Major and minor number of the file system's device.
        dev: [u32; 2],
        /// 0.
        spare: [u64; 14],
    }
}

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

structure! {
    /// `struct statfs`.
    Statfs 120 {
        /// Magic number of the file system's kind.
        kind: u64,
        /// Size of a block.
        bsize: u64,
        /// Blocks in all.
        blocks: u64,
        /// Blocks that are free.
        bfree: u64,
        /// Blocks that an ordinary user can have.
        bavail: u64,
        /// Inodes in all.
        files: u64,
        /// Inodes that are free.
        ffree: u64,
        /// Identity of the file system.
        fsid: [u32; 2],
        /// Longest name.
        namelen: u64,
        /// Size of a fragment.
        frsize: u64,
        /// Mount flags.
        flags: u64,
        /// 0.
        spare: [u64; 4],
    }
}

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
/// `statfs` type of `devpts`.
pub const DEVPTS_MAGIC: u64 = 0x1cd1;

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
