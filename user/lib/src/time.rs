//! Clocks and sleep.

use core::ops::{Add, Sub};

use crate::file::{Plain, filled};
use crate::linux::{
    __NR_clock_getres, __NR_clock_gettime, __NR_clock_nanosleep,
    __NR_clock_settime, __NR_nanosleep, CLOCK_MONOTONIC, CLOCK_REALTIME,
};
use crate::syscall::{call2, call4};
use crate::{Errno, Result};

const NANOS: i64 = 1_000_000_000;

/// Seconds and nanoseconds, laid out as Linux's `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Time {
    /// Whole seconds.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: i64,
}

// SAFETY: integers only.
unsafe impl Plain for Time {}

impl Time {
    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { seconds: nanos / NANOS, nanoseconds: nanos % NANOS }
    }

    /// From milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_nanos(millis * 1_000_000)
    }

    /// As nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.seconds * NANOS + self.nanoseconds
    }
}

impl Add for Time {
    type Output = Time;

    fn add(self, other: Time) -> Time {
        Time::from_nanos(self.as_nanos() + other.as_nanos())
    }
}

impl Sub for Time {
    type Output = Time;

    fn sub(self, other: Time) -> Time {
        Time::from_nanos(self.as_nanos() - other.as_nanos())
    }
}

/// What a clock (`CLOCK_MONOTONIC` …) says.
///
/// # Errors
/// `EINVAL` for a clock that there is not.
#[inline(always)]
pub fn read(clock: u32) -> Result<Time> {
    filled(|place| {
        // SAFETY: `place` has room for a time.
        unsafe { call2(__NR_clock_gettime, clock as usize, place) }
    })
}

/// The smallest step of a clock.
///
/// # Errors
/// `EINVAL` for a clock that there is not.
pub fn resolution(clock: u32) -> Result<Time> {
    filled(|place| {
        // SAFETY: `place` has room for a time.
        unsafe { call2(__NR_clock_getres, clock as usize, place) }
    })
}

/// Sets the wall clock.
///
/// # Errors
/// Those of `clock_settime(2)`.
pub fn set_wall_clock(time: Time) -> Result<()> {
    let place = &raw const time as usize;
    let clock = CLOCK_REALTIME as usize;
    // SAFETY: the kernel reads `time`.
    unsafe { call2(__NR_clock_settime, clock, place) }.map(drop)
}

/// Time since some start, which nothing sets back.
pub fn monotonic() -> Time {
    read(CLOCK_MONOTONIC).unwrap_or_default()
}

/// Sleeps; on `EINTR` gives the time that was left.
///
/// # Errors
/// The error and the rest.
pub fn try_sleep(duration: Time) -> core::result::Result<(), (Errno, Time)> {
    let mut rest = Time::default();
    let wanted = &raw const duration as usize;
    let place = &raw mut rest as usize;
    // SAFETY: the kernel reads one time and writes the other.
    match unsafe { call2(__NR_nanosleep, wanted, place) } {
        Ok(_) => Ok(()),
        Err(error) => Err((error, rest)),
    }
}

/// Sleeps the whole time, whatever signals arrive.
pub fn sleep(duration: Time) {
    let mut rest = duration;
    while let Err((Errno::EINTR, left)) = try_sleep(rest) {
        rest = left;
    }
}

/// Sleeps until the monotonic clock says `time`.
///
/// # Errors
/// `EINTR`.
pub fn sleep_until(time: Time) -> Result<()> {
    const ABSOLUTE: usize = crate::linux::TIMER_ABSTIME as usize;
    let place = &raw const time as usize;
    let clock = CLOCK_MONOTONIC as usize;
    // SAFETY: the kernel reads `time`.
    unsafe { call4(__NR_clock_nanosleep, clock, ABSOLUTE, place, 0) }.map(drop)
}
