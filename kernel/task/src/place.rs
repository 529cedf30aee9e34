//! Where a task goes that is in no queue, and how one that waits gets there.
//!
//! Whoever places a task (a waker, a CPU that the task leaves, a change of its
//! affinity) holds its wake lock until it has a place. Why no task stays
//! behind on a CPU that goes away: `kernel_core::schedule::admission`.
//!
//! Next to read: `scheduler.rs`, who runs of those that wait.

use alloc::sync::Arc;

use kernel_core::schedule::admission::{self, Admission};
use kernel_core::schedule::{
    Arrival, Machine, select_cpu, select_fastest, select_idle,
};

use super::Task;
use super::kick::request_reschedule;
use super::queue::{self, QUEUES, active_cpus, enqueue};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;

/// Chooses a CPU for a task that is in no queue and puts it there.
///
/// # Locks
/// As [`queue::enqueue`].
#[inline(never)]
pub(super) fn place(task: &Arc<Task>, arrival: Arrival) {
    admission::place(&Placing { arrival, select: select_cpu }, task);
}

/// As [`place`], for a task that is new, or ran until now and had to leave its
/// CPU: it goes to the fastest.
///
/// # Locks
/// Takes its wake lock, and a run queue's.
pub(super) fn place_moved(task: &Arc<Task>) {
    // Who changes the affinity takes this lock after the change, and then
    // finds the task in a queue.
    let _wake = task.wake_lock.lock();
    let placing = Placing { arrival: Arrival::Moved, select: select_fastest };
    admission::place(&placing, task);
}

/// How tasks are placed; `hotplug.rs` calls the other half of its trait.
pub(super) struct Placing {
    pub(super) arrival: Arrival,
    pub(super) select: fn(usize, u32, &Machine<'_>) -> usize,
}

impl Admission for Placing {
    type Task = Arc<Task>;

    #[inline(always)]
    fn choose(&self, task: &Arc<Task>) -> usize {
        let previous = task.cpu();
        let allowed = task.usable_cpus();
        let idle = queue::idle_cpus();
        if allowed == 1 << previous {
            return previous;
        }
        if matches!(self.arrival, Arrival::Woken | Arrival::Thawed)
            && let Some(cpu) =
                select_idle(previous, allowed & idle, arch::smp::capacity)
        {
            return cpu;
        }
        self.choose_among(previous, allowed, idle)
    }

    #[inline(always)]
    fn enter(&self, task: &Arc<Task>, cpu: usize) -> bool {
        let arrival = match self.arrival {
            Arrival::Woken if cpu != task.cpu() => Arrival::WokenElsewhere,
            arrival => arrival,
        };
        queue::enqueue(task, cpu, arrival)
    }

    fn hide(&self, cpu: usize) {
        queue::hide(cpu);
    }

    fn close(&self, cpu: usize) {
        queue::close(cpu);
    }

    fn evict(&self, cpu: usize) -> bool {
        let task = queue::any_waiting(cpu);
        task.is_some_and(|task| {
            evict(self, &task, cpu);
            true
        })
    }
}

impl Placing {
    #[inline(never)]
    fn choose_among(&self, previous: usize, allowed: u32, idle: u32) -> usize {
        let capacities = queue::capacities();
        let mut loads = None;
        if allowed & idle == 0 {
            loads = Some(queue::loads());
        }
        let loads = loads.as_ref().map_or(&[][..], |loads| loads);
        let machine = Machine { idle, loads, capacities: &capacities };
        (self.select)(previous, allowed, &machine)
    }
}

/// Moves the task if it waits or runs on a CPU that its affinity does not
/// name, and one that it names is on.
///
/// Nothing here is lock-free. Whoever chooses a CPU for the task (a waker, the
/// next task on a CPU that it left) holds its wake lock meanwhile and reads
/// the affinity under it; so the choice is over before this begins, or sees
/// the new affinity. An idle CPU pulls under both queues' locks, and writes
/// the task's CPU under them. What is left is a task that its CPU is
/// switching away from: it gets a mark, and looks when it runs again.
pub(super) fn move_to_allowed(task: &Arc<Task>) {
    let _wake = task.wake_lock.lock();
    if task.allowed_cpus() & active_cpus() == 0 {
        return;
    }
    loop {
        let cpu = task.cpu();
        let guard = QUEUES[cpu].queue.lock();
        if task.cpu() != cpu {
            continue;
        }
        if task.allowed_cpus() & guard.own_bit != 0 {
            return;
        }
        let running = guard.running_task.as_ref();
        if running.is_some_and(|running| Arc::ptr_eq(running, task)) {
            // The task is marked, and its CPU not only called: a CPU where
            // nobody waits takes the call for one of the freezer's.
            task.set_work(work::RESCHEDULE);
            drop(guard);
            request_reschedule(cpu);
            return;
        }
        drop(guard);
        if take_waiting(task, cpu) {
            place(task, Arrival::Moved);
        } else {
            // Asleep, or just leaving the CPU: it looks when it runs again.
            task.set_work(work::RESCHEDULE);
        }
        return;
    }
}

/// Moves the task, if it still waits on `from`, to `to`. False if it stayed.
pub(super) fn push(task: &Arc<Task>, from: usize, to: usize) -> bool {
    let _wake = task.wake_lock.lock();
    if task.allowed_cpus() & 1 << to == 0 || !take_waiting(task, from) {
        return false;
    }
    if !enter(task, to) {
        place(task, Arrival::Moved);
    }
    true
}

/// Places the task anew, if it still waits on `from`. One that `from` is
/// switching away from stays; it is free in a moment.
pub(super) fn evict(placing: &Placing, task: &Arc<Task>, from: usize) {
    let _wake = task.wake_lock.lock();
    if take_waiting(task, from) {
        admission::place(placing, task);
    } else {
        arch::cpu::relax();
    }
}

/// [`enqueue`], out of line: it is long.
#[inline(never)]
fn enter(task: &Arc<Task>, cpu: usize) -> bool {
    enqueue(task, cpu, Arrival::Moved)
}

/// Takes the task out of the queue of `cpu`, if it waits there; the caller
/// places it.
///
/// # Locks
/// The task's wake lock is held until it has a place again.
fn take_waiting(task: &Arc<Task>, cpu: usize) -> bool {
    let mut guard = QUEUES[cpu].queue.lock();
    let queue = &mut *guard;
    let found = queue
        .waiting
        .remove(|item| Arc::ptr_eq(item, task) && !item.is_on_cpu());
    if found.is_some() {
        task.entity.lock().leave(queue.waiting.min_vruntime());
        task.wake.leave_queue();
        QUEUES[cpu].publish(queue);
    }
    found.is_some()
}
