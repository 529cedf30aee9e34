//! What one worker leaves in shared memory: how often it ran, and when.
//!
//! Time is cut into buckets of 33 us; of each the first and the last moment
//! the worker ran are kept, for the last half second. That is enough to tell
//! exactly whether it ran between two moments that are not in one bucket.

use core::sync::atomic::{AtomicU64, Ordering};

use user_lib::{Result, memory};

use super::clock::Clock;

/// Nanoseconds of a bucket, as a power of two.
const SHIFT: u32 = 15;
const BUCKETS: usize = 1 << 14;

/// The shortest span that [`Slot::ran_within`] can judge, in nanoseconds.
pub const SHORTEST: u64 = 2 << SHIFT;

/// One worker's place.
#[derive(Clone, Copy)]
pub struct Slot {
    clock: Clock,
    count: &'static AtomicU64,
    /// First and last moment of each bucket, alternating.
    moments: &'static [AtomicU64],
}

impl Slot {
    /// A new place; it stays until the process ends.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new(clock: Clock) -> Result<Self> {
        let values = memory::shared_values(1 + 2 * BUCKETS)?;
        let (count, moments) = (&values[0], &values[1..]);
        Ok(Self { clock, count, moments })
    }

    /// The worker runs now.
    #[inline]
    pub fn tick(&self) {
        let now = self.clock.now();
        let index = bucket(now);
        let (first, last) = (&self.moments[index], &self.moments[index + 1]);
        if last.load(Ordering::Relaxed) >> SHIFT != now >> SHIFT {
            first.store(now, Ordering::Relaxed);
        }
        last.store(now, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Release);
    }

    /// How often it ran.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// A moment strictly between `from` and `to` at which the worker ran.
    pub fn ran_within(&self, from: u64, to: u64) -> Option<u64> {
        let from = from.max(to.saturating_sub((BUCKETS as u64) << SHIFT));
        let mut buckets = (from >> SHIFT)..=(to >> SHIFT);
        buckets.find_map(|number| {
            let index = bucket(number << SHIFT);
            let moments = self.moments[index..index + 2].iter();
            let mut moments = moments.map(|it| it.load(Ordering::Relaxed));
            moments.find(|&moment| from < moment && moment < to)
        })
    }
}

/// Index of the bucket's first moment.
#[inline]
fn bucket(time: u64) -> usize {
    (time >> SHIFT) as usize % BUCKETS * 2
}
