//! The wall clock, as files and programs use it; it is `kernel_task::clock`'s.

use kernel_abi::time::NS_PER_S;

use super::timerfd;
use kernel_core::wall_clock::Course;
use kernel_machine::drivers::pl031;
use kernel_task::{alarm, clock};

pub use kernel_task::clock::{boot_time_ns, now_ns};

/// Takes the time from the machine's clock, if it has one.
pub fn init() {
    if let Some(seconds) = pl031::read_seconds() {
        set_now_ns(seconds * NS_PER_S);
    }
}

/// Sets the wall clock to `now`, nanoseconds since 1970, and tells all that
/// goes by it.
///
/// # Locks
/// No spin lock may be held.
pub fn set_now_ns(now: u64) {
    clock::set_now_ns(now);
    tell();
}

/// As [`set_now_ns`], so far ahead of what it is; what it gains or loses by
/// and by goes on.
///
/// # Locks
/// No spin lock may be held.
pub fn shift(by_ns: i64) {
    clock::shift(by_ns);
    tell();
}

/// Lets the clock go on otherwise, and tells alarms; it is not set by that.
/// Callers take turns.
///
/// # Locks
/// No spin lock may be held.
pub fn set_course(new: Course) {
    clock::set_course(new);
    alarm::clock_was_changed();
}

fn tell() {
    alarm::clock_was_changed();
    timerfd::clock_was_set();
}
