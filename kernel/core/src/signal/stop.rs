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

use kernel_abi::signal::{CLD_CONTINUED, CLD_STOPPED, SIGCONT};

use super::state::{SignalState, ThreadKey};

/// What the parent is told, by `SIGCHLD` if it
/// [`wants_stop_notice`](super::Actions::wants_stop_notice), and by waking
/// its `wait4` in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The process has stopped by this signal.
    Stopped(u32),
    /// The process goes on.
    Continued,
}

impl Notice {
    /// `si_code` and `si_status` of the parent's `SIGCHLD`.
    pub fn code_and_status(self) -> (i32, i32) {
        match self {
            Notice::Stopped(signal) => (CLD_STOPPED, signal as i32),
            Notice::Continued => (CLD_CONTINUED, SIGCONT as i32),
        }
    }
}

/// How far a group stop is.
#[derive(Default)]
pub(super) struct GroupStop {
    /// Threads that have yet to take part; 0 when no stop is under way.
    remaining: u32,
    /// The signal that stops.
    signal: u32,
    stopped: bool,
    /// The stop was reported to a `wait4` that consumed it.
    reported: bool,
    /// Continued and not yet reported.
    continued: bool,
}

impl GroupStop {
    pub(super) fn is_under_way(&self) -> bool {
        self.remaining != 0
    }

    /// The signal of a stop that is under way or complete.
    pub(super) fn signal(&self) -> Option<u32> {
        (self.stopped || self.is_under_way()).then_some(self.signal)
    }

    /// A thread takes part again, since it is traced no longer.
    pub(super) fn one_more(&mut self) {
        if self.is_under_way() {
            self.remaining += 1;
        }
    }

    /// Only one thread is left to take part.
    pub(super) fn wait_for_one(&mut self) {
        self.remaining = self.remaining.min(1);
    }

    /// A thread has stopped, or exited while it was expected to.
    pub(super) fn one_less(&mut self) -> Option<Notice> {
        self.remaining = self.remaining.saturating_sub(1);
        if self.remaining != 0 || self.stopped {
            return None;
        }
        self.stopped = true;
        self.reported = false;
        self.continued = false;
        Some(Notice::Stopped(self.signal))
    }

    /// `SIGCONT` was sent. A stop that was still under way counts as having
    /// happened, and as over.
    pub(super) fn continue_group(&mut self) -> Option<Notice> {
        let notice = if self.stopped {
            Notice::Continued
        } else if self.remaining != 0 {
            Notice::Stopped(self.signal)
        } else {
            return None;
        };
        *self = GroupStop { continued: true, ..GroupStop::default() };
        Some(notice)
    }
}

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
