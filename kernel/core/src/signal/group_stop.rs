//! What is kept of a group stop, and what the parent is told of it.
//!
//! Read next: `stop.rs`, which changes it.

use kernel_abi::signal::{CLD_CONTINUED, CLD_STOPPED, SIGCONT};

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
    pub(super) remaining: u32,
    /// The signal that stops.
    pub(super) signal: u32,
    pub(super) stopped: bool,
    /// The stop was reported to a `wait4` that consumed it.
    pub(super) reported: bool,
    /// Continued and not yet reported.
    pub(super) continued: bool,
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
