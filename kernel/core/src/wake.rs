//! Sleeping and waking: the handshake that loses no wake-up and lets no task
//! run on two CPUs.
//!
//! A task announces its sleep, then tests its condition a last time; a waker
//! makes the condition true, then looks at the state:
//!
//! ```text
//!  sleeper                               waker
//!  -------                               -----
//!  state := INTERRUPTIBLE                condition := true
//!  full barrier  (AnnounceBarrier)       full barrier  (WakerBarrier)
//!  read condition; true: state := RUNNING read state; not asleep: done
//!  false: depart
//! ```
//!
//! This is Dekker's pattern: at least one of the two reads sees the other
//! side's write. Model `no_wake_up_is_lost`.
//!
//! A waker that finds the task asleep meets it in one of three places:
//!
//! 1. on its way out (`on_queue`): making it RUNNING under the run queue's
//!    lock is enough, for [`WakeWords::depart`] reads the state under it;
//! 2. leaving its CPU (`on_cpu`): its registers are not saved yet, so the
//!    waker waits the few instructions until they are;
//! 3. gone: the waker places it in a run queue.
//!
//! ```text
//!  sleeper's CPU                         waker
//!  -------------                         -----
//!  [queue lock] on_queue := false        on_queue?  no
//!  switch to another stack               wait while on_cpu (OnCpuWait)
//!  on_cpu := false (release)             place: another CPU may run it
//! ```
//!
//! Two wakers take turns by the task's wake lock; the second finds the task
//! RUNNING. Model `a_sleeper_is_placed_once_and_off_its_cpu`.
//!
//! A waker can be slow: between any two of its steps the task may take its
//! announcement back, run on, move to another CPU, announce another sleep, or
//! end. So what it read counts only where the task cannot change it:
//!
//! * Under the lock of the queue of the task's CPU, the task cannot depart. The
//!   CPU may have changed before the lock was held: it is asked again
//!   (QueueAgain). Model `a_moved_sleeper_is_woken`.
//! * A task that is not `on_queue` gets a place only from who holds its wake
//!   lock, and its state holds still until then. So now its state says why it
//!   is not (SecondLook): it sleeps, or moves and is somebody else's to place.
//!   Model `a_task_that_moves_is_placed_once`.
//! * A task ends under its wake lock (EndLock): nobody who saw it asleep makes
//!   it run any more. Model `an_ended_task_stays_ended`.
//!
//! ```text
//!  task                                  waker
//!  ----                                  -----
//!  state := INTERRUPTIBLE                [wake lock] state?  INTERRUPTIBLE
//!  condition holds: state := RUNNING
//!  moves: on_queue := false              on_queue?  no
//!  on_cpu := false                       state?  RUNNING: not asleep
//!  [wake lock] place
//! ```
//!
//! Read next: `scheduler.rs` and `wake.rs` of the crate `kernel_task`.

use crate::sync::{AtomicBool, AtomicU32, Ordering, const_new, fence};

#[cfg(all(test, loom))]
mod model;

/// State of a task that runs or is ready to; other states are the caller's.
pub const RUNNING: u32 = 0;
/// State of a task on its way into a run queue.
pub const WAKING: u32 = 1 << 31;

/// The steps that make the handshake right; each has a model that fails
/// without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Full barrier between announcing a sleep and testing the condition.
    AnnounceBarrier,
    /// Full barrier between making the condition true and reading the state.
    WakerBarrier,
    /// The waker waits until the sleeper has left its CPU.
    OnCpuWait,
    /// The waker takes the queue's lock to meet a sleeper on its way out.
    QueueLock,
    /// Under that lock, the waker sees that the queue is still the sleeper's.
    QueueAgain,
    /// The waker looks at the state again of a task that has left its queue.
    SecondLook,
    /// A task ends under its wake lock.
    EndLock,
}

/// What the handshake needs of the scheduler.
pub trait WakeHost {
    /// A task.
    type Task;

    /// The one step left out, to prove that it is needed. Only models set it.
    const WITHOUT: Option<Step> = None;

    /// The task's words.
    fn words(task: &Self::Task) -> &WakeWords;
    /// Runs `body` under the task's wake lock.
    fn with_wake_lock<R>(task: &Self::Task, body: impl FnOnce() -> R) -> R;
    /// The run queue of the CPU that the task runs on or ran on last. It
    /// changes under that queue's lock, or under the wake lock.
    fn queue_of(task: &Self::Task) -> usize;
    /// Runs `body` under the lock of this run queue.
    fn with_queue_lock<R>(queue: usize, body: impl FnOnce() -> R) -> R;
    /// Puts a task that is nowhere into a run queue, by way of
    /// [`WakeWords::arrive`].
    fn place(task: &Self::Task);
    /// One round of a short busy wait.
    fn relax();
}

/// A task's part in the handshake.
pub struct WakeWords {
    /// [`RUNNING`], [`WAKING`] or how it sleeps. Written by the task itself,
    /// and by its waker under the wake lock.
    state: AtomicU32,
    /// In a run queue, or running. Written under the queue's lock.
    on_queue: AtomicBool,
    /// Left its CPU without a sleep, and has no place yet. Only the task that
    /// runs next on that CPU asks.
    is_migrating: AtomicBool,
    /// Running, or not yet off its stack. Written by the CPU that switches.
    on_cpu: AtomicBool,
}

impl WakeWords {
    const_new! {
        /// A new task: nowhere, and ready to be placed.
        pub fn new() -> Self {
            Self {
                state: AtomicU32::new(RUNNING),
                on_queue: AtomicBool::new(false),
                is_migrating: AtomicBool::new(false),
                on_cpu: AtomicBool::new(false),
            }
        }
    }

    /// The state of this moment.
    #[inline]
    pub fn state(&self) -> u32 {
        self.state.load(Ordering::Acquire)
    }

    /// The current task announces how it is about to sleep. It tests its
    /// condition after this. Whoever sees the state also sees which CPU the
    /// task runs on, written when it came in.
    #[inline]
    pub fn announce<H: WakeHost>(&self, state: u32) {
        self.state.store(state, Ordering::Release);
        if H::WITHOUT != Some(Step::AnnounceBarrier) {
            fence(Ordering::SeqCst);
        }
    }

    /// The current task takes its announcement back, or runs again.
    #[inline]
    pub fn run_on(&self) {
        self.state.store(RUNNING, Ordering::Relaxed);
    }

    /// The current task gives up its CPU: true if it leaves to sleep, false
    /// if it stays runnable. `cancels` says whether something cancels a sleep
    /// of this state.
    ///
    /// Locks: the queue's lock is held.
    #[inline]
    pub fn depart(&self, cancels: impl FnOnce(u32) -> bool) -> bool {
        let state = self.state.load(Ordering::Acquire);
        if state == RUNNING {
            return false;
        }
        if cancels(state) {
            self.run_on();
            return false;
        }
        self.on_queue.store(false, Ordering::Release);
        true
    }

    /// A runnable task leaves its queue for another.
    ///
    /// Locks: the queue's lock is held; the wake lock too, until it is placed.
    #[inline]
    pub fn leave_queue(&self) {
        self.on_queue.store(false, Ordering::Release);
    }

    /// The current task, which is runnable, leaves its CPU and no queue has it:
    /// whoever runs next on this CPU hears of it from
    /// [`WakeWords::leave_cpu`], and places it.
    ///
    /// Locks: the queue's lock is held.
    #[inline]
    pub fn move_on(&self) {
        self.is_migrating.store(true, Ordering::Relaxed);
        self.on_queue.store(false, Ordering::Release);
    }

    /// The task enters a queue.
    ///
    /// Locks: the queue's lock is held.
    #[inline]
    pub fn arrive(&self) {
        self.on_queue.store(true, Ordering::Release);
        self.state.store(RUNNING, Ordering::Release);
    }

    /// Takes a sleep back that is one of `states`; whether it was.
    fn cancel(&self, states: u32) -> bool {
        let is_meant = self.state() & states != 0;
        if is_meant {
            self.state.store(RUNNING, Ordering::Release);
        }
        is_meant
    }

    /// Whether the task is in a queue or runs.
    #[inline]
    pub fn is_on_queue(&self) -> bool {
        self.on_queue.load(Ordering::Acquire)
    }

    /// A CPU has picked the task and is about to switch to its stack.
    #[inline]
    pub fn enter_cpu(&self) {
        self.on_cpu.store(true, Ordering::Relaxed);
    }

    /// The task's stack is not in use any more. From here on it may run
    /// elsewhere. True if it moves: the caller places it, under its wake lock.
    #[inline]
    #[must_use]
    pub fn leave_cpu(&self) -> bool {
        let is_migrating = self.is_migrating.load(Ordering::Relaxed);
        if is_migrating {
            self.is_migrating.store(false, Ordering::Relaxed);
        }
        self.on_cpu.store(false, Ordering::Release);
        is_migrating
    }

    /// Whether a CPU runs the task or is not yet off its stack.
    #[inline]
    pub fn is_on_cpu(&self) -> bool {
        self.on_cpu.load(Ordering::Acquire)
    }
}

impl Default for WakeWords {
    fn default() -> Self {
        Self::new()
    }
}

/// Wakes the task if its state is one of the bits of `states`; true if it
/// did. The caller has made the condition true before.
#[inline]
pub fn try_to_wake_up<H: WakeHost>(task: &H::Task, states: u32) -> bool {
    let words = H::words(task);
    if H::WITHOUT != Some(Step::WakerBarrier) {
        fence(Ordering::SeqCst);
    }
    if words.state() & states == 0 {
        return false;
    }
    H::with_wake_lock(task, || {
        if words.state() & states == 0 {
            return false;
        }
        if words.is_on_queue()
            && let Some(is_woken) = keep_running::<H>(task, states)
        {
            return is_woken;
        }
        let is_meant = words.state() & states != 0;
        if H::WITHOUT != Some(Step::SecondLook) && !is_meant {
            return false;
        }
        words.state.store(WAKING, Ordering::Release);
        while H::WITHOUT != Some(Step::OnCpuWait) && words.is_on_cpu() {
            H::relax();
        }
        H::place(task);
        true
    })
}

/// Cancels the sleep of a task on its way out; whether there was one to
/// cancel. `None` if the task has left.
fn keep_running<H: WakeHost>(task: &H::Task, states: u32) -> Option<bool> {
    let words = H::words(task);
    let cancel = || words.is_on_queue().then(|| words.cancel(states));
    if H::WITHOUT == Some(Step::QueueLock) {
        return cancel();
    }
    loop {
        let queue = H::queue_of(task);
        let met = H::with_queue_lock(queue, || {
            let is_its = H::WITHOUT == Some(Step::QueueAgain)
                || H::queue_of(task) == queue;
            is_its.then(cancel)
        });
        if let Some(met) = met {
            return met;
        }
    }
}

/// The current task is about to end, in this state, in which nobody wakes it.
/// It may run on if a waker saw it asleep, but not after this.
pub fn end<H: WakeHost>(task: &H::Task, state: u32) {
    let words = H::words(task);
    match H::WITHOUT {
        Some(Step::EndLock) => words.announce::<H>(state),
        _ => H::with_wake_lock(task, || words.announce::<H>(state)),
    }
}
