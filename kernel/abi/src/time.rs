//! Times and resource usage as programs see them.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::Errno;

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
pub struct Timespec {
    /// Seconds.
    pub sec: i64,
    /// 0 to 999,999,999.
    pub nsec: i64,
}

impl Timespec {
    /// From nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        let sec = (ns / NS_PER_S) as i64;
        Timespec { sec, nsec: (ns % NS_PER_S) as i64 }
    }

    /// In nanoseconds; the far future if that does not fit.
    ///
    /// # Errors
    /// `EINVAL` for a negative time or nanoseconds out of range.
    pub fn to_ns(self) -> Result<u64, Errno> {
        let sec = u64::try_from(self.sec).map_err(|_| Errno::EINVAL)?;
        match u64::try_from(self.nsec) {
            Ok(nsec) if nsec < NS_PER_S => {
                Ok(sec.saturating_mul(NS_PER_S).saturating_add(nsec))
            }
            _ => Err(Errno::EINVAL),
        }
    }
}

/// `struct timeval`.
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
pub struct Timeval {
    /// Seconds.
    pub sec: i64,
    /// 0 to 999,999.
    pub usec: i64,
}

impl Timeval {
    /// From nanoseconds, rounded down.
    pub const fn from_ns(ns: u64) -> Self {
        let sec = (ns / NS_PER_S) as i64;
        Timeval { sec, usec: (ns % NS_PER_S / 1000) as i64 }
    }

    /// In nanoseconds; the far future if that does not fit.
    ///
    /// # Errors
    /// `EINVAL` for a negative time or microseconds out of range.
    pub fn to_ns(self) -> Result<u64, Errno> {
        if !(0..1_000_000).contains(&self.usec) {
            return Err(Errno::EINVAL);
        }
        Timespec { sec: self.sec, nsec: self.usec * 1000 }.to_ns()
    }
}

/// `struct itimerval` of `setitimer`.
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
pub struct Itimerval {
    /// Period, or 0 for once.
    pub interval: Timeval,
    /// Time until the next expiry, or 0 for off.
    pub value: Timeval,
}

/// `struct itimerspec` of `timerfd_settime` and `timer_settime`.
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
pub struct Itimerspec {
    /// Period, or 0 for once.
    pub interval: Timespec,
    /// Time until the next expiry, or 0 for off.
    pub value: Timespec,
}

/// `struct tms` of `times`, in ticks of 10 ms.
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
pub struct Tms {
    /// Own time in user mode.
    pub utime: i64,
    /// Own time in the kernel.
    pub stime: i64,
    /// Same of children that were waited for.
    pub cutime: i64,
    /// Same of children that were waited for.
    pub cstime: i64,
}

/// `struct rusage` of `getrusage` and `wait4`.
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
pub struct Rusage {
    /// Time in user mode.
    pub utime: Timeval,
    /// Time in the kernel.
    pub stime: Timeval,
    /// Most memory resident, in KiB.
    pub maxrss: i64,
    /// These are not kept: 0 (ixrss, idrss, isrss).
    pub unused1: [i64; 3],
    /// Page faults without input.
    pub minflt: i64,
    /// Page faults with input.
    pub majflt: i64,
    /// These are not kept: 0 (nswap, inblock, oublock, msgsnd, msgrcv, nsignals).
    pub unused2: [i64; 6],
    /// Voluntary switches.
    pub nvcsw: i64,
    /// Involuntary switches.
    pub nivcsw: i64,
}

const _: () = assert!(size_of::<Rusage>() == 144);

/// `struct timex` of `adjtimex` and `clock_adjtime`.
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
pub struct Timex {
    /// What is to be changed (`ADJ_*`).
    pub modes: u32,
    /// Not used.
    pub pad1: u32,
    /// Time offset; µs, or ns with `STA_NANO`.
    pub offset: i64,
    /// Frequency offset, 65,536ths of a millionth.
    pub freq: i64,
    /// Largest possible error, µs.
    pub maxerror: i64,
    /// Estimated error, µs.
    pub esterror: i64,
    /// `STA_*`.
    pub status: i32,
    /// Not used.
    pub pad2: u32,
    /// Time constant of the phase-locked loop.
    pub constant: i64,
    /// Precision of the clock, µs.
    pub precision: i64,
    /// Most that `freq` can be.
    pub tolerance: i64,
    /// The time; µs, or ns with `STA_NANO`.
    pub time: Timeval,
    /// µs between ticks.
    pub tick: i64,
    /// A pulse a second is not listened to: 0 (ppsfreq, jitter).
    pub unused1: [i64; 2],
    /// As `unused1` (shift).
    pub unused2: [u32; 2],
    /// As `unused1` (stabil, jitcnt, calcnt, errcnt, stbcnt).
    pub unused3: [i64; 5],
    /// Seconds by which atomic time is ahead.
    pub tai: i32,
    /// Not used.
    pub pad3: [u32; 11],
}

const _: () = assert!(size_of::<Timex>() == 208);
