//! Threads and processes by the numbers that programs know.

use alloc::sync::Arc;

use kernel_abi::Errno;

use crate::Process;
use crate::thread::{number_of, thread_of};
use crate::tree;
use kernel_task::{self as task, Task, TaskId};

/// The task that programs know by this number. A thread that executed another
/// program has its process's number, not that of its task.
pub fn find_task(id: TaskId) -> Option<Arc<Task>> {
    let Some(task) = task::table::find(id) else { return living_thread(id) };
    let Some(thread) = thread_of(&task) else { return Some(task) };
    if thread.id() != id {
        return None;
    }
    if thread.process.signals.lock().is_living_thread(thread.key, &task) {
        return Some(task);
    }
    // It is dead, and known until its process is waited for.
    living_thread(id).or(Some(task))
}

/// The process that a number means, which may be that of any of its threads.
///
/// # Errors
/// `ESRCH`; kernel threads are no processes.
pub fn find_process(id: TaskId) -> Result<Arc<Process>, Errno> {
    if let Some(process) = tree::find(id) {
        return Ok(process);
    }
    let task = find_task(id).ok_or(Errno::ESRCH)?;
    let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
    Ok(thread.process.clone())
}

fn living_thread(id: TaskId) -> Option<Arc<Task>> {
    let mut threads = tree::find(id)?.threads().into_iter();
    threads.find(|task| number_of(task) == id)
}
