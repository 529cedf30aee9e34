//! Threads by the numbers that programs know.

use alloc::sync::Arc;

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

fn living_thread(id: TaskId) -> Option<Arc<Task>> {
    let mut threads = tree::find(id)?.threads().into_iter();
    threads.find(|task| number_of(task) == id)
}
