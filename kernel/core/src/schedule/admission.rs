//! The doors of run queues: no task stays behind on a CPU that goes away.
//!
//! Whoever places a task chooses a CPU by hints (which CPUs are active, which
//! idle, how loaded each is) that may be old when they are used. So the
//! choice alone must not decide: the queue has a door, which opens and closes
//! under the queue's lock, and a task enters only by an open door.
//!
//! ```text
//!  who places a task                  who takes CPU 1 down
//!  -----------------                  --------------------
//!  read hints: CPU 1 is active        hints: CPU 1 is not active   (Hide)
//!  [queue 1 locked]                   [queue 1 locked]
//!    door open?  (DoorCheck)            close the door  (CloseFirst)
//!    yes: enter                       take all who wait, place each again
//!    no: choose again
//! ```
//!
//! The queue's lock orders the two. If the task enters before the door closes,
//! it waits in the queue and is taken out. If it comes after, it is refused;
//! it then has the lock after the closer had it, so it sees the hints as they
//! were when the door closed, and does not choose this CPU a second time.
//! Model `nobody_stays_behind_a_closed_door`.
//!
//! The running task is no matter of the door: the kernel marks it, and it
//! leaves by itself, as it does when its affinity changes.

#[cfg(all(test, loom))]
mod model;

/// The steps that make it right; each has a model that fails without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Looking at the door under the queue's lock.
    DoorCheck,
    /// Closing the door before the queue is emptied.
    CloseFirst,
    /// Changing the hints before the door is closed.
    Hide,
}

/// Run queues with doors.
pub trait Doors {
    /// A task that is in no queue.
    type Task;

    /// The one step left out, to prove that it is needed. Only models set it.
    const WITHOUT: Option<Step> = None;

    /// Chooses a CPU by hints.
    fn choose(&self, task: &Self::Task) -> usize;
    /// Puts the task into the queue of `cpu`, under its lock, if its door is
    /// open; false if it is closed.
    fn enter(&self, task: &Self::Task, cpu: usize) -> bool;
    /// Changes the hints, so that nobody chooses `cpu` from now on.
    fn hide(&self, cpu: usize);
    /// Closes the door of `cpu`, under the queue's lock.
    fn close(&self, cpu: usize);
    /// Takes a task that waits out of the queue of `cpu` and [`place`]s it
    /// anew, so that nobody else can meanwhile; false if no task waits.
    fn evict(&self, cpu: usize) -> bool;
}

/// Puts a task that is in no queue into one.
#[inline(always)]
pub fn place<D: Doors>(doors: &D, task: &D::Task) {
    while !doors.enter(task, doors.choose(task)) {}
}

/// Closes the door of `cpu` and sends everybody who waits there elsewhere.
/// Afterwards nobody waits there, and nobody will.
pub fn clear_out<D: Doors>(doors: &D, cpu: usize) {
    if D::WITHOUT != Some(Step::Hide) {
        doors.hide(cpu);
    }
    if D::WITHOUT == Some(Step::CloseFirst) {
        while doors.evict(cpu) {}
        doors.close(cpu);
        return;
    }
    doors.close(cpu);
    while doors.evict(cpu) {}
}
