//! The monotonic clock, read without a system call.

use user_lib::cpu::{counter, counter_frequency};
use user_lib::time::monotonic;

/// How the counter's ticks become the kernel's nanoseconds.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Nanoseconds per tick, times 2^32.
    scale: u64,
    /// What the clock said when the counter was 0, in nanoseconds.
    start: i64,
    /// How far the result may be from the clock, in nanoseconds.
    pub error: u64,
}

impl Clock {
    /// Compares counter and clock many times and keeps the closest bounds.
    pub fn new() -> Self {
        let scale = (1_000_000_000 << 32) / counter_frequency();
        let (mut low, mut high) = (i64::MIN, i64::MAX);
        for _ in 0..1000 {
            let before = monotonic().as_nanos();
            let ticks = scaled(counter(), scale) as i64;
            let after = monotonic().as_nanos();
            low = low.max(before - ticks);
            high = high.min(after - ticks);
        }
        // One tick of rounding on each side.
        let error = (high - low).max(0) as u64 / 2 + 2 * (scale >> 32);
        Self { scale, start: low + (high - low) / 2, error }
    }

    /// The time in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        (scaled(counter(), self.scale) as i64 + self.start) as u64
    }
}

#[inline]
fn scaled(ticks: u64, scale: u64) -> u64 {
    ((u128::from(ticks) * u128::from(scale)) >> 32) as u64
}
