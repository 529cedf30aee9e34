//! Group stop and continue, and what `wait4` and the parent learn of it.
//!
//! ```text
//!            begin_stop            last participate        SIGCONT
//!  running ───────────> stopping ──────────────────> stopped ──> continued
//!     ^                    │ SIGCONT                     (WCONTINUED, once)
//!     └────────────────────┘
//! ```
//!
//! Stopped and frozen are independent: a stopped task is counted as frozen
//! where it is, and thawing leaves it stopped (SPECIFICATION.md G4, G6).
//! `SIGCONT` for a process that is stopped and frozen ends the stop and is
//! reported at once (SPECIFICATION.md G5).

use super::group_stop::Notice;
use super::state::{SignalState, ThreadKey};

impl SignalState {
    /// Acts on [`Delivery::Stop`](super::Delivery::Stop): asks every thread
    /// to take part. Returns whether there is a stop; not if `SIGCONT` or an
    /// exit came in between. The caller flags and wakes or kicks the other
    /// threads, then calls [`SignalState::participate`] for itself; a traced
    /// thread asks for its signals again, and traps.
    ///
    /// One that is to exit, because another calls `execve`, gives the signal
    /// back to the process instead: it is for the new program.
    #[must_use]
    pub fn begin_stop(&mut self, key: ThreadKey, signal: u32) -> bool {
        let dequeued = core::mem::take(&mut self.thread_mut(key).stop_dequeued);
        if !dequeued || self.exit.is_some() {
            return false;
        }
        if self.thread(key).doomed {
            self.pending.add_bare(signal);
            return false;
        }
        if !self.stop.stopped {
            self.stop.signal = signal;
        }
        self.stop.remaining = 0;
        for thread in self.threads.iter_mut().flatten() {
            if !thread.stopped {
                thread.stop_pending = true;
                self.stop.remaining += 1;
                thread.notify_trace();
            }
        }
        true
    }

    /// The thread stops now: it sleeps until [`SignalState::is_stopped`] is
    /// false, then asks for its signals again. The last one tells the parent.
    ///
    /// One that is traced by now does not: the tracer, which did not find it
    /// asleep, waits for the trap that it is told to take when it asks again.
    #[must_use]
    pub fn participate(&mut self, key: ThreadKey) -> Option<Notice> {
        if self.is_traced(key) {
            return None;
        }
        let thread = self.thread_mut(key);
        if !core::mem::take(&mut thread.stop_pending) {
            return None;
        }
        thread.stopped = true;
        self.stop.one_less()
    }

    /// Whether the thread sleeps in a group stop.
    pub fn is_stopped(&self, key: ThreadKey) -> bool {
        self.thread(key).stopped
    }

    pub(super) fn end_stop(&mut self) {
        for thread in self.threads.iter_mut().flatten() {
            thread.stop_pending = false;
            thread.stop_dequeued = false;
            thread.stopped = false;
        }
    }

    /// `wait4(WUNTRACED)`: the signal by which the process is stopped, once.
    pub fn wait_stopped(&mut self, consume: bool) -> Option<u32> {
        if !self.stop.stopped || self.stop.reported {
            return None;
        }
        self.stop.reported = consume;
        Some(self.stop.signal)
    }

    /// `wait4(WCONTINUED)`: whether the process was continued, once.
    #[must_use]
    pub fn wait_continued(&mut self, consume: bool) -> bool {
        let continued = self.stop.continued;
        if consume {
            self.stop.continued = false;
        }
        continued
    }

    /// What to do with the other threads after [`SignalState::begin_stop`]:
    /// flag, wake or kick each whose `stop_pending` is set.
    pub fn others_to_stop(
        &self,
        key: ThreadKey,
    ) -> impl Iterator<Item = ThreadKey> {
        self.threads.iter().enumerate().filter_map(move |(at, slot)| {
            let other = ThreadKey(at as u32);
            let asked = slot.as_ref()?.stop_pending && other != key;
            asked.then_some(other)
        })
    }
}
