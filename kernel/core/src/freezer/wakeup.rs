//! Wakeup events: what calls a suspend off.
//!
//! A program that wants to suspend without missing an event reads the count
//! of events, checks that it has nothing to do, and writes the count back. If
//! an event came in between, the write fails; if one comes later, the suspend
//! is aborted (Linux drivers/base/power/wakeup.c).
//!
//! Read next: `sweep.rs`, which asks `is_pending`.

use kernel_abi::Errno;

/// The count of events. One for the system, behind its lock; whoever reports
/// an event then calls `Host::quiet`, so that a freeze under way notices.
#[derive(Debug, Default)]
pub struct Wakeups {
    count: u32,
    in_progress: u32,
    /// The count written back; `None` while detection is not armed.
    armed: Option<u32>,
    has_abort: bool,
}

impl Wakeups {
    /// No events yet, not armed.
    pub const fn new() -> Self {
        Self { count: 0, in_progress: 0, armed: None, has_abort: false }
    }

    /// An event begins; it is being worked on until [`Wakeups::end`].
    pub fn begin(&mut self) {
        self.in_progress += 1;
    }

    /// An event that had begun is over, and counts from now on.
    pub fn end(&mut self) {
        self.in_progress -= 1;
        self.count = self.count.wrapping_add(1);
    }

    /// An event without duration.
    pub fn event(&mut self) {
        self.count = self.count.wrapping_add(1);
    }

    /// Calls off the transition under way, armed or not.
    pub fn abort(&mut self) {
        self.has_abort = true;
    }

    /// Events so far, one in progress not counted.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The count for `/sys/power/wakeup_count`, or `None` while an event is
    /// in progress: the reader waits then.
    pub fn read(&self) -> Option<u32> {
        (self.in_progress == 0).then_some(self.count)
    }

    /// Arms detection for a transition begun with `count` events known.
    ///
    /// # Errors
    /// `EINVAL` if that is not the count now; nothing is armed then.
    pub fn arm(&mut self, count: u32) -> Result<(), Errno> {
        self.armed = (self.read() == Some(count)).then_some(count);
        self.armed.map(|_| ()).ok_or(Errno::EINVAL)
    }

    /// Whether a transition must stop. An event disarms: it stops one
    /// transition only, and keeps stopping it until [`Wakeups::clear`].
    pub fn is_pending(&mut self) -> bool {
        if self.armed.is_some_and(|count| self.read() != Some(count)) {
            self.armed = None;
            self.has_abort = true;
        }
        self.has_abort
    }

    /// A transition begins: forgets what stopped an earlier one.
    pub fn clear(&mut self) {
        self.has_abort = false;
    }

    /// A transition is over, successful or not.
    pub fn disarm(&mut self) {
        self.armed = None;
        self.has_abort = false;
    }
}
