//! `signalfd(2)`: signals that are read instead of handled.
//!
//! A read takes a pending signal of the set, as `rt_sigtimedwait` does, from
//! the process that reads, whoever opened the file. The wait is on a queue of
//! that process, which every signal to it wakes; it freezes in place.

use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::signal::SIGINFO_SIZE;
use kernel_core::signal::SignalSet;

use super::mask;
use crate::{CurrentThread, current};
use kernel_files::file::{Blocking, File, interrupted};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::{PollTable, WaitQueue};

/// An open `signalfd`.
pub struct SignalFd {
    set: AtomicU64,
}

impl SignalFd {
    /// One that gives signals of `set`.
    pub fn new(set: SignalSet) -> Arc<Self> {
        Arc::new(Self { set: AtomicU64::new(set.0) })
    }

    /// From now on it gives signals of `set`.
    pub fn set(&self, set: SignalSet) {
        self.set.store(set.0, Relaxed);
        watchers(&current()).wake_all();
    }

    fn wanted(&self) -> SignalSet {
        SignalSet(self.set.load(Relaxed)).without(SignalSet::UNBLOCKABLE)
    }

    /// Puts signals while there are some and room is; the bytes put.
    fn take(
        &self,
        thread: &CurrentThread,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        while output.remaining() >= SIGINFO_SIZE {
            let taken = mask::take(thread, self.wanted());
            let Some(info) = taken else { break };
            // As on Linux, a bad address loses a signal.
            if let Err(error) = output.put(&info.to_signalfd()) {
                return output.short(error);
            }
        }
        Ok(output.done())
    }

    fn is_ready(&self, thread: &CurrentThread) -> bool {
        let signals = thread.process.signals.lock();
        let ready = signals.state.pending_of(thread.key, self.wanted());
        !ready.is_empty()
    }
}

/// Where the readers of the thread's process wait.
fn watchers(thread: &CurrentThread) -> Arc<WaitQueue> {
    let new = Arc::new(WaitQueue::new());
    let mut signals = thread.process.signals.lock();
    signals.watchers.get_or_insert(new).clone()
}

impl File for SignalFd {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() < SIGINFO_SIZE {
            return Err(Errno::EINVAL);
        }
        let thread = current();
        let queue = watchers(&thread);
        loop {
            match self.take(&thread, output)? {
                0 if blocking == Blocking::Fail => return Err(Errno::EAGAIN),
                0 => {}
                count => return Ok(count),
            }
            queue
                .wait_until("signalfd_read", || {
                    self.is_ready(&thread).then_some(())
                })
                .map_err(interrupted)?;
        }
    }

    fn write(
        &self,
        _position: u64,
        _input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        let thread = current();
        if let Some(table) = table {
            table.add(&watchers(&thread));
        }
        match self.is_ready(&thread) {
            true => PollEvents::READABLE,
            false => PollEvents::empty(),
        }
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
