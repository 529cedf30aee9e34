//! What a process's signal lock guards: the rules' state, and the threads
//! that it speaks of.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_core::signal::{Actions, Room, SignalState, ThreadKey};

use kernel_machine::arch::thread::work;
use kernel_task::{Task, WaitQueue};

/// A thread and its name in the state.
pub struct Member {
    /// Its name.
    pub key: ThreadKey,
    /// Its task.
    pub task: Arc<Task>,
}

/// What a process's signal lock guards.
pub struct Signals {
    /// The rules' half.
    pub state: SignalState,
    /// The living threads, the oldest first.
    pub threads: Vec<Member>,
    /// Where readers of a `signalfd` wait, once there is one.
    pub watchers: Option<Arc<WaitQueue>>,
}

impl Signals {
    /// With these dispositions and room, nothing pending, no threads.
    pub fn new(actions: Actions, is_init: bool, room: Room) -> Self {
        let state = SignalState::new(actions, is_init, room);
        Self { state, threads: Vec::new(), watchers: None }
    }

    /// The task of the living thread `key`.
    pub fn task(&self, key: ThreadKey) -> Option<&Arc<Task>> {
        let member = self.threads.iter().find(|member| member.key == key)?;
        Some(&member.task)
    }

    /// True if `task` is the living thread `key`: keys are used again.
    pub fn is_living_thread(&self, key: ThreadKey, task: &Task) -> bool {
        let holder = self.task(key);
        holder.is_some_and(|it| core::ptr::eq(Arc::as_ptr(it), task))
    }

    /// Makes the flag of the current task, `key`, what the state says.
    /// Senders flag under the same lock, so none is lost.
    #[inline(always)]
    pub fn recalculate(&self, key: ThreadKey, task: &Task) {
        // One that was let out of a freeze to trap looks whether it still has to.
        if self.state.needs_attention(key) || task.freezer.is_trapping() {
            task.set_work(work::SIGNAL);
        } else if task.signal_pending() {
            task.clear_work(work::SIGNAL);
        }
    }
}
