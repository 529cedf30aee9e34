//! The distance between the clocks, for who takes no lock, and how often it was
//! changed.
//!
//! ```text
//!  who sets the clock                  who goes by it
//!  ------------------                  --------------
//!  distance := new                     read the count
//!  count += 1        (CountRelease)      (CountAcquire)
//!  wake who goes by it                 read the distance, sleep by it
//!                                      woken: another count? once more
//! ```
//!
//! Whoever reads the new count reads the new distance. So one that goes by the
//! old distance finds another count than before once it is woken. Model
//! `who_has_seen_that_the_clock_was_set_reads_the_new_time`.

use crate::sync::{AtomicU64, Ordering, const_new};

#[cfg(all(test, loom))]
mod model;

/// The steps that make it right; the model fails without either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    CountRelease,
    CountAcquire,
}

/// How the clock is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It reads another time at once.
    Set,
    /// It goes on otherwise.
    Course,
}

/// The distance, and how often it was changed.
pub struct Distance {
    ns: AtomicU64,
    changes: AtomicU64,
    times_set: AtomicU64,
}

impl Distance {
    const_new! {
        /// None, and it was never changed.
        pub fn new() -> Self {
            Self {
                ns: AtomicU64::new(0),
                changes: AtomicU64::new(0),
                times_set: AtomicU64::new(0),
            }
        }
    }

    /// Nanoseconds, as things stand.
    #[inline]
    pub fn ns(&self) -> u64 {
        self.ns.load(Ordering::Relaxed)
    }

    /// How often the clock was changed, in whatever way.
    pub fn changes(&self) -> u64 {
        self.changes_without(None)
    }

    fn changes_without(&self, without: Option<Step>) -> u64 {
        self.changes.load(order(Step::CountAcquire, without))
    }

    /// How often it was set.
    pub fn times_set(&self) -> u64 {
        self.times_set_without(None)
    }

    fn times_set_without(&self, without: Option<Step>) -> u64 {
        self.times_set.load(order(Step::CountAcquire, without))
    }

    /// The clock does not change by this: it is known for good.
    pub fn settle(&self, ns: u64) {
        self.ns.store(ns, Ordering::Relaxed);
    }

    /// The clock changes. Callers take turns.
    pub fn change(&self, ns: u64, change: Change) {
        self.change_without(ns, change, None);
    }

    fn change_without(&self, ns: u64, change: Change, without: Option<Step>) {
        let release = order(Step::CountRelease, without);
        self.ns.store(ns, Ordering::Relaxed);
        self.changes.fetch_add(1, release);
        if change == Change::Set {
            self.times_set.fetch_add(1, release);
        }
    }
}

impl Default for Distance {
    fn default() -> Self {
        Self::new()
    }
}

/// The order of a step, which a model may leave out.
#[inline(always)]
fn order(step: Step, without: Option<Step>) -> Ordering {
    match step {
        _ if without == Some(step) => Ordering::Relaxed,
        Step::CountRelease => Ordering::Release,
        Step::CountAcquire => Ordering::Acquire,
    }
}
