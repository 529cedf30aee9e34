//! What stands in a futex's queue.

use alloc::sync::Arc;
use core::sync::atomic::AtomicBool;

use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

/// What a futex is: an address in one memory, or a place in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Which memory, or which shared object.
    pub(super) object: usize,
    /// Address, or offset in the object.
    pub(super) offset: usize,
}

/// Whether other processes may share the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Only threads of one memory (`FUTEX_PRIVATE_FLAG`).
    Private,
    /// Whoever maps the same memory.
    Shared,
}

/// One thread's place in a queue; every thread has its own.
pub struct Waiter {
    pub(super) state: SpinLock<Place>,
    pub(super) is_woken: AtomicBool,
    pub(super) queue: WaitQueue,
}

/// Where a waiter stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) key: Key,
    /// Wakers with a common bit wake it.
    pub(super) bits: u32,
}

impl Waiter {
    /// For a new thread.
    pub fn new() -> Arc<Self> {
        let key = Key { object: 0, offset: 0 };
        let place = Place { key, bits: 0 };
        Arc::new(Self {
            state: SpinLock::with_rank(Rank::Freezer, place),
            is_woken: AtomicBool::new(false),
            queue: WaitQueue::new(),
        })
    }

    pub(super) fn place(&self) -> Place {
        *self.state.lock()
    }
}
