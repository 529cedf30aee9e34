//! Clocks of CPU time: of a process or of a thread, own or another's
//! (`clock_getcpuclockid(3)`, `pthread_getcpuclockid(3)`).

use alloc::sync::{Arc, Weak};
use core::fmt;

use kernel_abi::Errno;

use crate::lookup::find_task;
use crate::process::Process;
use crate::thread::{current, thread_of};
use crate::usage::{CpuTime, Usage};
use crate::{thread_usage, tree};
use kernel_task::Task;

/// Resolution of clocks that go by ticks, as Linux with 250 ticks a second.
pub(super) const TICK_NS: u64 = 4_000_000;

/// A clock of CPU time.
#[derive(Clone)]
pub struct CpuClock {
    /// Which time counts.
    pub time: CpuTime,
    /// Of this process,
    pub process: Arc<Process>,
    /// or only of this thread of it.
    pub thread: Option<Weak<Task>>,
}

impl CpuClock {
    /// `CLOCK_PROCESS_CPUTIME_ID`.
    pub fn own_process() -> Self {
        let process = current().process.clone();
        Self { time: CpuTime::Scheduled, process, thread: None }
    }

    /// `CLOCK_THREAD_CPUTIME_ID`.
    pub fn own_thread() -> Self {
        let thread = Some(Arc::downgrade(&current().task().to_arc()));
        Self { thread, ..Self::own_process() }
    }

    /// The clock of a negative number: the complement of a process's or
    /// thread's number, a bit for a thread, two bits for the time.
    ///
    /// # Errors
    /// `EINVAL` for no such number, process or thread, and for a thread of
    /// another process.
    pub(super) fn named(id: i32) -> Result<Self, Errno> {
        const THREAD: i32 = 4;
        let time = match id & 3 {
            0 => CpuTime::Profile,
            1 => CpuTime::Virtual,
            2 => CpuTime::Scheduled,
            // A clock that is an open file: there are none.
            _ => return Err(Errno::EINVAL),
        };
        let number = !(id >> 3);
        let is_thread = id & THREAD != 0;
        if id >= 0 || number < 0 {
            return Err(Errno::EINVAL);
        }
        let own = match is_thread {
            true => Self::own_thread(),
            false => Self::own_process(),
        };
        let number = number as u32;
        match (number, is_thread) {
            (0, _) => Ok(Self { time, ..own }),
            (_, true) => {
                let task = find_task(number).ok_or(Errno::EINVAL)?;
                let thread = thread_of(&task).ok_or(Errno::EINVAL)?;
                if !Arc::ptr_eq(&thread.process, &own.process) {
                    return Err(Errno::EINVAL);
                }
                let thread = Some(Arc::downgrade(&task));
                Ok(Self { time, process: own.process, thread })
            }
            (_, false) => {
                // A thread's own number stands for its process, too.
                let process = match number == current().id() {
                    true => own.process,
                    false => tree::find(number).ok_or(Errno::EINVAL)?,
                };
                Ok(Self { time, process, thread: None })
            }
        }
    }

    /// Reads it, ns; 0 for a thread that has ended.
    pub fn read(&self) -> u64 {
        let usage = match &self.thread {
            Some(task) => {
                task.upgrade().map_or(Usage::default(), |it| thread_usage(&it))
            }
            None => self.process.usage(),
        };
        self.time.of(&usage)
    }

    pub(super) fn resolution(&self) -> u64 {
        if self.time == CpuTime::Scheduled { 1 } else { TICK_NS }
    }

    /// Whether it is the running thread's own.
    pub fn is_own_thread(&self) -> bool {
        let own = current().task();
        let is_own = |it: &Weak<Task>| core::ptr::eq(it.as_ptr(), &*own);
        self.thread.as_ref().is_some_and(is_own)
    }
}

impl fmt::Debug for CpuClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.thread.is_some() { "thread of" } else { "" };
        write!(f, "{:?} {whole} {}", self.time, self.process.id)
    }
}
