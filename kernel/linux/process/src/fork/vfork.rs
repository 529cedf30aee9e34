//! How the parent of a vfork waits.

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Release};

use kernel_task::{TaskId, WaitQueue};

/// What a vfork's parent waits for: that the child no longer uses its memory.
#[derive(Default)]
pub struct VforkDone {
    is_done: AtomicBool,
    queue: WaitQueue,
}

impl VforkDone {
    /// The child is gone, or a program of its own.
    pub fn complete(&self) {
        self.is_done.store(true, Release);
        self.queue.wake_all();
    }

    /// Waits for [`VforkDone::complete`], or for death.
    fn wait(&self) {
        let _ = self.queue.wait_killable("wait_for_vfork_done", || {
            self.is_done.load(Acquire).then_some(())
        });
    }
}

/// What `clone` has made.
pub struct Cloned {
    /// The child's number.
    pub id: TaskId,
    done: Option<Arc<VforkDone>>,
}

impl Cloned {
    pub(super) fn new(id: TaskId, done: Option<Arc<VforkDone>>) -> Self {
        Self { id, done }
    }

    /// Waits for the child of a vfork. True if it was one.
    pub fn wait(&self) -> bool {
        if let Some(done) = &self.done {
            done.wait();
        }
        self.done.is_some()
    }
}
