//! What `/proc` tells of groups: `/proc/cgroups` and `/proc/PID/cgroup`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::Hierarchy;

use super::filesystem::is_active;
use super::forest::forest;
use super::member;
use kernel_machine::sync::copy_out;
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

/// The text of `/proc/PID/cgroup` about a task: its groups, a line for each
/// hierarchy.
pub fn groups_of(task: &Task) -> Vec<u8> {
    let mut text = Vec::new();
    let rows = [(Hierarchy::V1, "1:freezer:"), (Hierarchy::V2, "0::")];
    for (hierarchy, head) in rows {
        if is_active(hierarchy) {
            let slot = member::group_of(task, hierarchy);
            text.extend(head.as_bytes());
            text.extend(copy_out(|path| {
                forest().tree(hierarchy).copy_path(slot, path)
            }));
            text.push(b'\n');
        }
    }
    text
}
