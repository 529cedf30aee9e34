//! Moving tasks into a group: writes to `tasks`, `cgroup.procs` and
//! `cgroup.threads` (SPECIFICATION.md V8, V9).

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::cgroup::{Handle, Tree, request};
use kernel_core::freezer::{Flags, Hierarchy, Host};

use super::events;
use super::forest::{Tasks, forest};
use super::member::group_of;
use kernel_process::{Process, current, find_task, thread_of};
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{self as task, Task};

/// How much of a process moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// The one thread.
    Thread,
    /// All threads of its process.
    Process,
}

/// Moves the task that `text` names, or the writer for 0.
///
/// # Errors
/// `EOPNOTSUPP` between domains of cgroup v2 that cannot have it;
/// `EINVAL` for no number and for a thread of the kernel that is bound;
/// `ESRCH` if there is no such task; `EACCES` for another user's; `ENODEV`
/// if the group was removed.
pub(super) fn attach(
    hierarchy: Hierarchy,
    to: Handle,
    text: &[u8],
    what: What,
) -> Result<(), Errno> {
    let task = match request::parse_task(text)? {
        None => task::current().to_arc(),
        Some(id) => find_task(id).ok_or(Errno::ESRCH)?,
    };
    let Some(thread) = thread_of(&task) else {
        check_kthread(&task)?;
        return transfer(hierarchy, to, core::iter::once(&task), what);
    };
    check_owner(&thread.process)?;
    match what {
        What::Thread => transfer(hierarchy, to, core::iter::once(&task), what),
        What::Process => {
            // Under its lock no thread is made without being seen: it stands
            // in the list, or copies the group of a thread that was moved.
            let signals = thread.process.signals.lock();
            let threads = signals.threads.iter();
            transfer(hierarchy, to, threads.map(|member| &member.task), what)
        }
    }
}

/// A kernel thread that is bound to a CPU, or works for a workqueue, stays.
fn check_kthread(task: &Task) -> Result<(), Errno> {
    let is_worker = task.freezer.flags().contains(Flags::WQ_WORKER);
    match is_worker || task.allowed_cpus() != u32::MAX {
        true => Err(Errno::EINVAL),
        false => Ok(()),
    }
}

fn check_owner(process: &Process) -> Result<(), Errno> {
    let own = current().process.credentials.lock().clone();
    let their = process.credentials.lock().user;
    let own = own.user.effective;
    match own == 0 || own == their.real || own == their.saved {
        true => Ok(()),
        false => Err(Errno::EACCES),
    }
}

/// cgroup v2: a domain that takes tasks, and a thread stays in its own.
fn check_domains(
    tree: &Tree,
    task: &Task,
    hierarchy: Hierarchy,
    to: Handle,
    what: What,
) -> Result<(), Errno> {
    if hierarchy == Hierarchy::V1 {
        return Ok(());
    }
    tree.check_takes_tasks(to.slot)?;
    match what {
        What::Thread => {
            tree.check_same_domain(group_of(task, hierarchy), to.slot)
        }
        What::Process => Ok(()),
    }
}

/// Moves tasks. First `FROZEN` is forgotten, then each task is moved and
/// asked (SPECIFICATION.md N5).
fn transfer<'a>(
    hierarchy: Hierarchy,
    to: Handle,
    tasks: impl Iterator<Item = &'a Arc<Task>>,
    what: What,
) -> Result<(), Errno> {
    let mut forest = forest();
    forest.tree(hierarchy).get(to)?;
    let (mut found, mut moved) = (false, false);
    for task in tasks {
        if group_of(task, hierarchy) == to.slot {
            found = true;
            continue;
        }
        check_domains(forest.tree(hierarchy), task, hierarchy, to, what)?;
        if !moved {
            forest.tree(hierarchy).joined(to.slot, &Tasks);
        }
        let request = FREEZER.attach(&FreezerHost, task, hierarchy, to.slot);
        FreezerHost.deliver(task, request);
        // A task that exits does not move.
        moved |= group_of(task, hierarchy) == to.slot;
    }
    drop(forest);
    if moved {
        events::changed_upwards(to.slot);
    }
    (found || moved).then_some(()).ok_or(Errno::ESRCH)
}
