//! Whether the running process may look at another one, or change it.
//!
//! It is asked where the other one's memory is taken, and against the
//! credentials which belong to that memory: an exec puts both in place, and
//! says whether others may look, under the lock over the credentials
//! (`ptrace/link.rs`, `install`). A question that is asked earlier, at an
//! `open` for one, is about what the process was then.

use alloc::sync::Arc;

use kernel_abi::Errno;

use crate::credentials::{Access, Credentials};
use crate::process::Process;
use crate::thread::thread_of;
use kernel_machine::mm::{AddressSpace, Observed};
use kernel_task::{self as task, Task};

/// The asking process's credentials; `None` if it needs not be asked: it is
/// `process` itself, or a kernel thread.
fn asker(process: &Process) -> Option<Credentials> {
    let task = task::current();
    let own = &thread_of(&task)?.process;
    if core::ptr::eq(&**own, process) {
        return None;
    }
    Some(own.credentials.lock().clone())
}

/// Fails unless the running process may have `access` to `process` now.
///
/// # Errors
/// `EPERM`.
pub fn check(process: &Process, access: Access) -> Result<(), Errno> {
    with(process, access, || ())
}

/// The memory of `task`, one of `process`'s, if the running process may have
/// `access` to it; `None` if it has none any more.
///
/// # Errors
/// `EPERM`.
pub fn space(
    process: &Process,
    task: &Task,
    access: Access,
) -> Result<Option<Arc<AddressSpace>>, Errno> {
    with(process, access, || task.space())
}

/// What `take` finds of `process`, if the running process may have `access`
/// to it before and after, and it is the same program: what an exec has made
/// of it meanwhile is not looked at.
///
/// # Errors
/// `EPERM`.
pub fn look<T>(
    process: &Process,
    task: &Task,
    access: Access,
    take: impl FnOnce() -> T,
) -> Result<T, Errno> {
    let now = || space(process, task, access).map(|it| it.map(Observed::from));
    let before = now()?;
    let found = take();
    let after = now()?;
    let place = |space: &Arc<AddressSpace>| Arc::as_ptr(space);
    match before.as_deref().map(place) == after.as_deref().map(place) {
        true => Ok(found),
        false => Err(Errno::EPERM),
    }
}

/// Takes something of `process` at an instant when that is allowed.
fn with<T>(
    process: &Process,
    access: Access,
    take: impl FnOnce() -> T,
) -> Result<T, Errno> {
    let Some(own) = asker(process) else { return Ok(take()) };
    let target = process.credentials.lock();
    let taken = own.may_access(&target, access).then(take);
    drop(target);
    taken.ok_or(Errno::EPERM)
}
