//! What real-time tasks leave to the others: of each period of a CPU they
//! have a part, and in the rest, if others wait, these go first.
//!
//! A task of `SCHED_FIFO` that never sleeps would keep its CPU from everybody:
//! from the shell that could kill it, and from a task that has to come to a
//! freeze point. Linux throttles too, over a second; a freeze would wait for
//! 950 ms, so the period here is a tenth of it (decision 0009).
//!
//! Read next: `run_queue.rs`, which orders by it.

/// The length of a period, ns.
pub const PERIOD_NS: u64 = 100_000_000;
/// What real-time tasks have of a period while others wait, ns.
pub const RUNTIME_NS: u64 = 95_000_000;

/// What a CPU's real-time tasks have used of this period. Guarded by the run
/// queue's lock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throttle {
    begun_ns: u64,
    used_ns: u64,
    is_on: bool,
}

/// What follows from a look at the clock.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Nothing changes.
    Same,
    /// Real-time tasks have had their part: others go first.
    Others,
    /// A new period: real-time tasks go first again.
    RealTime,
}

impl Throttle {
    /// None used.
    pub const fn new() -> Self {
        Self { begun_ns: 0, used_ns: 0, is_on: false }
    }

    /// Whether the others go first.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// A real-time task ran from `since_ns` to `now_ns` and leaves the CPU.
    pub fn bill(&mut self, since_ns: u64, now_ns: u64) {
        self.used_ns += now_ns.saturating_sub(since_ns.max(self.begun_ns));
    }

    /// Looks at the clock. `since_ns` says since when a real-time task runs,
    /// if one does; `others_wait` whether somebody else waits.
    pub fn look(
        &mut self,
        now_ns: u64,
        since_ns: Option<u64>,
        others_wait: bool,
    ) -> Turn {
        if now_ns >= self.begun_ns + PERIOD_NS {
            let was_on = self.is_on;
            *self = Self { begun_ns: now_ns, used_ns: 0, is_on: false };
            return if was_on { Turn::RealTime } else { Turn::Same };
        }
        let running = since_ns
            .map_or(0, |since| now_ns.saturating_sub(since.max(self.begun_ns)));
        if self.is_on || !others_wait || self.used_ns + running < RUNTIME_NS {
            return Turn::Same;
        }
        self.is_on = true;
        Turn::Others
    }
}
