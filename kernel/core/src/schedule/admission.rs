//! Admission to run queues: no task stays behind on a CPU that goes away.
//!
//! Whoever places a task chooses a CPU by hints (which CPUs are active, which
//! idle, how loaded each is) that may be old when they are used. So the
//! choice alone must not decide: the queue is open or closed, which changes
//! under the queue's lock, and a task enters an open queue only.
//!
//! ```text
//!  who places a task                  who takes CPU 1 down
//!  -----------------                  --------------------
//!  read hints: CPU 1 is active        hints: CPU 1 is not active   (Hide)
//!  [queue 1 locked]                   [queue 1 locked]
//!    queue open?  (OpenCheck)           close the queue  (CloseFirst)
//!    yes: enter                       take all who wait, place each again
//!    no: choose again
//! ```
//!
//! The queue's lock orders the two. If the task enters before the queue
//! closes, it waits there and is taken out. If it comes after, it is refused;
//! it then has the lock after the closer had it, so it sees the hints as they
//! were when the queue closed, and does not choose this CPU a second time.
//! Model `nobody_stays_in_a_closed_queue`.
//!
//! The running task is in no queue: the kernel marks it, and it leaves by
//! itself, as it does when its affinity changes.

#[cfg(all(test, loom))]
mod model;

/// The steps that make it right; each has a model that fails without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Asking whether the queue is open, under its lock.
    OpenCheck,
    /// Closing the queue before it is emptied.
    CloseFirst,
    /// Changing the hints before the queue is closed.
    Hide,
}

/// Run queues that open and close.
pub trait Admission {
    /// A task that is in no queue.
    type Task;

    /// The one step left out, to prove that it is needed. Only models set it.
    const WITHOUT: Option<Step> = None;

    /// Chooses a CPU by hints.
    fn choose(&self, task: &Self::Task) -> usize;
    /// Puts the task into the queue of `cpu`, under its lock, if it is
    /// open; false if it is closed.
    fn enter(&self, task: &Self::Task, cpu: usize) -> bool;
    /// Changes the hints, so that nobody chooses `cpu` from now on.
    fn hide(&self, cpu: usize);
    /// Closes the queue of `cpu`, under its lock.
    fn close(&self, cpu: usize);
    /// Takes a task that waits out of the queue of `cpu` and [`place`]s it
    /// anew, so that nobody else can meanwhile; false if no task waits.
    fn evict(&self, cpu: usize) -> bool;
}

/// Puts a task that is in no queue into one.
#[inline(always)]
pub fn place<A: Admission>(queues: &A, task: &A::Task) {
    if !queues.enter(task, queues.choose(task)) {
        place_again(queues, task);
    }
}

/// The queue was closed after it was chosen. This is apart, so that the first
/// try does not pay for a loop.
#[cold]
#[inline(never)]
fn place_again<A: Admission>(queues: &A, task: &A::Task) {
    while !queues.enter(task, queues.choose(task)) {}
}

/// Closes the queue of `cpu` and places everybody who waits there elsewhere.
/// Afterwards nobody waits there, and nobody will.
pub fn clear_out<A: Admission>(queues: &A, cpu: usize) {
    if A::WITHOUT != Some(Step::Hide) {
        queues.hide(cpu);
    }
    if A::WITHOUT == Some(Step::CloseFirst) {
        while queues.evict(cpu) {}
        queues.close(cpu);
        return;
    }
    queues.close(cpu);
    while queues.evict(cpu) {}
}
