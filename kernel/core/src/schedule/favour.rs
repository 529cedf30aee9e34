//! What a sleeper is owed when it wakes: it runs soon, however many compute.
//!
//! The virtual clock of a queue with 500 tasks moves by a 500th of real time,
//! so a task that sleeps most of the time, and works more than a 500th of it,
//! would owe more and more, and wait for all the others each time it wakes. To
//! a user that is a shell that does not answer. So a sleeper earns at least a
//! [`SHARE`]th of the time it slept; what is more than its fair share is its
//! queue's *favour*, of which there is never more than half of the time: those
//! that compute keep the other half, whatever sleepers do.
//!
//! Read next: `run_queue.rs`, which keeps the favour.

/// A sleeper earns this part of the time it slept.
pub const SHARE: u64 = 16;
/// Of so much time the queue gives one away.
const FAVOUR_SHARE: u64 = 2;
/// So much favour can be saved, ns: four sleepers' worth.
const FAVOUR_MOST_NS: u64 = 24_000_000;

/// The time that a queue may give to sleepers beyond their fair share, ns of
/// nice 0. Guarded by the run queue's lock.
#[derive(Clone, Copy, Debug)]
pub struct Favour {
    left_ns: u64,
    counted_ns: u64,
}

impl Favour {
    /// All that can be saved.
    pub const fn new() -> Self {
        Self { left_ns: FAVOUR_MOST_NS, counted_ns: 0 }
    }

    /// Gives as much of `wanted_ns` as there is at `now_ns`.
    pub fn take(&mut self, wanted_ns: u64, now_ns: u64) -> u64 {
        let passed = now_ns.saturating_sub(self.counted_ns);
        self.counted_ns += passed;
        let left = self.left_ns.saturating_add(passed / FAVOUR_SHARE);
        self.left_ns = left.min(FAVOUR_MOST_NS);
        let given = wanted_ns.min(self.left_ns);
        self.left_ns -= given;
        given
    }
}

impl Default for Favour {
    fn default() -> Self {
        Self::new()
    }
}
