//! What `/proc` tells of groups: `/proc/cgroups` and `/proc/PID/cgroup`.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::Trail;
use kernel_core::freezer::Hierarchy;

use super::filesystem::is_active;
use super::forest::forest;
use super::member;
use kernel_machine::sync::copy_out;
use kernel_process::{Thread, thread_of};
use kernel_task::Task;

/// The number of cgroup v1's hierarchy; cgroup v2's is 0.
const V1_NUMBER: u32 = 1;

/// The text of `/proc/cgroups`.
///
/// # Errors
/// None.
pub fn controllers() -> Result<String, Errno> {
    let (number, count) = match is_active(Hierarchy::V1) {
        true => (V1_NUMBER, forest().v1.count()),
        false => (0, 1),
    };
    Ok(format!(
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
         freezer\t{number}\t{count}\t1\n"
    ))
}

/// The path of a task's group; in cgroup v2 of a dead task the one in which it
/// ended.
fn path_of(task: &Task, hierarchy: Hierarchy) -> Vec<u8> {
    let trail = match hierarchy {
        Hierarchy::V1 => None,
        Hierarchy::V2 => thread_of(task).and_then(Thread::trail),
    };
    if let Some(trail) = trail {
        return trail.text();
    }
    let slot = member::group_of(task, hierarchy);
    copy_out(|path| forest().tree(hierarchy).copy_path(slot, path))
}

/// What a thread that ends keeps of its group of cgroup v2.
pub fn trail_of(task: &Task) -> Option<Arc<Trail>> {
    let slot = member::group_of(task, Hierarchy::V2);
    forest().tree(Hierarchy::V2).trail(slot)
}

/// The text of `/proc/PID/cgroup` about a task: its groups, a line for each
/// hierarchy.
pub fn groups_of(task: &Task) -> Vec<u8> {
    let mut text = Vec::new();
    let rows = [(Hierarchy::V1, "1:freezer:"), (Hierarchy::V2, "0::")];
    for (hierarchy, head) in rows {
        if is_active(hierarchy) {
            text.extend(head.as_bytes());
            text.extend(path_of(task, hierarchy));
            text.push(b'\n');
        }
    }
    text
}
