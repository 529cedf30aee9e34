//! Tracing: one thread watches and changes another, by `ptrace(2)`.
//!
//! The rules (which stop follows what, what the tracer may ask when) are
//! `kernel_core::signal`'s, in `trace.rs`; they change under the process's
//! signal lock. Here they are carried out:
//!
//! ```text
//!  link.rs      who traces whom, and how it begins
//!  tell.rs      what tracers hear by signals and waits
//!  end.rs       how it ends
//!  stop.rs      a traced thread stops, shows its registers, goes on
//!  event.rs     fork, exec, exit, system calls: where it stops
//!  register.rs  the registers that it shows
//!  request.rs   what its tracer asks of it meanwhile
//! ```
//!
//! A thread that stops puts a copy of its registers where its tracer finds
//! it, and takes it back when it goes on; so a tracer never touches what a
//! CPU is about to load, and whatever it writes is checked before it counts.
//! Memory is reached through the address space. Neither wakes the thread:
//! registers and memory of one that is frozen in a trace stop can be read
//! (freezer-spec G8).

use alloc::boxed::Box;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64};

use super::ProcessId;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::TaskId;

pub mod end;
pub mod event;
pub mod link;
pub mod register;
pub mod request;
pub mod stop;
pub mod tell;

pub use register::Registers;

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
    /// Its tracer, process in the high half; 0 for none. Written under the
    /// lock over all relations.
    tracer: AtomicU64,
    /// What it shows while it is stopped. The tracer uses it under the signal
    /// lock, after a look at whether the thread is stopped.
    registers: SpinLock<Option<Box<Registers>>>,
    /// It has traced others: they are to be let go when it ends.
    is_tracer: AtomicBool,
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

    fn set_tracer(&self, tracer: Option<Tracer>) {
        let both = tracer.map_or(0, |tracer| {
            u64::from(tracer.process) << 32 | u64::from(tracer.task)
        });
        self.tracer.store(both, Relaxed);
    }
}
