//! What the running process may do.

use kernel_abi::Errno;
use kernel_abi::signal::SIGXFSZ;
use kernel_core::capability::Capability;

use super::signal::send;
use super::thread_of;
use kernel_files::permission::Authority;
use kernel_files::size_limit;
use kernel_task as task;

/// Who the running process is; `None` for a kernel thread.
pub fn maker() -> Option<Authority> {
    let task = task::current();
    Some(thread_of(&task)?.process.credentials.lock().maker())
}

/// The user whose rights the running process uses, whatever it may beside; 0 for
/// a kernel thread.
pub fn effective_user() -> u32 {
    let task = task::current();
    thread_of(&task)
        .map_or(0, |it| it.process.credentials.lock().user.effective)
}

/// Whether the running process has `capability`, as a kernel thread has. Each
/// question for a capability is asked here, or of the
/// [`Credentials`](crate::credentials::Credentials) at hand; those about files
/// in `kernel_files::permission`.
pub fn has(capability: Capability) -> bool {
    let task = task::current();
    let Some(thread) = thread_of(&task) else { return true };
    thread.process.credentials.lock().has(capability)
}

/// Fails unless the running process has `capability`.
///
/// # Errors
/// `EPERM`.
pub fn check(capability: Capability) -> Result<(), Errno> {
    has(capability).then_some(()).ok_or(Errno::EPERM)
}

/// The rights of the running process; `None` if it may do everything, as a
/// kernel thread may.
pub fn current() -> Option<Authority> {
    let task = task::current();
    let process = &thread_of(&task)?.process;
    process.credentials.lock().authority()
}

/// How long it may make files.
pub static FILE_SIZE: size_limit::Source =
    size_limit::Source { most: most_of_file, exceeded: too_long };

fn most_of_file() -> Option<u64> {
    let task = task::current();
    thread_of(&task)?.process.limits.lock().file_size()
}

/// Only a process has a limit, so the running thread is one of its.
fn too_long() {
    send::to_current(SIGXFSZ);
}
