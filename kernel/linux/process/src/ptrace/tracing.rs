//! What a thread keeps about tracing.

use alloc::boxed::Box;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64};

use super::register::Registers;
use crate::process::ProcessId;
use crate::tree::Tree;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::TaskId;

/// Who traces a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tracer {
    /// The process that hears of its stops.
    pub process: ProcessId,
    /// The task that may make requests.
    pub task: TaskId,
}

/// What a thread keeps about tracing.
pub struct Tracing {
    /// Its tracer, process in the high half; 0 for none. It is written
    /// under the lock over all relations.
    tracer: AtomicU64,
    /// Who asked for it to be traced had `CAP_SYS_PTRACE` then. What that
    /// one may since does not count: it may run another's program meanwhile.
    /// It is read and written as the tracer is written, under that lock.
    is_trusted: AtomicBool,
    /// What it shows while it is stopped. The tracer uses it under the signal
    /// lock, after a look at whether the thread is stopped.
    pub(super) registers: SpinLock<Option<Box<Registers>>>,
    /// It has traced others: that ends when the thread does.
    pub(super) is_tracer: AtomicBool,
}

impl Tracing {
    /// Of a thread that nobody traces.
    pub const fn new() -> Self {
        Self {
            tracer: AtomicU64::new(0),
            is_trusted: AtomicBool::new(false),
            registers: SpinLock::with_rank(Rank::Device, None),
            is_tracer: AtomicBool::new(false),
        }
    }

    /// Its tracer.
    #[inline]
    pub fn tracer(&self) -> Option<Tracer> {
        match self.tracer.load(Relaxed) {
            0 => None,
            both => Some(Tracer {
                process: (both >> 32) as ProcessId,
                task: both as TaskId,
            }),
        }
    }

    /// Whether its tracer began with the right to trace everybody.
    pub(super) fn is_trusted(&self, _: &Tree) -> bool {
        self.is_trusted.load(Relaxed)
    }

    /// It is traced from here on. The caller holds the lock over all
    /// relations.
    pub(super) fn set_tracer(&self, tracer: Tracer, is_trusted: bool) {
        let both = u64::from(tracer.process) << 32 | u64::from(tracer.task);
        self.is_trusted.store(is_trusted, Relaxed);
        self.tracer.store(both, Relaxed);
    }

    /// It is traced no more. The caller holds the lock over all relations.
    pub(super) fn clear_tracer(&self) {
        self.is_trusted.store(false, Relaxed);
        self.tracer.store(0, Relaxed);
    }
}
