//! How much of something there may be, and how much there is.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// Stands for as much as one likes.
pub const UNLIMITED: usize = usize::MAX;

/// A count with a limit. Both may change at any time; whoever takes and gives
/// back needs no lock.
#[derive(Debug)]
pub struct Quota {
    limit: AtomicUsize,
    used: AtomicUsize,
}

impl Quota {
    /// Nothing is taken yet.
    pub const fn new(limit: usize) -> Self {
        Self { limit: AtomicUsize::new(limit), used: AtomicUsize::new(0) }
    }

    /// Takes so many, or none; says which.
    #[must_use]
    pub fn take(&self, count: usize) -> bool {
        let limit = self.limit.load(Relaxed);
        let more =
            |used: usize| used.checked_add(count).filter(|sum| *sum <= limit);
        self.used.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Takes so many, whatever the limit is.
    pub fn add(&self, count: usize) {
        self.used.fetch_add(count, Relaxed);
    }

    /// Gives so many back.
    pub fn give(&self, count: usize) {
        let before = self.used.fetch_sub(count, Relaxed);
        debug_assert!(before >= count, "more is given back than was taken");
    }

    /// How many there may be.
    pub fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// How many there are.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// How many may still be taken.
    pub fn free(&self) -> usize {
        self.limit().saturating_sub(self.used())
    }

    /// True if `limit` can be the limit from now on, as Linux's tmpfs sees
    /// it: not below what there is, and none where there was none.
    pub fn allows(&self, limit: usize) -> bool {
        limit == UNLIMITED || self.limit() != UNLIMITED && limit >= self.used()
    }

    /// Sets the limit.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Relaxed);
    }
}
