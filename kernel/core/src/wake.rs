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
//! Read next: the kernel's `task/scheduler.rs` and `task/wake.rs`.

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
    /// Runs `body` under the lock of the run queue of the CPU that the task
    /// runs on or ran on last.
    fn with_queue_lock<R>(task: &Self::Task, body: impl FnOnce() -> R) -> R;
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
    /// Locks: the queue's lock is held.
    #[inline]
    pub fn leave_queue(&self) {
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
    /// elsewhere.
    #[inline]
    pub fn leave_cpu(&self) {
        self.on_cpu.store(false, Ordering::Release);
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
        if words.is_on_queue() && keep_running::<H>(task) {
            return true;
        }
        words.state.store(WAKING, Ordering::Release);
        while H::WITHOUT != Some(Step::OnCpuWait) && words.is_on_cpu() {
            H::relax();
        }
        H::place(task);
        true
    })
}

/// Cancels the sleep of a task on its way out; false if it has left.
fn keep_running<H: WakeHost>(task: &H::Task) -> bool {
    let words = H::words(task);
    let cancel = || {
        let is_here = words.is_on_queue();
        if is_here {
            words.state.store(RUNNING, Ordering::Release);
        }
        is_here
    };
    match H::WITHOUT {
        Some(Step::QueueLock) => cancel(),
        _ => H::with_queue_lock(task, cancel),
    }
}
