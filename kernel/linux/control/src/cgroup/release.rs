//! The release agent of cgroup v1: a program that is started when the last
//! task or group has left a group that has `notify_on_release` set (Linux
//! `cgroup1_release_agent`).
//!
//! The last to leave is on its way out and must not wait, so it leaves a mark,
//! and a kernel thread does the rest. It looks again: by then the group
//! may have tasks, another name, or no agent.
//!
//! Next to read: `kernel/linux/process/src/helper.rs`.

use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::forest::{Tasks, forest};
use kernel_process::helper;
use kernel_task::kthread::kthread_run;

pub(super) mod mark;

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub(super) fn init() -> Result<(), Errno> {
    kthread_run("cgroup_release", run).map(drop)
}

/// Not freezable: a freeze would wait for it while it waits to start a
/// helper, which is after the thaw.
fn run() {
    loop {
        release(mark::next());
    }
}

fn release(slot: u32) {
    let Some((agent, path)) = agent_for(slot) else { return };
    if let Err(error) = helper::call(&agent, &[&path]) {
        let agent = String::from_utf8_lossy(&agent);
        log::warn!("cgroup: release agent {agent}: error {error}");
    }
}

/// The program to start, and the group's path, if there is one to start.
fn agent_for(slot: u32) -> Option<(Vec<u8>, Vec<u8>)> {
    let forest = forest();
    let is_wanted =
        !forest.release_agent.is_empty() && forest.v1.is_released(slot, &Tasks);
    is_wanted.then(|| (forest.release_agent.clone(), forest.v1.path(slot)))
}
