//! Wake-ups: how a sleeping task becomes runnable, exactly once.
//!
//! A task announces its sleep, then tests its condition a last time; a waker
//! makes the condition true, then looks at the state:
//!
//! ```text
//! sleeper                              waker
//! state := INTERRUPTIBLE               condition := true
//! full barrier                         full barrier
//! condition true?  yes: state:=RUNNING state says asleep?  no: done
//! no: schedule()                       yes: below
//! ```
//!
//! At least one of the two sees the other's store, so no wake-up is lost. A
//! waker that finds the task asleep meets it in one of three places:
//!
//! 1. still on its way into `schedule` (`on_queue`): making it RUNNING under
//!    the run queue's lock is enough, `schedule` reads the state under the
//!    same lock;
//! 2. leaving its old CPU (`on_cpu`): its registers are not saved yet, so the
//!    waker waits the few instructions until they are;
//! 3. gone: it is put into a queue.
//!
//! The wake lock makes two wakers take turns; the second finds the task
//! RUNNING. Next to read: `wait.rs`.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use core::sync::atomic::fence;

use kernel_core::schedule::{Arrival, Machine, select_cpu};

use super::{Task, scheduler, state};
use crate::arch;
use crate::arch::cpu::MAX_CPUS;
use crate::trace;

/// Wakes the task if its state is one of `states`. True if it did.
///
/// # Locks
/// Takes the task's wake lock and a run queue's.
pub fn try_to_wake_up(task: &Arc<Task>, states: u32) -> bool {
    fence(SeqCst);
    if task.state() & states == 0 {
        return false;
    }
    let _wake = task.wake_lock.lock();
    if task.state() & states == 0 {
        return false;
    }
    if task.on_queue.load(Acquire) && scheduler::keep_running(task) {
        return true;
    }
    task.state.store(state::WAKING, Release);
    while task.on_cpu.load(Acquire) {
        arch::cpu::relax();
    }
    trace::event(trace::Kind::Wake, task.id(), 0);
    place(task, Arrival::Woken);
    true
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
    let allowed = task.allowed_cpus() & scheduler::online_cpus();
    let idle = scheduler::idle_cpus();
    let cpu = if allowed & idle & 1 << previous != 0
        || allowed == 1 << previous
    {
        previous
    } else {
        choose_cpu(previous, allowed, idle)
    };
    let arrival = if cpu == previous { arrival } else { Arrival::Moved };
    scheduler::enqueue(task, cpu, arrival);
}

fn choose_cpu(previous: usize, allowed: u32, idle: u32) -> usize {
    let loads = scheduler::loads();
    let capacities: [u32; MAX_CPUS] =
        core::array::from_fn(arch::smp::capacity);
    let machine = Machine { idle, loads: &loads, capacities: &capacities };
    select_cpu(previous, allowed, &machine)
}
