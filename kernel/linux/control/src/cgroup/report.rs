//! `/proc/cgroups` and `/proc/PID/cgroup`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::Hierarchy;

use super::filesystem::is_active;
use super::{forest, member};
use kernel_files::proc;
use kernel_files::sys::Attribute;
use kernel_process::report::set_groups;
use kernel_task::Task;

/// The number of cgroup v1's hierarchy; cgroup v2's is 0.
const V1_NUMBER: u32 = 1;

/// Connects both.
///
/// # Errors
/// `EEXIST` if called twice.
pub(super) fn init() -> Result<(), Errno> {
    set_groups(groups_of);
    proc::register("/proc/cgroups", Attribute::read_only(controllers))
}

fn controllers() -> Result<String, Errno> {
    let (number, count) = match is_active(Hierarchy::V1) {
        true => (V1_NUMBER, forest().v1.count()),
        false => (0, 1),
    };
    Ok(format!(
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\n\
         freezer\t{number}\t{count}\t1\n"
    ))
}

/// The groups of a task, a line for each hierarchy.
fn groups_of(task: &Task) -> Vec<u8> {
    let mut text = Vec::new();
    let rows = [(Hierarchy::V1, "1:freezer:"), (Hierarchy::V2, "0::")];
    for (hierarchy, head) in rows {
        if is_active(hierarchy) {
            let slot = member::group_of(task, hierarchy);
            text.extend(head.as_bytes());
            text.extend(forest().tree(hierarchy).path(slot));
            text.push(b'\n');
        }
    }
    text
}
