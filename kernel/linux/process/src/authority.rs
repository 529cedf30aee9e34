//! What the running process may do with files.

use super::thread_of;
use kernel_files::permission::Authority;
use kernel_task as task;

/// Who the running process is; `None` for a kernel thread.
pub fn maker() -> Option<Authority> {
    let task = task::current();
    let credentials = thread_of(&task)?.process.credentials.lock();
    let (user, group) =
        (credentials.user.effective, credentials.group.effective);
    Some(Authority { user, group, groups: credentials.groups.clone() })
}

/// The rights of the running process; `None` if it may do everything, as a
/// kernel thread may.
pub fn current() -> Option<Authority> {
    let task = task::current();
    let process = &thread_of(&task)?.process;
    process.credentials.lock().authority()
}
