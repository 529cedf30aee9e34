//! Process groups and sessions.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::{Process, ProcessId, current, find_process, tree};

/// The process that 0, or a number of it or of a thread of it, means.
///
/// # Errors
/// `ESRCH`.
pub fn named(id: i32) -> Result<Arc<Process>, Errno> {
    match id {
        0 => Ok(current().process.clone()),
        1.. => find_process(id as u32),
        _ => Err(Errno::ESRCH),
    }
}

/// `setpgid(2)`: 0 stands for the caller, and for the process's own number.
///
/// The process was found before the tree is locked; only one that still
/// stands in it may become a member of a group:
///
/// | `setpgid` of a child | another thread of the parent |
/// |---|---|
/// | finds the child | |
/// | | waits for it: it leaves tree and group |
/// | locks the tree, finds it gone: `ESRCH` | |
///
/// # Errors
/// `ESRCH`, `EINVAL`, `EPERM`, `EACCES` as there.
pub fn set_group(id: i32, group: i32) -> Result<(), Errno> {
    let process = named(id)?;
    let own = current().process.clone();
    let group = match u32::try_from(group).map_err(|_| Errno::EINVAL)? {
        0 => process.id,
        group => group,
    };
    let mut tree = tree::lock();
    if !tree.holds(&process) {
        return Err(Errno::ESRCH);
    }
    if process.id != own.id {
        check_child(&own, &process)?;
    }
    if process.session() == process.id {
        return Err(Errno::EPERM);
    }
    let is_own_group = group == process.id;
    if !is_own_group && tree.group_session(group) != Some(process.session()) {
        return Err(Errno::EPERM);
    }
    if group != process.group() {
        tree.set_group(&process, group);
    }
    Ok(())
}

fn check_child(own: &Process, child: &Process) -> Result<(), Errno> {
    if child.parent() != own.id {
        return Err(Errno::ESRCH);
    }
    if child.session() != own.session() {
        return Err(Errno::EPERM);
    }
    if child.program() != 0 {
        return Err(Errno::EACCES);
    }
    Ok(())
}

/// `setsid(2)`; the new session's number.
///
/// # Errors
/// `EPERM` for the leader of a process group.
pub fn set_session() -> Result<ProcessId, Errno> {
    let own = current().process.clone();
    let mut tree = tree::lock();
    if tree.group_session(own.id).is_some() {
        return Err(Errno::EPERM);
    }
    tree.begin_session(&own);
    Ok(own.id)
}
