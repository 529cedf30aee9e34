//! The scheduling policies: who runs next, where, and for how long.
//!
//! An ordinary task has a *virtual run time*: the time it ran, divided by its
//! weight. The queue picks the task that has least of it, so over any stretch
//! each runnable task gets its share. Real-time tasks (`SCHED_FIFO`,
//! `SCHED_RR`) stand before all of them in the same queue, by priority, until
//! a throttle gives the rest of a period to the others. No task here is ever
//! run by this module; the kernel asks, and carries the answers out under the
//! lock of the run queue.
//!
//! A task's way through the policy:
//!
//! ```text
//! new  ──place(Moved)┐                       ┌── charge, exchange ──┐
//! wake ──place(Woken)┼─> push ─> pop ─> start ─ charge … ─> leave ──> sleep
//! pull ──place(Moved)┘     └─ steal_last ─> leave ─> the other queue
//! ```
//!
//! Read next: [`entity`] (one task's account), [`run_queue`],
//! `select_cpu.rs` (where a woken task runs), [`capacity`] (CPUs of unequal
//! speed), [`rotation`] (equal shares where counts do not fit), [`favour`]
//! (sleepers), [`policy`] and [`throttle`] (real-time tasks), [`admission`]
//! (CPUs that go away), [`division`] (time in user mode and in the kernel).

pub mod admission;
pub mod capacity;
pub mod division;
pub mod entity;
pub mod favour;
pub mod policy;
pub mod rotation;
pub mod run_queue;
pub mod select_cpu;
pub mod throttle;
pub mod weight;

#[cfg(test)]
mod tests;

pub use division::Division;
pub use entity::{Arrival, Entity};
pub use policy::{Attributes, Policy};
pub use run_queue::{Company, RunQueue};
pub use select_cpu::{Machine, select_cpu, select_fastest, select_idle};
