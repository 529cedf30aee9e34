//! What stands in a futex's queue.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use core::sync::atomic::{AtomicBool, AtomicU8};

use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{TaskId, WaitQueue};

/// What a futex is: an address in one memory, or a place in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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
    /// Sleeps for it: they are one thread's.
    leader: Option<Arc<Waiter>>,
}

/// Where a waiter stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) key: Key,
    /// Wakers with a common bit wake it.
    pub(super) bits: u32,
    /// Where it goes from here; nobody wakes it instead.
    pub(super) target: Option<Target>,
}

/// A lock that a waiter goes on to wait for, and who it is (`pi.rs`).
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) lock: Key,
    pub(super) task: TaskId,
    /// Its number as programs know it.
    pub(super) visible: TaskId,
}

impl Waiter {
    /// For a new thread.
    pub fn new() -> Arc<Self> {
        Self::with_leader(None)
    }

    /// One of several of a thread; who wakes it wakes `leader`.
    pub(super) fn led_by(leader: &Arc<Self>) -> Arc<Self> {
        Self::with_leader(Some(leader.clone()))
    }

    fn with_leader(leader: Option<Arc<Self>>) -> Arc<Self> {
        let key = Key { object: 0, offset: 0 };
        let place = Place { key, bits: 0, target: None };
        Arc::new(Self {
            state: SpinLock::with_rank(Rank::Freezer, place),
            is_woken: AtomicBool::new(false),
            queue: WaitQueue::new(),
            leader,
        })
    }

    /// Its thread looks, and sleeps no longer.
    pub(super) fn wake(&self) {
        self.is_woken.store(true, Release);
        let sleeper = self.leader.as_deref().unwrap_or(self);
        sleeper.queue.wake_all();
    }

    pub(super) fn place(&self) -> Place {
        *self.state.lock()
    }
}

/// Whether others wait for what a thread owns.
#[derive(Default)]
pub(crate) struct Contended(AtomicU8);

const FREE: u8 = 0;
const WAITED: u8 = 1;
const ENDED: u8 = 2;

impl Contended {
    /// Somebody waits from now on. False if the owner has ended.
    pub(super) fn wait(&self) -> bool {
        let change = self.0.compare_exchange(FREE, WAITED, AcqRel, Acquire);
        change != Err(ENDED)
    }

    /// The owner ends. Whether somebody waits.
    pub(super) fn end(&self, end: End) -> bool {
        let next = match end {
            End::Exit => ENDED,
            End::Exec => FREE,
        };
        self.0.swap(next, AcqRel) == WAITED
    }
}

/// What becomes of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It ends.
    Exit,
    /// It runs another program.
    Exec,
}
