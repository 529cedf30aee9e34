//! Flags of open files, and what `poll` reports.

use bitflags::bitflags;

bitflags! {
    /// The flags of `open`, aarch64's numbers (Linux `O_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct OpenFlags: u32 {
        /// Write, but not read.
        const WRITE_ONLY = 0o1;
        /// Read and write.
        const READ_WRITE = 0o2;
        /// Make the file if it is not there.
        const CREATE = 0o100;
        /// Fail if it is there.
        const EXCLUSIVE = 0o200;
        /// Do not make a terminal the controlling one.
        const NO_CONTROLLING_TERMINAL = 0o400;
        /// Cut the file to nothing.
        const TRUNCATE = 0o1000;
        /// Write at the end.
        const APPEND = 0o2000;
        /// Fail where the call would sleep.
        const NON_BLOCKING = 0o4000;
        /// Fail unless it is a directory.
        const DIRECTORY = 0o40_000;
        /// Fail if it is a symbolic link.
        const NO_FOLLOW = 0o100_000;
        /// Reading does not count as access.
        const NO_ACCESS_TIME = 0o1_000_000;
        /// Make a file without a name in this directory; it stands beside
        /// [`OpenFlags::DIRECTORY`].
        const TEMPORARY = 0o20_000_000;
        /// Close it on exec.
        const CLOSE_ON_EXEC = 0o2_000_000;
        /// The file is only a place in the tree, neither read nor written.
        const PATH = 0o10_000_000;
        const _ = !0;
    }
}

impl OpenFlags {
    const ACCESS: u32 = 0o3;
    /// What `fcntl(F_SETFL)` can change.
    pub const SETTABLE: Self =
        Self::APPEND.union(Self::NON_BLOCKING).union(Self::NO_ACCESS_TIME);
    /// What means something beside [`OpenFlags::PATH`].
    pub const OF_PATH: Self = Self::PATH
        .union(Self::DIRECTORY)
        .union(Self::NO_FOLLOW)
        .union(Self::CLOSE_ON_EXEC);
    /// What `fcntl(F_GETFL)` does not show.
    pub(super) const ONCE: Self = Self::CREATE
        .union(Self::EXCLUSIVE)
        .union(Self::NO_CONTROLLING_TERMINAL)
        .union(Self::TRUNCATE)
        .union(Self::CLOSE_ON_EXEC);

    /// True if the file may be read.
    pub fn can_read(self) -> bool {
        self.bits() & Self::ACCESS != 1 && !self.contains(Self::PATH)
    }

    /// True if the file may be written.
    pub fn can_write(self) -> bool {
        self.bits() & Self::ACCESS != 0 && !self.contains(Self::PATH)
    }
}

bitflags! {
    /// What `poll` reports (Linux `POLL*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct PollEvents: u16 {
        /// Something can be read.
        const IN = 0x1;
        /// Something unusual happened.
        const PRIORITY = 0x2;
        /// Something can be written.
        const OUT = 0x4;
        /// The other end is broken.
        const ERROR = 0x8;
        /// The other end is gone.
        const HANG_UP = 0x10;
        /// The descriptor is not open.
        const INVALID = 0x20;
        /// The same as [`PollEvents::IN`].
        const READ_NORMAL = 0x40;
        /// The same as [`PollEvents::OUT`].
        const WRITE_NORMAL = 0x100;
    }
}

impl PollEvents {
    /// A read will not sleep.
    pub const READABLE: Self = Self::IN.union(Self::READ_NORMAL);
    /// A write will not sleep.
    pub const WRITABLE: Self = Self::OUT.union(Self::WRITE_NORMAL);
}
