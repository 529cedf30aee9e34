//! The end of a process, for who holds a descriptor of it.
//!
//! ```text
//!  who polls                           the process ends
//!  ---------                           ----------------
//!  lock, take or make the queue        is_over := true
//!  join the queue                      lock, is there a queue?
//!  read is_over: over?                 wake all in it
//! ```
//!
//! The lock and the queue's own put one before the other: the end finds the
//! queue, or the reader of `is_over` comes after it was written; and it finds
//! the waiter in the queue, or the same.

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Release};

use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

/// Whether a process has ended, and who wants to know.
pub(crate) struct End {
    is_over: AtomicBool,
    /// Once somebody has asked.
    watchers: SpinLock<Option<Arc<WaitQueue>>>,
}

impl End {
    pub(crate) fn new() -> Self {
        let watchers = SpinLock::with_rank(Rank::Freezer, None);
        Self { is_over: AtomicBool::new(false), watchers }
    }

    /// The last thread is gone, and the parent has been told.
    pub(crate) fn tell(&self) {
        self.is_over.store(true, Release);
        let watchers = self.watchers.lock().clone();
        if let Some(watchers) = watchers {
            watchers.wake_all();
        }
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Acquire)
    }

    /// Where to wait for it.
    pub(crate) fn queue(&self) -> Arc<WaitQueue> {
        let new = Arc::new(WaitQueue::new());
        self.watchers.lock().get_or_insert(new).clone()
    }
}
