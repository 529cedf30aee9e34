//! What threads and processes have used so far.

use core::sync::atomic::Ordering::Relaxed;

use crate::process::Process;
use crate::thread::Thread;
use crate::usage::Usage;
use kernel_task::Task;

impl Process {
    /// What its threads used so far.
    pub fn usage(&self) -> Usage {
        // A thread that ends moves from the one to the other under this lock.
        let signals = self.signals.lock();
        let mut sum = *self.ended_usage.lock();
        for member in &signals.threads {
            sum.add(&thread_usage(&member.task));
        }
        sum
    }

    /// What it and its children that were waited for used.
    pub fn usage_with_children(&self) -> Usage {
        let mut sum = self.usage();
        sum.add(&self.children_usage.lock());
        sum
    }
}

/// What a task used.
pub fn thread_usage(task: &Task) -> Usage {
    let (user_ns, system_ns) = task.times_ns();
    let (voluntary, involuntary) = task.switches();
    let thread: Option<&Thread> = task.owner();
    let faults = thread.map_or(0, |thread| thread.faults.load(Relaxed));
    Usage { user_ns, system_ns, faults, voluntary, involuntary, peak_pages: 0 }
}
