//! Who is in a group.
//!
//! A task knows its groups, a group only the number of its tasks: so a fork
//! and an exit change no list, and a read of `tasks` walks all tasks.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_core::cgroup::{Handle, ROOT, Tree};
use kernel_core::freezer::{Flags, Hierarchy};

use super::forest::forest;
use kernel_machine::arch;
use kernel_machine::sync::copy_out;
use kernel_process::{number_of, thread_of};
use kernel_task::refrigerator::FREEZER;
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

/// Whether it stands in the group, or has not left it yet although it exits:
/// until then the group cannot be removed. A task that has left is in the root
/// for the freezer, and in no group for programs.
fn is_in(task: &Task, hierarchy: Hierarchy, slot: u32) -> bool {
    group_of(task, hierarchy) == slot && (slot != ROOT || is_alive(task))
}

/// The numbers of a group's tasks, ascending.
pub(super) fn threads(hierarchy: Hierarchy, slot: u32) -> Vec<u32> {
    numbers(number_of, hierarchy, &[slot])
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
    numbers(process_number, hierarchy, &slots)
}

/// How often a list is made anew in which a task is missing that counts. One
/// that goes from group to group needs less than one look; whatever else keeps a
/// count, the reader comes to an end.
const LOOKS: usize = 100;

/// Numbers of the groups' tasks, each once. If there is none, no task counts as
/// a member any more: who reads so can remove the group.
fn numbers(
    of: fn(&Task) -> u32,
    hierarchy: Hierarchy,
    slots: &[u32],
) -> Vec<u32> {
    let is_member =
        |task: &Task| slots.iter().any(|slot| is_in(task, hierarchy, *slot));
    // A task counts in two groups for as long as it takes to go from one to the
    // other, which is some instructions.
    let is_between = |slot: &u32| FREEZER.group_members(*slot) != 0;
    let mut members = Vec::new();
    for _ in 0..LOOKS {
        members = table::all();
        members.retain(|task| is_member(task));
        if !members.is_empty() || !slots.iter().any(is_between) {
            break;
        }
        arch::cpu::relax();
    }
    let born = members.iter().filter(|task| !is_unborn(task));
    let mut numbers: Vec<u32> = born.map(|task| of(task)).collect();
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
