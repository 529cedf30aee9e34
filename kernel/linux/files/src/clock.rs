//! Wall-clock time of file systems: monotonic time and an offset.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::time::NS_PER_S;

use kernel_machine::arch;
use kernel_machine::drivers::pl031;

/// Nanoseconds since 1970 at the moment when the monotonic clock was 0.
static BOOT_TIME: AtomicU64 = AtomicU64::new(0);

/// Takes the time from the machine's clock, if it has one.
pub fn init() {
    if let Some(seconds) = pl031::read_seconds() {
        set_now_ns(seconds * NS_PER_S);
    }
}

/// Nanoseconds since 1970.
pub fn now_ns() -> u64 {
    BOOT_TIME.load(Relaxed).saturating_add(arch::timer::now_ns())
}

/// Nanoseconds since 1970 at boot.
pub fn boot_time_ns() -> u64 {
    BOOT_TIME.load(Relaxed)
}

/// Sets the wall clock to `now`, nanoseconds since 1970.
pub fn set_now_ns(now: u64) {
    let boot = now.saturating_sub(arch::timer::now_ns());
    BOOT_TIME.store(boot, Relaxed);
}
