//! Moving tasks into a group: writes to `tasks`, `cgroup.procs` and
//! `cgroup.threads` (SPECIFICATION.md V8, V9).

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::cgroup::{ROOT, Tree, request};
use kernel_core::freezer::{Flags, Hierarchy, Host};

use super::attribute::{may_write, of_processes};
use super::events;
use super::forest::{Tasks, forest};
use super::group::Group;
use super::member::{group_of, is_alive};
use super::news;
use kernel_files::permission::{self, Authority};
use kernel_process::authority;
use kernel_process::credentials::Ids;
use kernel_process::{find_task, thread_of};
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

/// Who asks to move tasks, as it was when the file was opened.
pub(super) struct Opener {
    /// Its effective user, which counts in cgroup v1: no capability does.
    user: u32,
    /// What it may with files, which counts in cgroup v2; `None` for
    /// everything.
    authority: Option<Authority>,
}

impl Opener {
    /// The running process.
    pub(super) fn current() -> Self {
        let authority = permission::current();
        Self { user: authority::effective_user(), authority }
    }
}

/// Moves the task that `text` names, or the writer for 0. A dead one does not
/// move, which is no error (SPECIFICATION.md Y3).
///
/// # Errors
/// `EOPNOTSUPP` between domains of cgroup v2 that cannot have it;
/// `EINVAL` for no number and for a thread of the kernel that is bound;
/// `ESRCH` if there is no such task; `EACCES` for one that `opener` may not
/// move; `ENODEV` if the group was removed.
pub(super) fn attach(
    group: Group,
    opener: &Opener,
    text: &[u8],
    what: What,
) -> Result<(), Errno> {
    let to = Destination { group, opener, what };
    let task = match request::parse_task(text)? {
        None => task::current().to_arc(),
        Some(id) => find_task(id).ok_or(Errno::ESRCH)?,
    };
    let Some(thread) = thread_of(&task) else {
        if group.hierarchy == Hierarchy::V1 {
            check_owner(opener, Ids::default())?;
        }
        check_kthread(&task)?;
        return transfer(&to, core::iter::once(&task));
    };
    if group.hierarchy == Hierarchy::V1 {
        let owner = thread.process.credentials.lock().user;
        check_owner(opener, owner)?;
    }
    match what {
        What::Thread => transfer(&to, core::iter::once(&task)),
        What::Process => {
            // Under its lock no thread is made without being seen: it stands
            // in the list, or copies the group of a thread that was moved.
            let signals = thread.process.signals.lock();
            let threads = signals.threads.iter();
            transfer(&to, threads.map(|member| &member.task))
        }
    }
}

/// Where tasks are to move.
struct Destination<'a> {
    group: Group,
    opener: &'a Opener,
    what: What,
}

/// A kernel thread that is bound to a CPU, or works for a workqueue, stays.
fn check_kthread(task: &Task) -> Result<(), Errno> {
    let is_worker = task.freezer.flags().contains(Flags::WQ_WORKER);
    match is_worker || task.allowed_cpus() != u32::MAX {
        true => Err(Errno::EINVAL),
        false => Ok(()),
    }
}

/// cgroup v1: whose the task is counts. Kernel threads are root's.
fn check_owner(opener: &Opener, owner: Ids) -> Result<(), Errno> {
    match [0, owner.real, owner.saved].contains(&opener.user) {
        true => Ok(()),
        false => Err(Errno::EACCES),
    }
}

/// Whether a task may move from one group of cgroup v2 to another: domains
/// take it, a thread stays in its own, and whoever asks may write to
/// `cgroup.procs` of the lowest group that is above both (Linux
/// `cgroup_attach_permissions`).
pub(super) fn check_v2(
    tree: &Tree,
    [from, to]: [u32; 2],
    who: &Option<Authority>,
    what: What,
) -> Result<(), Errno> {
    if let Some(who) = who {
        let above = tree.common_ancestor(from, to);
        if !may_write(who, &of_processes(tree, above)) {
            return Err(Errno::EACCES);
        }
    }
    tree.check_takes_tasks(to)?;
    match what {
        What::Thread => tree.check_same_domain(from, to),
        What::Process => Ok(()),
    }
}

/// Moves tasks, all of them or none, and tells of it. First `FROZEN` is
/// forgotten, then each task is moved and asked (SPECIFICATION.md N5).
fn transfer<'a>(
    to: &Destination<'_>,
    tasks: impl Iterator<Item = &'a Arc<Task>> + Clone,
) -> Result<(), Errno> {
    let Group { hierarchy, handle } = to.group;
    let slot = handle.slot;
    let mut forest = forest();
    let tree = forest.tree(hierarchy);
    tree.get(handle)?;
    let from = |task: &Task| group_of(task, hierarchy);
    let moves = |task: &&Arc<Task>| from(task) != slot && is_alive(task);
    // The lowest group that is populated already, for those who hear of it.
    let mut populated = ROOT;
    if hierarchy == Hierarchy::V2 {
        populated = tree.first_populated(slot, &Tasks);
        // While the forest is locked nobody else moves them.
        for task in tasks.clone().filter(moves) {
            let ends = [from(task), slot];
            check_v2(tree, ends, &to.opener.authority, to.what)?;
        }
    }
    let mut has_moved = false;
    for task in tasks.filter(moves) {
        if !has_moved {
            tree.joined(slot, &Tasks);
        }
        let request = FREEZER.attach(&FreezerHost, task, hierarchy, slot);
        FreezerHost.deliver(task, request);
        // A task that exits does not move.
        has_moved |= group_of(task, hierarchy) == slot;
    }
    match hierarchy {
        _ if !has_moved => {}
        Hierarchy::V1 => {
            drop(forest);
            events::changed_upwards(slot);
        }
        // Whose places these are is certain under the lock only.
        Hierarchy::V2 => news::tell_populated(tree, slot, populated),
    }
    Ok(())
}
