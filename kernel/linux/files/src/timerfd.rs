//! `timerfd_create(2)`: a timer to read from and to wait for.
//!
//! The deadline runs on during a freeze; what expired then is read after the
//! thaw (SPECIFICATION.md X8).
//!
//! With `TFD_TIMER_CANCEL_ON_SET` a timer of the wall clock also ends the wait
//! when that clock is set (SPECIFICATION.md Y7).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::any::Any;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::buffer::Output;
use super::file::{Blocking, File, interrupted};
use super::flags::PollEvents;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::alarm::{Alarm, Expired, Setting};
use kernel_task::{Deadline, PollTable, WaitQueue, clock};

/// A timer.
pub struct TimerFd {
    /// Its clock, as the program named it.
    pub clock: u32,
    /// What expires.
    pub alarm: Arc<Alarm>,
    readable: Arc<WaitQueue>,
    /// How often the wall clock had been set when the program last heard of
    /// it; [`INDIFFERENT`] if it does not want to.
    seen_set: AtomicU64,
    this: Weak<TimerFd>,
}

/// The wall clock may be set as often as it likes.
const INDIFFERENT: u64 = u64::MAX;

/// Timers that are told when the wall clock is set, by their addresses.
static CANCELLED_BY_SET: SpinLock<BTreeMap<usize, Weak<TimerFd>>> =
    SpinLock::with_rank(Rank::Object, BTreeMap::new());

/// Whether a timer goes on when its clock is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnSet {
    /// It goes on.
    Continue,
    /// It tells of it (`TFD_TIMER_CANCEL_ON_SET`).
    Cancel,
}

/// What a timer has to tell.
enum Told {
    Expiries(u64),
    /// The clock was set.
    Cancelled,
}

impl TimerFd {
    /// A timer that is off; when it expires, it calls `expired` as well.
    pub fn new(clock: u32, expired: Expired) -> Arc<Self> {
        let readable = Arc::new(WaitQueue::new());
        let readers = readable.clone();
        let alarm = Alarm::new(Box::new(move |count| {
            expired(count);
            readers.wake_all();
        }));
        let seen_set = AtomicU64::new(INDIFFERENT);
        Arc::new_cyclic(|this| {
            let this = this.clone();
            Self { clock, alarm, readable, seen_set, this }
        })
    }

    /// Sets it; what it was set to.
    ///
    /// # Errors
    /// `ECANCELED` if its clock was set before and nobody has read of it; the
    /// timer is set then, too.
    ///
    /// # Locks
    /// As [`Alarm::set`].
    pub fn set(
        &self,
        deadline: Option<Deadline>,
        interval_ns: u64,
        on_set: OnSet,
    ) -> Result<Setting, Errno> {
        let key = self.key();
        let now = clock::times_set();
        let seen = match on_set {
            OnSet::Continue => {
                CANCELLED_BY_SET.lock().remove(&key);
                self.seen_set.store(INDIFFERENT, Relaxed);
                INDIFFERENT
            }
            OnSet::Cancel => {
                CANCELLED_BY_SET.lock().insert(key, self.this.clone());
                self.seen_set.swap(now, Relaxed)
            }
        };
        let old = self.alarm.set(deadline, interval_ns);
        let was_set = seen != INDIFFERENT && seen != now;
        if was_set && deadline.is_some() {
            return Err(Errno::ECANCELED);
        }
        Ok(old)
    }

    /// What it is in the list by.
    fn key(&self) -> usize {
        self.this.as_ptr().addr()
    }

    /// Whether the clock was set since the program last heard of it.
    fn is_cancelled(&self) -> bool {
        let seen = self.seen_set.load(Relaxed);
        seen != INDIFFERENT && seen != clock::times_set()
    }

    fn take(&self) -> Option<Told> {
        if self.is_cancelled() {
            self.seen_set.store(clock::times_set(), Relaxed);
            self.alarm.take();
            return Some(Told::Cancelled);
        }
        let count = Some(self.alarm.take()).filter(|count| *count != 0);
        count.map(Told::Expiries)
    }
}

/// Wakes who waits for a timer that ends when the wall clock is set.
pub(super) fn clock_was_set() {
    let mut first = 0;
    while let Some((key, timer)) = timer_from(first) {
        if let Some(timer) = timer.upgrade() {
            timer.readable.wake_all();
        }
        first = key + 1;
    }
}

fn timer_from(first: usize) -> Option<(usize, Weak<TimerFd>)> {
    let timers = CANCELLED_BY_SET.lock();
    let next = timers.range(first..).next();
    next.map(|(key, timer)| (*key, timer.clone()))
}

impl Drop for TimerFd {
    fn drop(&mut self) {
        CANCELLED_BY_SET.lock().remove(&self.key());
    }
}

impl File for TimerFd {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() < size_of::<u64>() {
            return Err(Errno::EINVAL);
        }
        let told = match (self.take(), blocking) {
            (Some(told), _) => told,
            (None, Blocking::Fail) => return Err(Errno::EAGAIN),
            (None, Blocking::Sleep) => self
                .readable
                .wait_until("timerfd_read", || self.take())
                .map_err(interrupted)?,
        };
        let Told::Expiries(count) = told else {
            return Err(Errno::ECANCELED);
        };
        output.put(&count.to_ne_bytes())?;
        Ok(size_of::<u64>())
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.readable);
        }
        let mut events = PollEvents::empty();
        let is_ready = self.alarm.count() != 0 || self.is_cancelled();
        events.set(PollEvents::READABLE, is_ready);
        events
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
