//! A workqueue's order of works, and how freezing holds it back.
//!
//! ```text
//!  push --> held --(below the limit)--> ready --take--> running --done-->
//!                                       \____ active ____/
//! ```
//!
//! Freezing sets the limit of active works to zero: what is active finishes,
//! what comes later is held. Thawing restores the limit and lets the held
//! works go on in their order (Linux `freeze_workqueues_begin`,
//! `thaw_workqueues`).
//!
//! Each function that makes works active returns how many; a freezable
//! queue's owner hands that to `Freezer::works_activated` under the queue's
//! lock, and calls `Freezer::work_done` for each that ends.
//!
//! Read next: `freezer/sweep.rs`, which waits for active works.

#[cfg(all(test, not(loom)))]
mod tests;

use alloc::collections::VecDeque;

/// The works of one queue, oldest first. The workqueue's lock guards it.
pub struct WorkFifo<W> {
    ready: VecDeque<W>,
    held: VecDeque<W>,
    running: u32,
    max_active: u32,
    is_freezable: bool,
    is_frozen: bool,
}

impl<W> WorkFifo<W> {
    /// An empty queue that runs up to `max_active` works at a time.
    pub const fn new(max_active: u32, is_freezable: bool) -> Self {
        Self {
            ready: VecDeque::new(),
            held: VecDeque::new(),
            running: 0,
            max_active,
            is_freezable,
            is_frozen: false,
        }
    }

    /// Appends a work. Returns how many works became active.
    #[must_use]
    pub fn push(&mut self, work: W) -> u32 {
        self.held.push_back(work);
        self.activate()
    }

    /// The next work for a worker to run; [`WorkFifo::done`] follows it.
    pub fn take(&mut self) -> Option<W> {
        let work = self.ready.pop_front()?;
        self.running += 1;
        Some(work)
    }

    /// A work that was taken has ended. Returns how many works became active
    /// in its place.
    #[must_use]
    pub fn done(&mut self) -> u32 {
        self.running -= 1;
        self.activate()
    }

    /// Holds works back from now on, if the queue is freezable.
    pub fn freeze_begin(&mut self) {
        self.is_frozen = self.is_freezable;
    }

    /// Lets held works go on. Returns how many became active.
    #[must_use]
    pub fn thaw(&mut self) -> u32 {
        self.is_frozen = false;
        self.activate()
    }

    /// Whether freezing has to wait for active works.
    pub fn is_busy(&self) -> bool {
        self.is_freezable && self.active() != 0
    }

    /// Whether this queue takes part in freezing.
    pub fn is_freezable(&self) -> bool {
        self.is_freezable
    }

    /// Whether no work waits, is held back or runs.
    pub fn is_empty(&self) -> bool {
        self.active() == 0 && self.held.is_empty()
    }

    /// Works that are ready or running.
    pub fn active(&self) -> u32 {
        self.ready.len() as u32 + self.running
    }

    fn activate(&mut self) -> u32 {
        let limit = if self.is_frozen { 0 } else { self.max_active };
        let before = self.active();
        while self.active() < limit {
            let Some(work) = self.held.pop_front() else { break };
            self.ready.push_back(work);
        }
        self.active() - before
    }
}
