//! Clocks as programs see them.
//!
//! The monotonic clock counts from the kernel's entry. Real time is a fixed
//! distance from it: the machine's clock chip is read once at boot.

use kernel_abi::Errno;

use super::usage::Usage;
use super::{current, thread_usage};
use kernel_files as files;
use kernel_machine::arch;

/// `CLOCK_REALTIME` and its relatives.
pub const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const PROCESS_TIME: u32 = 2;
const THREAD_TIME: u32 = 3;
const MONOTONIC_RAW: u32 = 4;
const REALTIME_COARSE: u32 = 5;
const MONOTONIC_COARSE: u32 = 6;
const BOOTTIME: u32 = 7;
const TAI: u32 = 11;

/// Nanoseconds since 1970.
pub fn realtime_ns() -> u64 {
    files::clock::now_ns()
}

/// Sets real time.
pub fn set_realtime_ns(now: u64) {
    files::clock::set_now_ns(now);
}

/// Reads a clock, ns.
///
/// # Errors
/// `EINVAL` for an unknown clock.
pub fn read(clock: u32) -> Result<u64, Errno> {
    match clock {
        REALTIME | REALTIME_COARSE | TAI => Ok(realtime_ns()),
        MONOTONIC | MONOTONIC_RAW | MONOTONIC_COARSE | BOOTTIME => {
            Ok(arch::timer::now_ns())
        }
        PROCESS_TIME => Ok(total(&current().process.usage())),
        THREAD_TIME => Ok(total(&thread_usage(&current().task()))),
        _ => Err(Errno::EINVAL),
    }
}

fn total(usage: &Usage) -> u64 {
    usage.user_ns + usage.system_ns
}

/// The monotonic time at which `clock` will read `time_ns`, for clocks that
/// can be slept on.
///
/// # Errors
/// `EINVAL` for the others.
pub fn to_monotonic(clock: u32, time_ns: u64) -> Result<u64, Errno> {
    match clock {
        REALTIME | TAI => {
            Ok(time_ns.saturating_sub(files::clock::boot_time_ns()))
        }
        MONOTONIC | BOOTTIME => Ok(time_ns),
        _ => Err(Errno::EINVAL),
    }
}

/// Resolution of a clock, ns.
///
/// # Errors
/// `EINVAL` for an unknown clock.
pub fn resolution(clock: u32) -> Result<u64, Errno> {
    read(clock).map(|_| 1)
}
