//! Alarms: timers that do something at their time, with or without a period.
//!
//! The timers of `timer.rs` wake the task that sleeps on them. An alarm
//! outlives every sleep: `setitimer`, `timer_create` and `timerfd` are made
//! of alarms. One kernel thread keeps all of them in the order of their
//! deadlines and sleeps until the first. It is not freezable: an alarm that
//! expires during a freeze is counted then, and taken after the thaw, once
//! (freezer-spec X7).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;

use super::{Mutex, WaitQueue, current, kthread, scheduler};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;
use kernel_machine::sync::{Rank, SpinLock};

/// Called with the number of expiries since the last call, by the kernel
/// thread, with no lock held but the one that has [`Alarm::set`] wait.
pub type Expired = Box<dyn Fn(u64) + Send + Sync>;

/// What an alarm is set to.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Nanoseconds until it expires; 0 for off.
    pub left_ns: u64,
    /// Nanoseconds from one expiry to the next; 0 for once.
    pub interval_ns: u64,
}

/// After an expiry the next is not seen to for so long, ns. What expires more
/// often is counted, to the last time, but called less often: a program must
/// not keep a CPU busy with a timer of a nanosecond.
const REST_NS: u64 = 100_000;

/// When it is seen to, and serial number.
type Key = (u64, u64);

struct State {
    key: Option<Key>,
    /// When it expires; the key's time may be later ([`REST_NS`]).
    deadline_ns: u64,
    interval_ns: u64,
    /// Expiries that nobody took.
    count: u64,
}

/// An alarm, off until it is set. Dropping it ends it.
pub struct Alarm {
    /// Held while the alarm is set, and while it expires.
    turn: Mutex<()>,
    state: SpinLock<State>,
    expired: Expired,
    this: Weak<Alarm>,
}

struct Alarms {
    by_deadline: BTreeMap<Key, Weak<Alarm>>,
    next_serial: u64,
}

/// Taken under an alarm's own lock.
static ALARMS: SpinLock<Alarms> = SpinLock::with_rank(
    Rank::Freezer,
    Alarms { by_deadline: BTreeMap::new(), next_serial: 0 },
);

/// Where the thread waits for an earlier deadline.
static CHANGED: WaitQueue = WaitQueue::new();

impl Alarm {
    /// An alarm that does `expired`.
    pub fn new(expired: Expired) -> Arc<Self> {
        let state =
            State { key: None, deadline_ns: 0, interval_ns: 0, count: 0 };
        Arc::new_cyclic(|this| Self {
            turn: Mutex::new(()),
            state: SpinLock::with_rank(Rank::Object, state),
            expired,
            this: this.clone(),
        })
    }

    /// Sets it to a time on the monotonic clock, or off, and forgets what it
    /// counted; what it was set to. An expiry of the old setting that is under
    /// way is over when this returns.
    ///
    /// # Locks
    /// Sleeps until then: no spin lock may be held.
    pub fn set(&self, deadline_ns: Option<u64>, interval_ns: u64) -> Setting {
        let turn = self.turn.lock();
        let mut state = self.state.lock();
        let old = state.setting();
        state.count = 0;
        self.arm(&mut state, deadline_ns, interval_ns, 0);
        drop(state);
        drop(turn);
        if deadline_ns.is_some() {
            CHANGED.wake_all();
        }
        old
    }

    /// What it is set to.
    pub fn setting(&self) -> Setting {
        self.state.lock().setting()
    }

    /// Expiries that nobody took.
    pub fn count(&self) -> u64 {
        self.state.lock().count
    }

    /// Takes the expiries; 0 if there was none.
    pub fn take(&self) -> u64 {
        core::mem::take(&mut self.state.lock().count)
    }

    fn arm(
        &self,
        state: &mut State,
        deadline: Option<u64>,
        interval_ns: u64,
        not_before_ns: u64,
    ) {
        let mut alarms = ALARMS.lock();
        if let Some(key) = state.key.take() {
            alarms.by_deadline.remove(&key);
        }
        state.interval_ns = interval_ns;
        if let Some(deadline) = deadline {
            state.deadline_ns = deadline;
            let key = (deadline.max(not_before_ns), alarms.next_serial);
            alarms.next_serial += 1;
            alarms.by_deadline.insert(key, self.this.clone());
            state.key = Some(key);
        }
    }

    /// Counts what has expired by `now` and calls.
    fn expire(&self, now: u64) {
        let _turn = self.turn.lock();
        let mut state = self.state.lock();
        if state.key.is_none_or(|(at, _)| at > now) {
            // It was set anew meanwhile.
            return;
        }
        let deadline = state.deadline_ns;
        let interval_ns = state.interval_ns;
        let missed = (now - deadline).checked_div(interval_ns);
        let next = missed.map(|missed| {
            let steps = (missed + 1).saturating_mul(interval_ns);
            deadline.saturating_add(steps)
        });
        let count = 1 + missed.unwrap_or(0);
        state.count = state.count.saturating_add(count);
        self.arm(&mut state, next, interval_ns, now + REST_NS);
        drop(state);
        (self.expired)(count);
    }
}

impl State {
    fn setting(&self) -> Setting {
        if self.key.is_none() {
            return Setting::default();
        }
        let left = self.deadline_ns.saturating_sub(arch::timer::now_ns());
        Setting { left_ns: left.max(1), interval_ns: self.interval_ns }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(key) = self.state.lock().key.take() {
            ALARMS.lock().by_deadline.remove(&key);
        }
    }
}

impl Alarms {
    fn first_deadline(&self) -> Option<u64> {
        let ((deadline, _), _) = self.by_deadline.first_key_value()?;
        Some(*deadline)
    }

    /// The first alarm, if it has expired by `now`.
    fn take_expired(&mut self, now: u64) -> Option<Weak<Alarm>> {
        self.first_deadline().filter(|deadline| *deadline <= now)?;
        self.by_deadline.pop_first().map(|(_, alarm)| alarm)
    }
}

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    kthread::kthread_run("alarmd", run).map(|_| ())
}

fn run() {
    loop {
        let now = arch::timer::now_ns();
        let expired = ALARMS.lock().take_expired(now);
        if let Some(alarm) = expired {
            if let Some(alarm) = alarm.upgrade() {
                alarm.expire(now);
            }
            // There may be many of them, and the kernel is not preempted.
            if current().pending_work() & work::RESCHEDULE != 0 {
                scheduler::schedule();
            }
            continue;
        }
        let first = ALARMS.lock().first_deadline();
        let is_changed =
            || (ALARMS.lock().first_deadline() != first).then_some(());
        let _ = CHANGED.wait_until_deadline("alarmd", first, is_changed);
    }
}
