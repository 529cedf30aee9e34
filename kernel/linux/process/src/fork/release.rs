//! How the parent of a vfork waits.

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Release as ReleaseOrder};

use kernel_task::{TaskId, WaitQueue};

/// What a vfork's parent waits for: that the child no longer uses its memory.
#[derive(Default)]
pub struct Release {
    is_done: AtomicBool,
    queue: WaitQueue,
}

impl Release {
    /// The child is gone, or a program of its own.
    pub fn complete(&self) {
        self.is_done.store(true, ReleaseOrder);
        self.queue.wake_all();
    }

    /// Waits for [`Release::complete`], or for death.
    fn wait(&self) {
        let _ = self.queue.wait_killable("wait_for_vfork_done", || {
            self.is_done.load(Acquire).then_some(())
        });
    }
}

/// What `clone` has made.
pub struct Born {
    /// The child's number.
    pub id: TaskId,
    release: Option<Arc<Release>>,
}

impl Born {
    pub(super) fn new(id: TaskId, release: Option<Arc<Release>>) -> Self {
        Self { id, release }
    }

    /// Waits for the child of a vfork. True if it was one.
    pub fn wait(&self) -> bool {
        if let Some(release) = &self.release {
            release.wait();
        }
        self.release.is_some()
    }
}
