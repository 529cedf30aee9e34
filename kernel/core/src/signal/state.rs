//! The signals of one process: what its threads share and what each has.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::signal::{SIG_IGN, SIGKILL, SS_DISABLE, SigAction, SigStack};

use super::action::Actions;
use super::group_stop::{GroupStop, Notice};
use super::pending::{Pending, Room};
use super::set::SignalSet;
use super::trace_stop::Trace;

/// No alternative stack.
pub const NO_STACK: SigStack = SigStack::new(0, SS_DISABLE, 0);

/// Names a thread within its process, while it lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadKey(pub(super) u32);

/// What one thread has of its own.
pub(super) struct Thread {
    pub(super) pending: Pending,
    pub(super) blocked: SignalSet,
    /// The mask to return to after `rt_sigsuspend` and `ppoll`.
    pub(super) saved_mask: Option<SignalSet>,
    /// Blocked signals that `rt_sigtimedwait` waits for.
    pub(super) waiting_for: SignalSet,
    pub(super) alternative: SigStack,
    /// Asked to take part in a group stop (Linux's `JOBCTL_STOP_PENDING`).
    pub(super) stop_pending: bool,
    /// Took a stop signal and has not acted on it yet (Linux's
    /// `JOBCTL_STOP_DEQUEUED`).
    pub(super) stop_dequeued: bool,
    /// Sleeps in a group stop.
    pub(super) stopped: bool,
    /// Has to exit, because another thread calls `execve`.
    pub(super) doomed: bool,
    /// Exits, and returns to user mode no more (Linux's `PF_EXITING`).
    pub(super) leaving: bool,
    /// What is kept of a traced thread.
    pub(super) trace: Option<Box<Trace>>,
}

impl Thread {
    fn new(blocked: SignalSet) -> Self {
        Thread {
            pending: Pending::new(),
            blocked,
            saved_mask: None,
            waiting_for: SignalSet::EMPTY,
            alternative: NO_STACK,
            stop_pending: false,
            stop_dequeued: false,
            stopped: false,
            doomed: false,
            leaving: false,
            trace: None,
        }
    }

    /// Signals that this thread takes notice of. One that exits takes none,
    /// and can only be killed.
    pub(super) fn open(&self) -> SignalSet {
        match self.leaving {
            true => SignalSet::one(SIGKILL),
            false => !self.blocked | self.waiting_for,
        }
    }
}

/// All signal state of a process. Guarded by the process's signal lock.
pub struct SignalState {
    pub(super) actions: Actions,
    pub(super) pending: Pending,
    pub(super) threads: Vec<Option<Thread>>,
    pub(super) stop: GroupStop,
    /// Wait status with which every thread shall exit.
    pub(super) exit: Option<u32>,
    /// Process 1: signals without a handler do not reach it.
    pub(super) is_init: bool,
    /// Room for what waits.
    pub(super) room: Room,
}

/// What is left to do when a thread has gone.
#[must_use]
#[derive(PartialEq, Eq, Debug)]
pub struct Departure {
    /// The last thread that a group stop waited for: tell the parent.
    pub notice: Option<Notice>,
    /// Signals of the process that it might have taken; tell those that
    /// [`SignalState::takers`] gives.
    pub retarget: SignalSet,
}

impl SignalState {
    /// A process without threads, whose signals count in this room.
    pub fn new(actions: Actions, is_init: bool, room: Room) -> Self {
        SignalState {
            actions,
            pending: Pending::new(),
            threads: Vec::new(),
            stop: GroupStop::default(),
            exit: None,
            is_init,
            room,
        }
    }

    /// From now on signals that wait count there. Those that wait already
    /// count where they did.
    pub fn set_room(&mut self, room: Room) {
        self.room = room;
    }

    /// Bytes of memory that signals which wait take.
    pub fn held(&self) -> usize {
        let threads = self.threads.iter().flatten();
        let own: usize = threads.map(|thread| thread.pending.held()).sum();
        self.pending.held() + own
    }

    /// Adds a thread with this mask and no alternative stack.
    ///
    /// # Errors
    /// `ERESTARTNOINTR` while the process exits or stops (the caller has a
    /// signal to see to first), `ENOMEM`.
    pub fn add_thread(
        &mut self,
        blocked: SignalSet,
    ) -> Result<ThreadKey, Errno> {
        if self.exit.is_some() || self.stop.is_under_way() {
            return Err(Errno::ERESTARTNOINTR);
        }
        let free = self.threads.iter().position(Option::is_none);
        let at = match free {
            Some(at) => at,
            None => {
                self.threads.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                self.threads.push(None);
                self.threads.len() - 1
            }
        };
        self.threads[at] = Some(Thread::new(blocked));
        Ok(ThreadKey(at as u32))
    }

    /// A thread begins to exit: from here on it takes no signal. Signals of
    /// the process that it might have taken are returned; tell those that
    /// [`SignalState::takers`] gives.
    #[must_use]
    pub fn begin_leaving(&mut self, key: ThreadKey) -> SignalSet {
        let shared = self.pending.set();
        let thread = self.thread_mut(key);
        let open = thread.open();
        thread.leaving = true;
        shared & open
    }

    /// A thread has exited. What waits for a process without threads is
    /// nobody's, and counts for its user no longer when the parent hears of
    /// the end.
    pub fn remove_thread(&mut self, key: ThreadKey) -> Departure {
        let Some(thread) = self.threads[key.0 as usize].take() else {
            return Departure { notice: None, retarget: SignalSet::EMPTY };
        };
        let notice = match thread.stop_pending {
            true => self.stop.one_less(),
            false => None,
        };
        let retarget = self.pending.set().without(thread.blocked);
        if self.threads.iter().all(Option::is_none) {
            self.pending = Pending::default();
            return Departure { notice, retarget: SignalSet::EMPTY };
        }
        Departure { notice, retarget }
    }

    /// Number of threads.
    pub fn thread_count(&self) -> usize {
        self.threads.iter().flatten().count()
    }

    #[inline(always)]
    pub(super) fn thread(&self, key: ThreadKey) -> &Thread {
        self.threads[key.0 as usize].as_ref().expect("the thread lives")
    }

    #[inline(always)]
    pub(super) fn thread_mut(&mut self, key: ThreadKey) -> &mut Thread {
        self.threads[key.0 as usize].as_mut().expect("the thread lives")
    }

    /// The threads that would take a signal of this set.
    pub fn takers(&self, set: SignalSet) -> impl Iterator<Item = ThreadKey> {
        self.threads.iter().enumerate().filter_map(move |(at, slot)| {
            let open = slot.as_ref()?.open() & set;
            (!open.is_empty()).then_some(ThreadKey(at as u32))
        })
    }

    /// The dispositions, for `fork`, `/proc` and the parent's questions.
    pub fn actions(&self) -> &Actions {
        &self.actions
    }

    /// `rt_sigaction`: sets a disposition and returns the old one. What is
    /// ignored from now on is pending no longer.
    ///
    /// # Errors
    /// `EINVAL` for numbers out of range and what cannot be caught.
    pub fn set_action(
        &mut self,
        signal: u32,
        action: SigAction,
    ) -> Result<SigAction, Errno> {
        let old = self.actions.set(signal, action)?;
        if self.actions.is_ignored(signal) {
            self.discard(SignalSet::one(signal));
        }
        Ok(old)
    }

    /// Takes over the dispositions of a process with which it shares them;
    /// nothing is pending yet.
    pub fn adopt_actions(&mut self, actions: Actions) {
        self.actions = actions;
    }

    pub(super) fn discard(&mut self, signals: SignalSet) {
        self.pending.discard(signals);
        for thread in self.threads.iter_mut().flatten() {
            thread.pending.discard(signals);
        }
    }

    /// `execve`, in the only thread left: handlers and stack are gone, masks,
    /// ignored and pending signals stay, but for those of timers: the timers
    /// have ended, and the new program knows nothing of them.
    pub fn exec(&mut self, key: ThreadKey) {
        self.actions.exec();
        self.pending.discard_timers();
        let thread = self.thread_mut(key);
        thread.pending.discard_timers();
        thread.alternative = NO_STACK;
    }

    /// `CLONE_CLEAR_SIGHAND`: handlers are gone, what was ignored stays
    /// ignored.
    pub fn clear_handlers(&mut self) {
        self.actions.exec();
    }

    /// Blocked signals of a thread.
    pub fn blocked(&self, key: ThreadKey) -> SignalSet {
        self.thread(key).blocked
    }

    /// Sets the mask. Signals of the process that this thread blocks from now
    /// on are returned: tell those that [`SignalState::takers`] gives.
    #[must_use]
    #[inline(always)]
    pub fn set_blocked(
        &mut self,
        key: ThreadKey,
        blocked: SignalSet,
    ) -> SignalSet {
        let shared = self.pending.set();
        let thread = self.thread_mut(key);
        let old = thread.blocked;
        thread.blocked = blocked.without(SignalSet::UNBLOCKABLE);
        shared & thread.blocked.without(old)
    }

    /// Sets a mask for the time of one system call (`rt_sigsuspend`,
    /// `ppoll`); the old one returns by [`SignalState::restore_mask`] or
    /// after the handler.
    #[must_use]
    pub fn suspend_with(
        &mut self,
        key: ThreadKey,
        blocked: SignalSet,
    ) -> SignalSet {
        let thread = self.thread_mut(key);
        thread.saved_mask = Some(thread.saved_mask.unwrap_or(thread.blocked));
        self.set_blocked(key, blocked)
    }

    /// Returns to the mask that `suspend_with` saved, if any. Called when a
    /// thread leaves for user mode without a handler. Signals of the process
    /// that were sent to this thread meanwhile and that it blocks again are
    /// returned, as by [`SignalState::set_blocked`].
    #[must_use]
    pub fn restore_mask(&mut self, key: ThreadKey) -> SignalSet {
        match self.thread_mut(key).saved_mask.take() {
            Some(mask) => self.set_blocked(key, mask),
            None => SignalSet::EMPTY,
        }
    }

    /// `rt_sigpending`: what is pending for a thread although blocked.
    pub fn pending(&self, key: ThreadKey) -> SignalSet {
        let thread = self.thread(key);
        (thread.pending.set() | self.pending.set()) & thread.blocked
    }

    /// What of `set` is pending for a thread, blocked or not.
    pub fn pending_of(&self, key: ThreadKey, set: SignalSet) -> SignalSet {
        (self.thread(key).pending.set() | self.pending.set()) & set
    }

    /// Pending in the thread's own queue and in the process's, for `/proc`.
    pub fn pending_sets(&self, key: ThreadKey) -> [SignalSet; 2] {
        [self.thread(key).pending.set(), self.pending.set()]
    }

    /// Signals that are ignored by choice and those with a handler.
    pub fn ignored_and_caught(&self) -> [SignalSet; 2] {
        let mut sets = [SignalSet::EMPTY; 2];
        for signal in 1..=64 {
            let bit = SignalSet::one(signal);
            match self.actions.get(signal).handler {
                SIG_IGN => sets[0] = sets[0] | bit,
                0 => {}
                _ => sets[1] = sets[1] | bit,
            }
        }
        sets
    }

    /// Whether the thread has something to do before it runs user code.
    pub fn needs_attention(&self, key: ThreadKey) -> bool {
        let thread = self.thread(key);
        let pending = thread.pending.set() | self.pending.set();
        self.is_dying(key)
            || thread.is_asked_to_stop()
            || !(pending & thread.open()).is_empty()
    }

    /// Whether the thread shall exit (Linux's `fatal_signal_pending`).
    pub fn is_dying(&self, key: ThreadKey) -> bool {
        self.exit.is_some() || self.thread(key).doomed
    }

    /// The wait status with which the process is ending.
    pub fn exit_status(&self) -> Option<u32> {
        self.exit
    }
}
