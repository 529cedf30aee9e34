//! Times and resource usage as programs see them.
//!
//! The layouts are aarch64 Linux's, also when this is built for another host.

use crate::Errno;
use crate::structure::structure;

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;

structure! {
    /// `struct timespec`.
    #[derive(PartialOrd, Ord)]
    Timespec 16 {
        /// Seconds.
        sec: i64,
        /// 0 to 999,999,999.
        nsec: i64,
    }
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

structure! {
    /// `struct timeval`.
    Timeval 16 {
        /// Seconds.
        sec: i64,
        /// 0 to 999,999.
        usec: i64,
    }
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

structure! {
    /// `struct itimerval` of `setitimer`.
    Itimerval 32 {
        /// Period, or 0 for once.
        interval: Timeval,
        /// Time until the next expiry, or 0 for off.
        value: Timeval,
    }
}

structure! {
    /// `struct itimerspec` of `timerfd_settime` and `timer_settime`.
    Itimerspec 32 {
        /// Period, or 0 for once.
        interval: Timespec,
        /// Time until the next expiry, or 0 for off.
        value: Timespec,
    }
}

structure! {
    /// `struct tms` of `times`, in ticks of 10 ms.
    Tms 32 {
        /// Own time in user mode.
        utime: i64,
        /// Own time in the kernel.
        stime: i64,
        /// Same of children that were waited for.
        cutime: i64,
        /// Same of children that were waited for.
        cstime: i64,
    }
}

structure! {
    /// `struct rusage` of `getrusage` and `wait4`.
    Rusage 144 {
        /// Time in user mode.
        utime: Timeval,
        /// Time in the kernel.
        stime: Timeval,
        /// Most memory resident, in KiB.
        maxrss: i64,
        /// These are not kept: 0 (ixrss, idrss, isrss).
        unused1: [i64; 3],
        /// Page faults without input.
        minflt: i64,
        /// Page faults with input.
        majflt: i64,
        /// These are not kept: 0 (nswap, inblock, oublock, msgsnd, msgrcv, nsignals).
        unused2: [i64; 6],
        /// Voluntary switches.
        nvcsw: i64,
        /// Involuntary switches.
        nivcsw: i64,
    }
}

structure! {
    /// `struct timex` of `adjtimex` and `clock_adjtime`.
    Timex 208 {
        /// What is to be changed (`ADJ_*`).
        modes: u32,
        /// Not used.
        pad1: u32,
        /// Time offset; µs, or ns with `STA_NANO`.
        offset: i64,
        /// Frequency offset, 65,536ths of a millionth.
        freq: i64,
        /// Largest possible error, µs.
        maxerror: i64,
        /// Estimated error, µs.
        esterror: i64,
        /// `STA_*`.
        status: i32,
        /// Not used.
        pad2: u32,
        /// Time constant of the phase-locked loop.
        constant: i64,
        /// Precision of the clock, µs.
        precision: i64,
        /// Most that `freq` can be.
        tolerance: i64,
        /// The time; µs, or ns with `STA_NANO`.
        time: Timeval,
        /// µs between ticks.
        tick: i64,
        /// A pulse a second is not listened to: 0 (ppsfreq, jitter).
        unused1: [i64; 2],
        /// As `unused1` (shift).
        unused2: [u32; 2],
        /// As `unused1` (stabil, jitcnt, calcnt, errcnt, stbcnt).
        unused3: [i64; 5],
        /// Seconds by which atomic time is ahead.
        tai: i32,
        /// Not used.
        pad3: [u32; 11],
    }
}
