//! Whom a call about scheduling means, and who may say something about it.
//!
//! Next: `policy.rs`.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::capability::Capability;

use kernel_process::{Process, current, find_task};
use kernel_task::{self as task, Task};

/// The task that 0 or a number means.
pub(super) fn named(id: i32) -> core::result::Result<Arc<Task>, Errno> {
    match id {
        0 => Ok(task::current().to_arc()),
        1.. => find_task(id as u32).ok_or(Errno::ESRCH),
        _ => Err(Errno::EINVAL),
    }
}

/// Whether the caller may say when and where `process` runs; a kernel thread
/// has none.
///
/// # Errors
/// `EPERM` if it may not.
pub(super) fn check_may_schedule(
    process: Option<&Process>,
) -> core::result::Result<(), Errno> {
    let own = current().process.credentials.lock().clone();
    let may = match process {
        Some(process) => own.may_schedule(&process.credentials.lock()),
        None => own.has(Capability::SYS_NICE),
    };
    if may { Ok(()) } else { Err(Errno::EPERM) }
}
