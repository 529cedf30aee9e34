//! A task's account with the scheduler and the CPUs it may use, read and
//! changed from outside, wherever the task is: running, waiting or asleep.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::schedule::door;
use kernel_core::schedule::{Arrival, Entity};

use super::hotplug::possible_cpus;
use super::queue::{QUEUES, Queue, active_cpus};
use super::scheduler::{enqueue, request_reschedule};
use super::wake::Placing;
use super::{Task, wake};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;

/// Runs `change` on the task's account, wherever it is, with the account up
/// to date. A waiting task is put back in its new place.
///
/// # Locks
/// Takes the task's wake lock, so that nobody places the task meanwhile, and
/// its queue's: without the first, a task that is in no queue could enter
/// another one with the old account, which is what that CPU would keep.
pub fn change_account(task: &Arc<Task>, change: impl FnOnce(&mut Entity)) {
    let _wake = task.wake_lock.lock();
    loop {
        let cpu = task.cpu();
        let entry = &QUEUES[cpu];
        let mut guard = entry.queue.lock();
        let queue = &mut *guard;
        if task.cpu() != cpu {
            continue;
        }
        let runs_here = queue
            .running_task
            .as_ref()
            .is_some_and(|running| Arc::ptr_eq(running, task));
        if runs_here {
            queue.running.charge(arch::timer::now_ns());
            change(&mut queue.running);
        } else if let Some(item) =
            queue.waiting.remove(|item| Arc::ptr_eq(item, task))
        {
            let mut entity = task.entity.lock();
            change(&mut entity);
            queue.waiting.push(item, &entity);
        } else {
            change(&mut task.entity.lock());
        }
        entry.publish(queue);
        return;
    }
}

/// A copy of the task's account, up to date.
pub fn account(task: &Task) -> Entity {
    loop {
        let cpu = task.cpu();
        let queue = QUEUES[cpu].queue.lock();
        // Elsewhere by now, it would look as if it had not run since.
        if task.cpu() == cpu {
            return account_in(&queue, task);
        }
    }
}

/// As [`account`], of a task whose CPU's queue this is.
fn account_in(queue: &Queue, task: &Task) -> Entity {
    let runs_here = queue
        .running_task
        .as_ref()
        .is_some_and(|running| core::ptr::eq(&**running, task));
    if runs_here {
        let mut entity = queue.running;
        entity.charge(arch::timer::now_ns());
        return entity;
    }
    *task.entity.lock()
}

/// Restricts the task to the CPUs of `mask` and moves it if it must. CPUs
/// that are off now count as soon as they are on.
///
/// # Errors
/// `EINVAL` if no CPU of `mask` is on; nothing was changed.
pub fn set_affinity(task: &Arc<Task>, mask: u32) -> Result<(), Errno> {
    if mask & active_cpus() == 0 {
        return Err(Errno::EINVAL);
    }
    task.allowed.store(mask & possible_cpus(), Relaxed);
    send_home(task);
    Ok(())
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
pub(super) fn send_home(task: &Arc<Task>) {
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
            // Marked, not only called: a CPU where nobody waits takes the
            // call for one of the freezer's.
            task.set_work(work::RESCHEDULE);
            drop(guard);
            request_reschedule(cpu);
            return;
        }
        drop(guard);
        if take_waiting(task, cpu) {
            wake::place(task, Arrival::Moved);
        } else {
            // Asleep, or just leaving the CPU: it looks when it runs again.
            task.set_work(work::RESCHEDULE);
        }
        return;
    }
}

/// Moves the task, if it still waits on `from`, to `to`.
pub(super) fn push(task: &Arc<Task>, from: usize, to: usize) {
    let _wake = task.wake_lock.lock();
    if task.allowed_cpus() & 1 << to == 0 || !take_waiting(task, from) {
        return;
    }
    if !enter(task, to) {
        wake::place(task, Arrival::Moved);
    }
}

/// Places the task anew, if it still waits on `from`. One that `from` is
/// switching away from stays; it is free in a moment.
pub(super) fn evict(placing: &Placing, task: &Arc<Task>, from: usize) {
    let _wake = task.wake_lock.lock();
    if take_waiting(task, from) {
        door::place(placing, task);
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
