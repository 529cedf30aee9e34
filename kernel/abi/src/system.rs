//! The machine and its limits as programs see them; vectors for poll and I/O.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::structure::structure;

/// `struct new_utsname` of `uname`; every field ends with a NUL.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Utsname {
    /// Name of the system.
    pub sysname: [u8; 65],
    /// Name of this machine.
    pub nodename: [u8; 65],
    /// Release of the kernel.
    pub release: [u8; 65],
    /// Version of the kernel.
    pub version: [u8; 65],
    /// Kind of the machine.
    pub machine: [u8; 65],
    /// NIS domain.
    pub domainname: [u8; 65],
}

impl Utsname {
    /// A field that holds `text`, cut to 64 bytes.
    pub const fn field(text: &str) -> [u8; 65] {
        let mut field = [0; 65];
        let mut at = 0;
        while at < text.len() && at < 64 {
            field[at] = text.as_bytes()[at];
            at += 1;
        }
        field
    }
}

structure! {
    /// `struct sysinfo`.
    Sysinfo 112 {
        /// Seconds since boot.
        uptime: i64,
        /// Load averages, in units of 1/65536.
        loads: [u64; 3],
        /// In units of `mem_unit`, as all sizes here.
        totalram: u64,
        /// Memory that nothing uses.
        freeram: u64,
        /// Shared between processes.
        sharedram: u64,
        /// In buffers.
        bufferram: u64,
        /// 0: no swap.
        totalswap: u64,
        /// 0: no swap.
        freeswap: u64,
        /// Number of tasks.
        procs: u16,
        /// 0.
        pad: [u16; 3],
        /// 0 on 64-bit machines.
        totalhigh: u64,
        /// 0 on 64-bit machines.
        freehigh: u64,
        /// Bytes in a unit.
        mem_unit: u32,
        /// 0.
        pad2: u32,
    }
}

/// `struct rlimit64` of `prlimit64`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Rlimit {
    /// What is enforced.
    pub current: u64,
    /// How far it may be raised.
    pub maximum: u64,
}

/// The limit that limits nothing.
pub const RLIM_INFINITY: u64 = u64::MAX;

structure! {
    /// `struct pollfd`.
    Pollfd 8 {
        /// File descriptor; negative entries are skipped.
        fd: i32,
        /// What is waited for.
        events: i16,
        /// What happened.
        revents: i16,
    }
}

structure! {
    /// `struct epoll_event`; not packed on aarch64.
    EpollEvent 16 {
        /// `EPOLL*`.
        events: u32,
        /// 0.
        pad: u32,
        /// The program's own.
        data: u64,
    }
}

structure! {
    /// `struct iovec`.
    Iovec 16 {
        /// Address.
        base: u64,
        /// Bytes.
        len: u64,
    }
}

structure! {
    /// `struct robust_list_head`.
    RobustListHead 24 {
        /// First entry.
        list: u64,
        /// From an entry to its futex.
        futex_offset: i64,
        /// The entry being locked or unlocked.
        pending: u64,
    }
}
