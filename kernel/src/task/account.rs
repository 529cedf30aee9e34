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
use crate::arch::cpu::MAX_CPUS;
use crate::arch::thread::work;

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
/// Nothing here is lock-free: wherever the task goes meanwhile (woken, pulled
/// by an idle CPU, between two queues), it cannot stay on a CPU it may not
/// use, by the locks of the queues.
///
/// ```text
///  set_affinity                        CPU takes a task to run
///  ------------                        -----------------------
///  allowed := mask                     [its queue's lock]
///  for each CPU not in mask:             running := task
///    [that queue's lock]                 read allowed: not here, so mark it
///      it waits here: place it
///      it runs here: mark it
/// ```
///
/// On each queue one of the two sections is the first. If it is the left one,
/// its lock carries `allowed` to the right one; else the left one finds the
/// task running. A marked task passes [`super::scheduler::schedule`] on its
/// way to user mode, which finds it another CPU.
///
/// # Errors
/// `EINVAL` if no CPU of `mask` is online; nothing was changed.
pub fn set_affinity(task: &Arc<Task>, mask: u32) -> Result<(), Errno> {
    let online = online_cpus();
    let mask = mask & online;
    if mask == 0 {
        return Err(Errno::EINVAL);
    }
    task.allowed.store(mask, Relaxed);
    let _wake = task.wake_lock.lock();
    let forbidden = online & !mask;
    for cpu in (0..MAX_CPUS).filter(|cpu| forbidden & 1 << cpu != 0) {
        evict(task, cpu);
    }
    Ok(())
}

/// Moves the task away if it waits on `cpu`; marks it if it runs there.
fn evict(task: &Arc<Task>, cpu: usize) {
    let mut guard = QUEUES[cpu].queue.lock();
    let queue = &mut *guard;
    let running = queue.running_task.as_ref();
    if running.is_some_and(|running| Arc::ptr_eq(running, task)) {
        drop(guard);
        task.set_work(work::RESCHEDULE);
        request_reschedule(cpu);
        return;
    }
    // One that is not off its stack yet stays, and is marked when its turn
    // comes.
    let found = queue
        .waiting
        .remove(|item| Arc::ptr_eq(item, task) && !item.is_on_cpu());
    if found.is_none() {
        return;
    }
    task.entity.lock().leave(queue.waiting.min_vruntime());
    task.wake.leave_queue();
    QUEUES[cpu].publish(queue);
    drop(guard);
    wake::place(task, Arrival::Moved);
}
