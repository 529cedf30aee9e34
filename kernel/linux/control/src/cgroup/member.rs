//! Who is in a group.
//!
//! A task knows its groups, a group only the number of its tasks: so a fork
//! and an exit change no list, and a read of `tasks` walks all tasks.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_core::cgroup::{Handle, Tree};
use kernel_core::freezer::{Flags, Hierarchy};

use super::forest::forest;
use kernel_machine::sync::copy_out;
use kernel_process::{number_of, thread_of};
use kernel_task::{Task, table};

/// The group of a task.
pub(super) fn group_of(task: &Task, hierarchy: Hierarchy) -> u32 {
    task.freezer.groups().of(hierarchy)
}

pub(super) fn is_alive(task: &Task) -> bool {
    !task.freezer.flags().contains(Flags::EXITING)
}

/// A place is kept for it, and it is not born yet.
fn is_unborn(task: &Task) -> bool {
    task.is_user() && task.freezer.flags().contains(Flags::NOFREEZE)
}

/// The numbers of a group's tasks, ascending.
pub(super) fn threads(hierarchy: Hierarchy, slot: u32) -> Vec<u32> {
    numbers(number_of, |task| group_of(task, hierarchy) == slot)
}

/// The numbers of the processes in a domain, ascending: in the group, and in
/// threaded groups that belong to it.
pub(super) fn processes(hierarchy: Hierarchy, slot: u32) -> Vec<u32> {
    let slots: Vec<u32> = copy_out(|slots| {
        let mut forest = forest();
        let tree: &Tree = forest.tree(hierarchy);
        let is_its = |group: &u32| tree.domain(*group) == slot;
        let count = tree.subtree(slot).filter(is_its).count();
        if count <= slots.capacity() {
            slots.extend(tree.subtree(slot).filter(is_its));
        }
        count
    });
    numbers(process_number, |task| slots.contains(&group_of(task, hierarchy)))
}

/// Numbers of living tasks, each once.
fn numbers(
    of: fn(&Task) -> u32,
    is_member: impl Fn(&Task) -> bool,
) -> Vec<u32> {
    let all = table::all();
    let members = all
        .iter()
        .filter(|task| is_member(task) && is_alive(task) && !is_unborn(task));
    let mut numbers: Vec<u32> = members.map(|task| of(task)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The number of a thread's process.
fn process_number(task: &Task) -> u32 {
    thread_of(task).map_or(task.id(), |thread| thread.process.id)
}

/// The tasks of a group and of all groups below it.
pub(super) fn of_subtree(hierarchy: Hierarchy, top: Handle) -> Vec<Arc<Task>> {
    let mut all = table::all();
    let mut forest = forest();
    let tree: &Tree = forest.tree(hierarchy);
    let is_below =
        |task: &Task| tree.is_within(top.slot, group_of(task, hierarchy));
    let mut count = 0;
    for at in 0..all.len() {
        if is_below(&all[at]) && is_alive(&all[at]) {
            all.swap(count, at);
            count += 1;
        }
    }
    drop(forest);
    // References end outside the lock, in case one is the last.
    all.truncate(count);
    all
}
