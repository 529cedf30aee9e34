//! A task's account with the scheduler and the CPUs it may use, read and
//! changed from outside, wherever the task is: running, waiting or asleep.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::schedule::Entity;

use super::hotplug::possible_cpus;
use super::kick::request_reschedule;
use super::place::move_to_allowed;
use super::queue::{QUEUES, Queue, active_cpus};
use super::{Kind, Task, current};
use kernel_machine::arch;

impl Task {
    /// Nice value, -20 to 19.
    pub fn nice(&self) -> i8 {
        account(self).nice()
    }

    /// Nanoseconds in user mode and in the kernel, which ticks tell apart
    /// ([`Division`](kernel_core::schedule::Division)). Neither ever goes back.
    ///
    /// # Locks
    /// Takes the run queue's lock.
    pub fn times_ns(&self) -> (u64, u64) {
        read(self, |entity| match self.kind {
            Kind::User => self.division.divide(entity.total_ns()),
            Kind::Kernel | Kind::Idle => (0, entity.total_ns()),
        })
    }
}

/// Runs `change` on the task's account, wherever it is, with the account up
/// to date, and the virtual clock that it is read against. A waiting task is
/// put back in its new place, and whoever should run now does soon.
///
/// # Locks
/// Takes the task's wake lock, so that nobody places the task meanwhile, and
/// its queue's: without the first, a task that is in no queue could enter
/// another one with the old account, which is what that CPU would keep.
pub fn change_account(task: &Arc<Task>, change: impl FnOnce(&mut Entity, u64)) {
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
            change(&mut queue.running, queue.waiting.min_vruntime());
        } else if let Some(item) =
            queue.waiting.remove(|item| Arc::ptr_eq(item, task))
        {
            let mut entity = task.entity.lock();
            change(&mut entity, queue.waiting.min_vruntime());
            queue.waiting.push(item, &entity);
        } else {
            let mut entity = task.entity.lock();
            let base = entity.base();
            change(&mut entity, base);
        }
        entry.publish(queue);
        let runs_on = queue.running_task.is_none()
            || !queue.waiting.goes_before(&queue.running, false);
        drop(guard);
        if !runs_on {
            request_reschedule(cpu);
        }
        return;
    }
}

/// The account of a child of the current task, which pays for it as
/// [`Entity::fork`] says.
pub fn fork() -> Entity {
    let mut guard = QUEUES[current().cpu()].queue.lock();
    let queue = &mut *guard;
    queue.running.charge(arch::timer::now_ns());
    queue.waiting.advance(&queue.running);
    queue.running.fork(queue.waiting.min_vruntime())
}

/// A copy of the task's account, up to date.
pub fn account(task: &Task) -> Entity {
    read(task, |entity| entity)
}

/// What `look` makes of the task's account, up to date, under the lock of the
/// queue that the task is in.
fn read<R>(task: &Task, look: impl FnOnce(Entity) -> R) -> R {
    loop {
        let cpu = task.cpu();
        let queue = QUEUES[cpu].queue.lock();
        // If the task is elsewhere by now, it would look as if it had not run
        // since.
        if task.cpu() == cpu {
            return look(account_in(&queue, task));
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
    move_to_allowed(task);
    Ok(())
}
