//! Where one waiter sleeps: a queue of its own.

use alloc::sync::Arc;

use kernel_core::ipc::line::Wake;
use kernel_task::WaitQueue;

/// Wakes one waiter.
#[derive(Clone)]
pub(crate) struct Bell(pub(crate) Arc<WaitQueue>);

impl Bell {
    /// For a new waiter.
    pub(crate) fn new() -> Self {
        Self(Arc::new(WaitQueue::new()))
    }
}

impl Wake for Bell {
    fn wake(&self) {
        self.0.wake_one();
    }
}
