//! Wakeup events: what calls a suspend off, and what ends it.
//!
//! A program that wants to suspend without missing an event reads the count
//! of events, checks that it has nothing to do, and writes the count back. If
//! an event came in between, the write fails; if one comes later, the suspend
//! is aborted (Linux drivers/base/power/wakeup.c).
//!
//! An event has a duration: the time that those it is for need to act on it.
//! Until it is over it is *in progress*, nobody learns the count, and nobody
//! can arm. It counts when it is over.
//!
//! ```text
//!   key           another key, same source
//!    |----------------|--------------|           in progress
//!                                    ^ count += 1: one event
//! ```
//!
//! No timer ends an event: whoever looks says what time it is, and learns
//! what a timer would have told.
//!
//! Read next: `freezer/sweep.rs`, which asks `is_pending`.

use kernel_abi::Errno;

/// What can wake the machine. Each has at most one event in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A key on the console.
    Console,
    /// The alarm of the real-time clock.
    Clock,
}

const SOURCES: usize = 2;

/// The count of events. One for the system, behind its lock; whoever reports
/// an event then calls `Host::quiet`, so that a freeze under way notices.
#[derive(Debug, Default)]
pub struct Wakeups {
    /// Events that are over.
    count: u32,
    /// Events reported, those included that went on an earlier one.
    reported: u32,
    /// Until when each source's event is in progress, ns.
    until_ns: [Option<u64>; SOURCES],
    /// The count written back; `None` while detection is not armed.
    armed: Option<u32>,
    has_abort: bool,
}

impl Wakeups {
    /// No events yet, not armed.
    pub const fn new() -> Self {
        Self {
            count: 0,
            reported: 0,
            until_ns: [None; SOURCES],
            armed: None,
            has_abort: false,
        }
    }

    /// An event begins, or one of the same source goes on, and is in
    /// progress for `duration_ns` from now (Linux `pm_wakeup_event`).
    pub fn event(&mut self, source: Source, now_ns: u64, duration_ns: u64) {
        self.settle(now_ns);
        self.reported = self.reported.wrapping_add(1);
        let until = &mut self.until_ns[source as usize];
        *until = (*until).max(Some(now_ns.saturating_add(duration_ns)));
        self.settle(now_ns);
    }

    /// Ends the events whose time is over.
    fn settle(&mut self, now_ns: u64) {
        for until in &mut self.until_ns {
            if until.is_some_and(|until| until <= now_ns) {
                *until = None;
                self.count = self.count.wrapping_add(1);
            }
        }
    }

    /// Events reported so far, to tell whether one came since.
    pub fn reported(&self) -> u32 {
        self.reported
    }

    /// The count for `/sys/power/wakeup_count`.
    ///
    /// # Errors
    /// While an event is in progress, the time when the last one ends unless
    /// another comes: the reader waits until then and asks again.
    pub fn read(&mut self, now_ns: u64) -> Result<u32, u64> {
        self.settle(now_ns);
        self.until_ns.into_iter().flatten().max().map_or(Ok(self.count), Err)
    }

    /// Arms detection for a transition begun with `count` events known.
    ///
    /// # Errors
    /// `EINVAL` if that is not the count now, or an event is in progress;
    /// nothing is armed then.
    pub fn arm(&mut self, count: u32, now_ns: u64) -> Result<(), Errno> {
        self.armed = (self.read(now_ns) == Ok(count)).then_some(count);
        self.armed.map(|_| ()).ok_or(Errno::EINVAL)
    }

    /// Whether a transition must stop. An event disarms: it stops one
    /// transition only, and keeps stopping it until [`Wakeups::clear`].
    pub fn is_pending(&mut self, now_ns: u64) -> bool {
        if self.armed.is_some_and(|count| self.read(now_ns) != Ok(count)) {
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
