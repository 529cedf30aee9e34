//! A task's account with the scheduler and the CPUs it may use, read and
//! changed from outside, wherever the task is: running, waiting or asleep.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::schedule::{Arrival, Entity};

use super::queue::{QUEUES, online_cpus};
use super::scheduler::request_reschedule;
use super::{Task, wake};
use crate::arch;

/// Runs `change` on the task's account, wherever it is, with the account up
/// to date. A waiting task is put back in its new place.
pub fn change_account(task: &Arc<Task>, change: impl FnOnce(&mut Entity)) {
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
    let queue = QUEUES[task.cpu()].queue.lock();
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

/// Restricts the task to the CPUs of `mask` and moves it if it must.
///
/// # Errors
/// `EINVAL` if no CPU of `mask` is online; nothing was changed.
pub fn set_affinity(task: &Arc<Task>, mask: u32) -> Result<(), Errno> {
    let mask = mask & online_cpus();
    if mask == 0 {
        return Err(Errno::EINVAL);
    }
    task.allowed.store(mask, Relaxed);
    let _wake = task.wake_lock.lock();
    let cpu = task.cpu();
    if mask & 1 << cpu != 0 {
        return Ok(());
    }
    if take_waiting(task, cpu) {
        wake::place(task, Arrival::Moved);
    } else if task.is_on_cpu() {
        request_reschedule(cpu);
    }
    Ok(())
}

/// Takes the task out of the queue of `cpu`, if it waits there.
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
