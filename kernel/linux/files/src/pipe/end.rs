//! An open end of a pipe.

use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::SeqCst;

use kernel_abi::Errno;
use kernel_abi::terminal::FIONREAD;

use super::stream::{Pipe, Side};
use crate::buffer::{Input, Output};
use crate::file::{Blocking, File};
use crate::flags::PollEvents;
use kernel_machine::mm::user;
use kernel_task::PollTable;

/// An open end, or both.
pub struct End {
    pipe: Arc<Pipe>,
    side: Side,
    /// It is shut: only a socket shuts it before it is dropped.
    is_shut: AtomicBool,
}

impl End {
    /// The end to read of a pipe.
    pub fn to_read(pipe: &Arc<Pipe>) -> Self {
        Self::new(pipe, Side::Read)
    }

    /// The end to write of a pipe.
    pub fn to_write(pipe: &Arc<Pipe>) -> Self {
        Self::new(pipe, Side::Write)
    }

    /// Copies what a read would give, and leaves it there.
    ///
    /// # Errors
    /// As [`File::read`].
    pub fn peek(
        &self,
        bytes: &mut [u8],
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.pipe.peek(bytes, blocking)
    }

    /// Writes what fits, and waits only as long as nothing does.
    ///
    /// # Errors
    /// As [`File::write`].
    pub fn write_some(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.pipe.write_some(input, blocking)
    }

    /// How many bytes the pipe holds.
    pub fn capacity(&self) -> usize {
        self.pipe.capacity()
    }

    /// Makes the pipe hold at least `bytes`; how many it holds then.
    ///
    /// # Errors
    /// `EBUSY` if more is in it; `ENOMEM`.
    pub fn set_capacity(&self, bytes: usize) -> Result<usize, Errno> {
        self.pipe.set_capacity(bytes)
    }

    /// True if both belong to one pipe.
    pub fn is_of_same_pipe(&self, other: &End) -> bool {
        Arc::ptr_eq(&self.pipe, &other.pipe)
    }

    pub(super) fn new(pipe: &Arc<Pipe>, side: Side) -> Self {
        if side != Side::Write {
            pipe.readers.add();
            pipe.writable.wake_all();
        }
        if side != Side::Read {
            pipe.writers.add();
            pipe.readable.wake_all();
        }
        Self { pipe: pipe.clone(), side, is_shut: AtomicBool::new(false) }
    }

    /// Lets go of the pipe: for the other end as if this one were closed. An
    /// end to read gives what there is, and then the end; one to write is
    /// broken. Whoever waits at either end looks again.
    pub fn shut(&self) {
        if self.is_shut.swap(true, SeqCst) {
            return;
        }
        let is_last_reader =
            self.side != Side::Write && self.pipe.readers.remove();
        let is_last_writer =
            self.side != Side::Read && self.pipe.writers.remove();
        if is_last_reader || is_last_writer {
            self.pipe.writable.wake_all();
            self.pipe.readable.wake_all();
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.shut();
    }
}

impl File for End {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.pipe.read(output, blocking)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.pipe.write(input, blocking)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        self.pipe.poll(self.side, table)
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        if request != FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let filled = self.pipe.filled.load(SeqCst) as u32;
        user::write_value(argument, &filled).map(|()| 0)
    }

    /// A pipe has two ends.
    fn held(&self) -> usize {
        self.pipe.held() / 2
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
