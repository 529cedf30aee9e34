//! Wake-ups: how a sleeping task becomes runnable, exactly once.
//!
//! The handshake is `kernel_core::wake`'s, timelines and models with it; here
//! are the locks it runs under, and the choice of a CPU. Next to read:
//! `wait.rs`, the sleeper's half.

use alloc::sync::Arc;

use kernel_core::schedule::{Arrival, Machine, select_cpu};
use kernel_core::wake::{WakeHost, WakeWords};

use super::refrigerator::Scheduler;
use super::{Task, queue, scheduler, state};
use crate::arch;
use crate::arch::cpu::MAX_CPUS;
use crate::trace;

impl WakeHost for Scheduler {
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

    fn with_queue_lock<R>(task: &Arc<Task>, body: impl FnOnce() -> R) -> R {
        queue::with_queue_of(task, body)
    }

    #[inline(always)]
    fn place(task: &Arc<Task>) {
        trace::record(trace::Kind::Wake, task.id(), 0);
        place(task, Arrival::Woken);
    }

    fn relax() {
        arch::cpu::relax();
    }
}

/// Wakes the task if its state is one of `states`. True if it did.
///
/// # Locks
/// Takes the task's wake lock and a run queue's.
pub fn try_to_wake_up(task: &Arc<Task>, states: u32) -> bool {
    kernel_core::wake::try_to_wake_up::<Scheduler>(task, states)
}

/// Wakes a task from ordinary sleep.
pub fn wake_up(task: &Arc<Task>) -> bool {
    try_to_wake_up(task, state::NORMAL)
}

/// Starts a new task: from here on it runs.
pub fn wake_new(task: &Arc<Task>) {
    place(task, Arrival::Moved);
}

/// Chooses a CPU for a task that is in no queue and puts it there.
pub(super) fn place(task: &Arc<Task>, arrival: Arrival) {
    let previous = task.cpu();
    let allowed = task.allowed_cpus() & queue::online_cpus();
    let idle = queue::idle_cpus();
    let cpu = if allowed & idle & 1 << previous != 0 || allowed == 1 << previous
    {
        previous
    } else {
        choose_cpu(previous, allowed, idle)
    };
    let arrival = if cpu == previous { arrival } else { Arrival::Moved };
    scheduler::enqueue(task, cpu, arrival);
}

fn choose_cpu(previous: usize, allowed: u32, idle: u32) -> usize {
    let loads = queue::loads();
    let capacities: [u32; MAX_CPUS] = core::array::from_fn(arch::smp::capacity);
    let machine = Machine { idle, loads: &loads, capacities: &capacities };
    select_cpu(previous, allowed, &machine)
}
