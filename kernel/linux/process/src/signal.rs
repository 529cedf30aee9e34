//! Signals: the machine half of `kernel_core::signal`.
//!
//! The rules (what is pending, blocked, ignored, who stops) are one value,
//! [`SignalState`], which changes under the process's signal lock and says
//! what is to be done. Here that is done: tasks are flagged, woken or kicked,
//! parents told, frames built on user stacks.
//!
//! ```text
//!  send.rs     a signal arrives, its task is flagged and woken
//!  deliver.rs  the task, on its way to user mode, takes it
//!  stop.rs     the process stops and goes on
//!  frame.rs    a handler is called, and returns
//!  restart.rs  what becomes of the interrupted system call
//!  notify.rs   a parent is told
//! ```
//!
//! The flag is a bit of the task's work word. The freezer's fake signal is
//! another bit, so nothing here can lose or see it (freezer-spec U1, U5).

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_core::signal::{Actions, SignalState, ThreadKey};

use kernel_machine::arch::thread::work;
use kernel_task::{Task, WaitQueue};

pub mod deliver;
mod frame;
pub mod mask;
pub mod notify;
pub mod restart;
pub mod send;
mod stop;
pub mod watch;

pub use frame::sigreturn;

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
    /// With these dispositions, nothing pending, no threads.
    pub fn new(actions: Actions, is_init: bool) -> Self {
        let state = SignalState::new(actions, is_init);
        Self { state, threads: Vec::new(), watchers: None }
    }

    /// The task that bears `key`.
    pub fn task(&self, key: ThreadKey) -> Option<&Arc<Task>> {
        let member = self.threads.iter().find(|member| member.key == key)?;
        Some(&member.task)
    }

    /// True if `task` lives and bears `key`: keys are used again.
    pub fn is_borne_by(&self, key: ThreadKey, task: &Task) -> bool {
        let holder = self.task(key);
        holder.is_some_and(|it| core::ptr::eq(Arc::as_ptr(it), task))
    }

    /// Makes the flag of the current task, `key`, what the state says.
    /// Senders flag under the same lock, so none is lost.
    pub fn recalculate(&self, key: ThreadKey, task: &Task) {
        if self.state.needs_attention(key) {
            task.set_work(work::SIGNAL);
        } else if task.signal_pending() {
            task.clear_work(work::SIGNAL);
        }
    }
}
