//! Alarms: timers that do something at their time, with or without a period.
//!
//! The timers of `timer.rs` wake the task that sleeps on them. An alarm
//! outlives every sleep: `setitimer`, `timer_create` and `timerfd` are made
//! of alarms. One kernel thread keeps all of them in the order of their
//! deadlines, those of each clock by its own time, and sleeps until the first:
//! when the wall clock is changed, its alarms come sooner or later by
//! themselves. The thread is not freezable: an alarm that expires during a
//! freeze is counted then, and taken after the thaw, once (SPECIFICATION.md X7).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;

use super::{Deadline, Mutex, WaitQueue, clock, current, kthread, scheduler};
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

/// Whose time an alarm keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Clock {
    Monotonic,
    Realtime,
}

struct State {
    key: Option<Key>,
    /// Of all times here.
    clock: Clock,
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

/// Those of one clock.
type ByDeadline = BTreeMap<Key, Weak<Alarm>>;

struct Alarms {
    monotonic: ByDeadline,
    realtime: ByDeadline,
    next_serial: u64,
}

/// Taken under an alarm's own lock.
static ALARMS: SpinLock<Alarms> = SpinLock::with_rank(
    Rank::Freezer,
    Alarms {
        monotonic: BTreeMap::new(),
        realtime: BTreeMap::new(),
        next_serial: 0,
    },
);

/// Where the thread waits for an earlier deadline.
static CHANGED: WaitQueue = WaitQueue::new();

impl Alarm {
    /// An alarm that does `expired`.
    pub fn new(expired: Expired) -> Arc<Self> {
        let state = State {
            key: None,
            clock: Clock::Monotonic,
            deadline_ns: 0,
            interval_ns: 0,
            count: 0,
        };
        Arc::new_cyclic(|this| Self {
            turn: Mutex::new(()),
            state: SpinLock::with_rank(Rank::Object, state),
            expired,
            this: this.clone(),
        })
    }

    /// Sets it to a time, or off, and forgets what it counted; what it was
    /// set to. An expiry of the old setting that is under
    /// way is over when this returns.
    ///
    /// # Locks
    /// Sleeps until then: no spin lock may be held.
    pub fn set(&self, deadline: Option<Deadline>, interval_ns: u64) -> Setting {
        let turn = self.turn.lock();
        let mut state = self.state.lock();
        let old = state.setting();
        state.count = 0;
        self.disarm(&mut state);
        state.interval_ns = interval_ns;
        let (clock, at) = match deadline {
            Some(Deadline::Realtime(at)) => (Clock::Realtime, Some(at)),
            Some(Deadline::Monotonic(at)) => (Clock::Monotonic, Some(at)),
            None => (Clock::Monotonic, None),
        };
        state.clock = clock;
        self.arm(&mut state, at, 0);
        drop(state);
        drop(turn);
        if deadline.is_some() {
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

    fn disarm(&self, state: &mut State) {
        if let Some(key) = state.key.take() {
            ALARMS.lock().of(state.clock).remove(&key);
        }
    }

    fn arm(
        &self,
        state: &mut State,
        deadline_ns: Option<u64>,
        not_before_ns: u64,
    ) {
        self.disarm(state);
        let Some(deadline_ns) = deadline_ns else { return };
        let mut alarms = ALARMS.lock();
        let key = (deadline_ns.max(not_before_ns), alarms.next_serial);
        alarms.next_serial += 1;
        alarms.of(state.clock).insert(key, self.this.clone());
        state.deadline_ns = deadline_ns;
        state.key = Some(key);
    }

    /// Counts what has expired and calls.
    fn expire(&self) {
        let _turn = self.turn.lock();
        let mut state = self.state.lock();
        let now = state.clock.now_ns();
        let Some((at, _)) = state.key else { return };
        if at > now {
            // It was set anew meanwhile, or its clock was.
            let deadline_ns = Some(state.deadline_ns);
            self.arm(&mut state, deadline_ns, at);
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
        self.arm(&mut state, next, now + REST_NS);
        drop(state);
        (self.expired)(count);
    }
}

impl Clock {
    fn now_ns(self) -> u64 {
        match self {
            Clock::Monotonic => arch::timer::now_ns(),
            Clock::Realtime => clock::now_ns(),
        }
    }
}

impl State {
    fn setting(&self) -> Setting {
        if self.key.is_none() {
            return Setting::default();
        }
        let left = self.deadline_ns.saturating_sub(self.clock.now_ns());
        Setting { left_ns: left.max(1), interval_ns: self.interval_ns }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        let state = self.state.lock();
        if let Some(key) = state.key {
            ALARMS.lock().of(state.clock).remove(&key);
        }
    }
}

impl Alarms {
    fn of(&mut self, clock: Clock) -> &mut ByDeadline {
        match clock {
            Clock::Monotonic => &mut self.monotonic,
            Clock::Realtime => &mut self.realtime,
        }
    }

    /// The first of each clock.
    fn first_deadlines(&self) -> [Option<Deadline>; 2] {
        let first = |alarms: &ByDeadline| {
            alarms.first_key_value().map(|((at, _), _)| *at)
        };
        [
            first(&self.monotonic).map(Deadline::Monotonic),
            first(&self.realtime).map(Deadline::Realtime),
        ]
    }

    /// An alarm that has expired; of those of both clocks, the one that has
    /// been due for longest.
    fn take_expired(&mut self) -> Option<Weak<Alarm>> {
        let mut late = |clock: Clock| {
            let ((at, _), _) = self.of(clock).first_key_value()?;
            Some((clock.now_ns().checked_sub(*at)?, clock))
        };
        let late = [late(Clock::Monotonic), late(Clock::Realtime)];
        let (_, clock) =
            late.into_iter().flatten().max_by_key(|(late_ns, _)| *late_ns)?;
        self.of(clock).pop_first().map(|(_, alarm)| alarm)
    }
}

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    kthread::kthread_run("alarmd", run).map(|_| ())
}

/// The wall clock was set, or goes on otherwise: what it keeps may have
/// expired, or come sooner or later.
pub fn clock_was_changed() {
    CHANGED.wake_all();
}

fn run() {
    loop {
        let expired = ALARMS.lock().take_expired();
        if let Some(alarm) = expired {
            if let Some(alarm) = alarm.upgrade() {
                alarm.expire();
            }
            // There may be many of them, and the kernel is not preempted.
            if current().pending_work() & work::RESCHEDULE != 0 {
                scheduler::schedule();
            }
            continue;
        }
        let look = || (clock::changes(), ALARMS.lock().first_deadlines());
        let seen = look();
        let is_changed = || (look() != seen).then_some(());
        let deadlines = seen.1.into_iter().flatten();
        let first = deadlines.map(Deadline::monotonic_ns).min();
        let first = first.map(Deadline::Monotonic);
        let _ = CHANGED.wait_until_deadline("alarmd", first, is_changed);
    }
}
