//! What a thread keeps about tracing.

use alloc::boxed::Box;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64};

use super::register::Registers;
use crate::process::ProcessId;
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

    pub(super) fn set_tracer(&self, tracer: Option<Tracer>) {
        let both = tracer.map_or(0, |tracer| {
            u64::from(tracer.process) << 32 | u64::from(tracer.task)
        });
        self.tracer.store(both, Relaxed);
    }
}
