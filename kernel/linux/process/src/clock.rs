//! Clocks as programs see them.
//!
//! The monotonic clock counts from the kernel's entry. Real time is a distance
//! from it, which programs may set: the machine's clock chip is read once at
//! boot. Clocks of CPU time are in `clock/cpu.rs`.

use kernel_abi::Errno;

use kernel_files as files;
use kernel_machine::arch;
use kernel_task::Deadline;

pub mod cpu;
pub mod timex;

use cpu::{CpuClock, TICK_NS};

use crate::timer::When;

/// `CLOCK_REALTIME`.
pub const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;
const PROCESS_TIME: u32 = 2;
/// `CLOCK_THREAD_CPUTIME_ID`.
pub const THREAD_TIME: u32 = 3;
const MONOTONIC_RAW: u32 = 4;
const REALTIME_COARSE: u32 = 5;
const MONOTONIC_COARSE: u32 = 6;
const BOOTTIME: u32 = 7;
const REALTIME_ALARM: u32 = 8;
const BOOTTIME_ALARM: u32 = 9;
const TAI: u32 = 11;

/// How fine a clock is, which Linux tells by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// It can be read and slept on.
    Full,
    /// Same; what expires is a wakeup event of a suspended system.
    Alarm,
    /// It can only be read.
    Read,
    /// It can only be read, and is as of the last tick.
    Coarse,
}

/// A clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// Of the day.
    Realtime(Use),
    /// As [`Clock::Realtime`] with `Use::Full`, ahead by seconds that were inserted.
    Tai,
    /// Since boot.
    Monotonic(Use),
    /// Of CPU time; it can be slept on.
    Cpu(CpuClock),
}

impl Clock {
    /// The clock with this number.
    ///
    /// # Errors
    /// `EINVAL` for an unknown clock, and for one of a process that there is
    /// not.
    pub fn named(id: u32) -> Result<Self, Errno> {
        Ok(match id {
            REALTIME => Clock::Realtime(Use::Full),
            REALTIME_COARSE => Clock::Realtime(Use::Coarse),
            REALTIME_ALARM => Clock::Realtime(Use::Alarm),
            TAI => Clock::Tai,
            MONOTONIC | BOOTTIME => Clock::Monotonic(Use::Full),
            MONOTONIC_RAW => Clock::Monotonic(Use::Read),
            MONOTONIC_COARSE => Clock::Monotonic(Use::Coarse),
            BOOTTIME_ALARM => Clock::Monotonic(Use::Alarm),
            PROCESS_TIME => Clock::Cpu(CpuClock::own_process()),
            THREAD_TIME => Clock::Cpu(CpuClock::own_thread()),
            id => Clock::Cpu(CpuClock::named(id as i32)?),
        })
    }

    /// Reads it, ns.
    pub fn read(&self) -> u64 {
        match self {
            Clock::Realtime(_) => realtime_ns(),
            Clock::Tai => realtime_ns().saturating_add_signed(timex::tai_ns()),
            Clock::Monotonic(_) => arch::timer::now_ns(),
            Clock::Cpu(clock) => clock.read(),
        }
    }

    /// Its resolution, ns.
    pub fn resolution(&self) -> u64 {
        match self {
            Clock::Realtime(Use::Coarse) | Clock::Monotonic(Use::Coarse) => {
                TICK_NS
            }
            Clock::Cpu(clock) => clock.resolution(),
            _ => 1,
        }
    }

    /// The moment at which it will read `time_ns`.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for clocks that can only be read, and those of CPU time.
    pub fn deadline(&self, time_ns: u64) -> Result<Deadline, Errno> {
        match self {
            Clock::Realtime(Use::Full | Use::Alarm) => {
                Ok(Deadline::Realtime(time_ns))
            }
            Clock::Tai => {
                let wall_ns = time_ns.saturating_add_signed(-timex::tai_ns());
                Ok(Deadline::Realtime(wall_ns))
            }
            Clock::Monotonic(Use::Full | Use::Alarm) => {
                Ok(Deadline::Monotonic(time_ns))
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// The moment that is meant. What is a time from now does not follow a
    /// clock that is set.
    ///
    /// # Errors
    /// As [`Clock::deadline`].
    pub fn when(&self, when: When) -> Result<Option<Deadline>, Errno> {
        match when {
            When::Off => Ok(None),
            When::In(left_ns) => {
                let now = arch::timer::now_ns();
                let at = now.saturating_add(left_ns);
                self.deadline(0).map(|_| Some(Deadline::Monotonic(at)))
            }
            When::At(time_ns) => self.deadline(time_ns).map(Some),
        }
    }

    /// Whether what expires on it wakes a suspended system.
    pub fn is_alarm(&self) -> bool {
        let (Clock::Realtime(what) | Clock::Monotonic(what)) = self else {
            return false;
        };
        *what == Use::Alarm
    }
}

/// Reads the clock with this number, ns; the usual ones without a [`Clock`].
///
/// # Errors
/// As [`Clock::named`].
#[inline]
pub fn read(id: u32) -> Result<u64, Errno> {
    match id {
        REALTIME | REALTIME_COARSE => Ok(realtime_ns()),
        MONOTONIC | MONOTONIC_RAW | MONOTONIC_COARSE | BOOTTIME => {
            Ok(arch::timer::now_ns())
        }
        id => Clock::named(id).map(|clock| clock.read()),
    }
}

/// Nanoseconds since 1970.
pub fn realtime_ns() -> u64 {
    files::clock::now_ns()
}
