//! `cgroup.kill`: ends every process of a group and of those below it.
//!
//! ```text
//!  1  a lease freezes the groups: whoever enters fork stays there
//!  2  every process that is found gets SIGKILL, and no group holds it
//!  3  again, until none is found: children of forks under way
//!  4  the lease ends
//! ```
//!
//! A fork holds the lock over all relations while it looks for a signal and
//! puts its child into the tree of processes and into its group. So does each
//! round, for a moment, at its end: a fork has seen the signal by then, and
//! makes no child, or the next look finds the child. So three rounds are
//! enough, whatever bomb is in the group.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::signal::{SIGKILL, SigInfo};
use kernel_core::cgroup::Handle;
use kernel_core::freezer::{Flags, Hierarchy};

use super::forest::{Tasks, forest};
use super::member;
use kernel_process::signal::send;
use kernel_process::{Process, thread_of, tree};
use kernel_task::refrigerator::{FREEZER, FreezerHost};

/// Ends all processes in `top` and below. Returns when all are on their way.
///
/// # Errors
/// `ENODEV` if the group was removed; `EINVAL` for the root.
pub(super) fn kill(hierarchy: Hierarchy, top: Handle) -> Result<(), Errno> {
    forest().tree(hierarchy).add_lease(top, &Tasks)?;
    while kill_once(hierarchy, top) {}
    forest().tree(hierarchy).drop_lease(top, &Tasks);
    Ok(())
}

/// True if it found somebody to kill.
fn kill_once(hierarchy: Hierarchy, top: Handle) -> bool {
    let mut found = false;
    for task in member::of_subtree(hierarchy, top) {
        let is_new = !task.freezer.flags().contains(Flags::KILLED);
        let process = thread_of(&task).map(|thread| &thread.process);
        // The first process is deaf to such a signal.
        if let Some(process) = process.filter(|it| is_new && it.id != 1) {
            kill_process(process);
            found = true;
        }
    }
    if found {
        drop(tree::lock());
    }
    found
}

fn kill_process(process: &Arc<Process>) {
    for task in process.threads() {
        FREEZER.mark_killed(&FreezerHost, &task);
    }
    // Such a signal always finds room.
    let _ = send::to_process(process, &SigInfo::kernel(SIGKILL));
}
