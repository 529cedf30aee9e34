//! How many tasks each user has, and how many it may have (`RLIMIT_NPROC`).
//!
//! A task counts from the moment it is asked for until it is forgotten: a
//! zombie counts until somebody waits for it, as on Linux. A process counts for
//! its real user, with all its threads, and moves on with `setuid`. Who may do
//! everything is not held back, but counts too.
//!
//! ```text
//!  clone            take_place     the user's count, and room in the table
//!  Thread::new      Tasks::enter   the place becomes the process's
//!  setuid           Tasks::move_to all places of the process go with it
//!  last reference   Tasks::leave   the thread's place is free again
//! ```
//!
//! Next: `user_limit.rs`, where it is said who may have how many.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};

use kernel_core::memory::quota::{Quota, UNLIMITED};
use kernel_core::signal::Room;

use kernel_machine::sync::{Rank, SpinLock};

/// A user, as long as it has tasks.
#[derive(Debug)]
pub(crate) struct User {
    id: u32,
    tasks: AtomicU32,
    /// Signals that wait for its processes.
    signals: Arc<Quota>,
    /// Bytes that its POSIX message queues count.
    messages: AtomicU64,
    /// Timers that its processes made (`timer_create`).
    timers: AtomicUsize,
    /// Bytes of segments of shared memory that it locked.
    locked: AtomicU64,
}

static USERS: SpinLock<BTreeMap<u32, Weak<User>>> =
    SpinLock::with_rank(Rank::Freezer, BTreeMap::new());

impl User {
    /// The user with this number.
    pub(crate) fn find(id: u32) -> Arc<Self> {
        let mut users = USERS.lock();
        if let Some(user) = users.get(&id).and_then(Weak::upgrade) {
            return user;
        }
        let signals = Arc::new(Quota::new(UNLIMITED));
        let (tasks, messages) = (AtomicU32::new(0), AtomicU64::new(0));
        let (timers, locked) = (AtomicUsize::new(0), AtomicU64::new(0));
        let user =
            Arc::new(Self { id, tasks, signals, messages, timers, locked });
        users.insert(id, Arc::downgrade(&user));
        user
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Room for signals to its processes, `most` in all.
    pub(crate) fn room(&self, most: usize) -> Room {
        Room { user: self.signals.clone(), most }
    }

    /// Takes so many bytes for a message queue, unless it has more than `most`
    /// then.
    pub(crate) fn take_message_bytes(&self, bytes: u64, most: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|it| *it <= most);
        self.messages.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Gives them back.
    pub(crate) fn give_message_bytes(&self, bytes: u64) {
        self.messages.fetch_sub(bytes, Relaxed);
    }

    /// Counts one more timer, unless it has `most` of timers and of signals
    /// that wait, together.
    fn take_timer(&self, most: usize) -> bool {
        let waiting = self.signals.used();
        let more = |timers: usize| {
            (timers.saturating_add(waiting) < most).then_some(timers + 1)
        };
        self.timers.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Counts so many bytes that are locked, unless that is more than `most`.
    pub(crate) fn take_locked(&self, bytes: u64, most: u64) -> bool {
        let more = |used: u64| used.checked_add(bytes).filter(|it| *it <= most);
        self.locked.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// They are locked no longer.
    pub(crate) fn give_locked(&self, bytes: u64) {
        self.locked.fetch_sub(bytes, Relaxed);
    }

    /// How many tasks it has.
    pub(crate) fn tasks(&self) -> u64 {
        self.tasks.load(Relaxed).into()
    }
}

impl Drop for User {
    /// Forgets the number, unless the user has come back meanwhile.
    fn drop(&mut self) {
        let mut users = USERS.lock();
        let known = users.get(&self.id);
        if known.is_some_and(|user| user.strong_count() == 0) {
            users.remove(&self.id);
        }
    }
}

/// A timer, counted for the user that made it until this is dropped.
#[derive(Debug)]
pub struct TimerPlace(Arc<User>);

impl TimerPlace {
    /// One more, unless `user` has `most` of timers and of signals that wait.
    pub(crate) fn of(user: Arc<User>, most: usize) -> Option<Self> {
        user.take_timer(most).then(|| Self(user))
    }
}

impl Drop for TimerPlace {
    fn drop(&mut self) {
        self.0.timers.fetch_sub(1, Relaxed);
    }
}

/// Counts for one task that is being made.
pub(crate) struct Place(Option<Arc<User>>);

impl Place {
    /// One more, whatever the limits say.
    pub(crate) fn of(user: Arc<User>) -> Self {
        user.tasks.fetch_add(1, Relaxed);
        Self(Some(user))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(user) = self.0.take() {
            user.tasks.fetch_sub(1, Relaxed);
        }
    }
}

/// The tasks of one process, and the user that they count for.
pub(crate) struct Tasks(SpinLock<State>);

struct State {
    user: Arc<User>,
    count: u32,
    /// The user had too many when the process became its.
    has_too_many: bool,
}

impl Tasks {
    /// None yet.
    pub(crate) fn new(user: Arc<User>) -> Self {
        let state = State { user, count: 0, has_too_many: false };
        Self(SpinLock::with_rank(Rank::Device, state))
    }

    /// Whose they are.
    pub(crate) fn user(&self) -> Arc<User> {
        self.0.lock().user.clone()
    }

    /// Notes whether its user has too many tasks since it is its.
    pub(crate) fn set_too_many(&self, has_too_many: bool) {
        self.0.lock().has_too_many = has_too_many;
    }

    /// A thread is the process's from now on, with the place taken for it.
    pub(crate) fn enter(&self, mut place: Place) {
        let Some(counted) = place.0.take() else { return };
        let mut state = self.0.lock();
        state.count += 1;
        // The process may have moved on meanwhile.
        state.user.tasks.fetch_add(1, Relaxed);
        drop(state);
        counted.tasks.fetch_sub(1, Relaxed);
    }

    /// One of its threads is no more.
    pub(crate) fn leave(&self) {
        let mut state = self.0.lock();
        state.count -= 1;
        state.user.tasks.fetch_sub(1, Relaxed);
    }

    /// True if its user had too many tasks when it became its, and has more
    /// than `most` still.
    pub(crate) fn has_too_many(&self, most: u64) -> bool {
        let state = self.0.lock();
        state.has_too_many && state.user.tasks() > most
    }

    /// All of them count for `user` from now on, which may have `most`.
    pub(crate) fn move_to(&self, user: Arc<User>, most: u64) {
        let mut state = self.0.lock();
        state.has_too_many = user.id != 0 && user.tasks() >= most;
        user.tasks.fetch_add(state.count, Relaxed);
        state.user.tasks.fetch_sub(state.count, Relaxed);
        let old = core::mem::replace(&mut state.user, user);
        drop(state);
        drop(old);
    }
}
