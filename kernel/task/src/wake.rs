//! Wake-ups: how a sleeping task becomes runnable, exactly once.
//!
//! The handshake is `kernel_core::wake`'s, timelines and models with it; here
//! are the locks it runs under, and the choice of a CPU. Next to read:
//! `wait.rs`, the sleeper's half.

use alloc::sync::Arc;

use kernel_core::schedule::door::{self, Doors};
use kernel_core::schedule::{Arrival, Machine, select_cpu, select_fastest};
use kernel_core::wake::{WakeHost, WakeWords};

use super::refrigerator::Scheduler;
use super::{Task, account, queue, scheduler, state};
use kernel_machine::arch;
use kernel_machine::trace;

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

    #[inline(always)]
    fn queue_of(task: &Arc<Task>) -> usize {
        task.cpu()
    }

    fn with_queue_lock<R>(queue: usize, body: impl FnOnce() -> R) -> R {
        queue::with_lock(queue, body)
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

/// The current task ends: nobody wakes it again.
///
/// # Locks
/// Takes its wake lock.
pub(super) fn end(task: &Arc<Task>) {
    kernel_core::wake::end::<Scheduler>(task, state::DEAD);
}

/// Starts a new task: from here on it runs.
pub fn wake_new(task: &Arc<Task>) {
    let _wake = task.wake_lock.lock();
    let placing = Placing { arrival: Arrival::Moved, select: select_fastest };
    door::place(&placing, task);
}

/// Chooses a CPU for a task that is in no queue and puts it there.
///
/// # Locks
/// As [`scheduler::enqueue`].
#[inline(never)]
pub(super) fn place(task: &Arc<Task>, arrival: Arrival) {
    door::place(&Placing { arrival, select: select_cpu }, task);
}

/// As [`place`], for a task that ran until now and had to leave its CPU.
pub(super) fn place_moved(task: &Arc<Task>) {
    // Who changes the affinity takes this lock after the change, and then
    // finds the task in a queue.
    let _wake = task.wake_lock.lock();
    let placing = Placing { arrival: Arrival::Moved, select: select_fastest };
    door::place(&placing, task);
}

/// How tasks are placed; the other half of its trait is in `hotplug.rs`'s
/// hands.
pub(super) struct Placing {
    pub(super) arrival: Arrival,
    pub(super) select: fn(usize, u32, &Machine<'_>) -> usize,
}

impl Doors for Placing {
    type Task = Arc<Task>;

    #[inline(always)]
    fn choose(&self, task: &Arc<Task>) -> usize {
        let previous = task.cpu();
        let allowed = task.usable_cpus();
        let idle = queue::idle_cpus();
        let is_near = allowed & idle & 1 << previous != 0
            && self.arrival == Arrival::Woken;
        if is_near || allowed == 1 << previous {
            return previous;
        }
        self.choose_among(previous, allowed, idle)
    }

    #[inline(always)]
    fn enter(&self, task: &Arc<Task>, cpu: usize) -> bool {
        let is_same = cpu == task.cpu();
        let arrival = if is_same { self.arrival } else { Arrival::Moved };
        scheduler::enqueue(task, cpu, arrival)
    }

    fn hide(&self, cpu: usize) {
        queue::hide(cpu);
    }

    fn close(&self, cpu: usize) {
        queue::close_door(cpu);
    }

    fn evict(&self, cpu: usize) -> bool {
        let task = queue::any_waiting(cpu);
        task.is_some_and(|task| {
            account::evict(self, &task, cpu);
            true
        })
    }
}

impl Placing {
    fn choose_among(&self, previous: usize, allowed: u32, idle: u32) -> usize {
        let (loads, capacities) = (queue::loads(), queue::capacities());
        let machine = Machine { idle, loads: &loads, capacities: &capacities };
        (self.select)(previous, allowed, &machine)
    }
}
