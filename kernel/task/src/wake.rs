//! Wake-ups: how a sleeping task becomes runnable, exactly once.
//!
//! The handshake is `kernel_core::wake`'s, timelines and models with it; here
//! are the locks it runs under. Next to read: `place.rs`, the choice of a CPU;
//! `wait.rs`, the sleeper's half.

use alloc::sync::Arc;

use kernel_core::schedule::Arrival;
use kernel_core::wake::{WakeHost, WakeWords};

use super::place::{place, place_moved};
use super::{Task, queue, state};
use kernel_machine::arch;
use kernel_machine::trace;

/// This kernel, as the handshake sees it.
struct Waker;

impl WakeHost for Waker {
    type Task = Arc<Task>;

    #[inline(always)]
    fn words(task: &Arc<Task>) -> &WakeWords {
        &task.wake
    }

    #[inline(always)]
    fn with_wake_lock<R>(task: &Arc<Task>, body: impl FnOnce() -> R) -> R {
        let _wake = task.wake_lock.lock();
        body()
    }

    #[inline(always)]
    fn queue_of(task: &Arc<Task>) -> usize {
        task.cpu()
    }

    fn with_queue_lock<R>(queue: usize, body: impl FnOnce() -> R) -> R {
        queue::with_lock(queue, body)
    }

    #[inline(always)]
    fn place(task: &Arc<Task>) {
        if task.is_refrigerated() {
            trace::record(trace::EventKind::Thaw, task.id(), 0);
            // Whoever was frozen did not sleep.
            return place(task, Arrival::Thawed);
        }
        trace::record(trace::EventKind::Wake, task.id(), 0);
        place(task, Arrival::Woken);
    }

    fn relax() {
        arch::cpu::relax();
    }
}

impl Task {
    /// Announces how the current task is about to sleep, before it tests its
    /// condition a last time; a full barrier stands between the two.
    #[inline]
    pub fn set_state(&self, state: u32) {
        self.wake.announce::<Waker>(state);
    }
}

/// Wakes the task if its state is one of `states`. True if it did.
///
/// # Locks
/// Takes the task's wake lock and a run queue's.
pub fn try_to_wake_up(task: &Arc<Task>, states: u32) -> bool {
    kernel_core::wake::try_to_wake_up::<Waker>(task, states)
}

/// Wakes a task from ordinary sleep.
pub fn wake_up(task: &Arc<Task>) -> bool {
    try_to_wake_up(task, state::NORMAL)
}

/// The current task ends: nobody wakes it again.
///
/// # Locks
/// Takes its wake lock.
pub(super) fn end(task: &Arc<Task>) {
    kernel_core::wake::end::<Waker>(task, state::DEAD);
}

/// Starts a new task: from here on it runs.
///
/// # Locks
/// Takes its wake lock and a run queue's.
pub fn wake_new(task: &Arc<Task>) {
    place_moved(task);
}
