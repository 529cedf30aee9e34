//! The machine and its limits as programs see them; vectors for poll and I/O.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

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

const _: () = assert!(size_of::<Utsname>() == 390);

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

/// `struct sysinfo`.
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
pub struct Sysinfo {
    /// Seconds since boot.
    pub uptime: i64,
    /// Load averages, in units of 1/65536.
    pub loads: [u64; 3],
    /// In units of `mem_unit`, as all sizes here.
    pub totalram: u64,
    /// Memory that nothing uses.
    pub freeram: u64,
    /// Shared between processes.
    pub sharedram: u64,
    /// In buffers.
    pub bufferram: u64,
    /// 0: no swap.
    pub totalswap: u64,
    /// 0: no swap.
    pub freeswap: u64,
    /// Number of tasks.
    pub procs: u16,
    /// 0.
    pub pad: [u16; 3],
    /// 0 on 64-bit machines.
    pub totalhigh: u64,
    /// 0 on 64-bit machines.
    pub freehigh: u64,
    /// Bytes in a unit.
    pub mem_unit: u32,
    /// 0.
    pub pad2: u32,
}

const _: () = assert!(size_of::<Sysinfo>() == 112);

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

/// `struct pollfd`.
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
pub struct Pollfd {
    /// File descriptor; negative entries are skipped.
    pub fd: i32,
    /// What is waited for.
    pub events: i16,
    /// What happened.
    pub revents: i16,
}

/// `struct epoll_event`; not packed on aarch64.
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
pub struct EpollEvent {
    /// `EPOLL*`.
    pub events: u32,
    /// 0.
    pub pad: u32,
    /// The program's own.
    pub data: u64,
}

/// `struct iovec`.
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
pub struct Iovec {
    /// Address.
    pub base: u64,
    /// Bytes.
    pub len: u64,
}

/// `struct robust_list_head`.
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
pub struct RobustListHead {
    /// First entry.
    pub list: u64,
    /// From an entry to its futex.
    pub futex_offset: i64,
    /// The entry being locked or unlocked.
    pub pending: u64,
}
