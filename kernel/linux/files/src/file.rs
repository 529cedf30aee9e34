//! The machinery of open files: what moves their bytes.
//!
//! Next: `open_file.rs` (what one `open` adds), then `pipe.rs` for a file
//! that blocks.

use alloc::vec::Vec;
use core::any::Any;

use kernel_abi::Errno;

use super::buffer::{Input, Output};
use super::flags::PollEvents;
use kernel_task::{Interrupted, PollTable};

/// What a file does where it would have to sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocking {
    /// It sleeps, killable and freezable in place.
    Sleep,
    /// It fails with `EAGAIN`.
    Fail,
}

/// What an offset means to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    /// Nothing: a stream. `lseek` fails with `ESPIPE`.
    None,
    /// A place; calls that share the offset take turns, so that each byte is
    /// read or written once.
    InTurn,
    /// A place; calls do not wait for each other. For files whose write can
    /// take long: a write to `/sys/power/state` lasts as long as the freeze,
    /// and whoever waited for it would refuse to freeze.
    Loose,
}

/// The machinery of an open file. Offsets are the caller's business.
pub trait File: Send + Sync {
    /// Moves bytes from `position` on to `output`; 0 at the end.
    ///
    /// # Errors
    /// `EFAULT`; `EAGAIN`; `ERESTARTSYS` if a signal ended a sleep. Bytes
    /// that moved before an error are not lost: their count is the result.
    fn read(
        &self,
        _position: u64,
        _output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Moves bytes from `input` to `position` on.
    ///
    /// # Errors
    /// As [`File::read`]; `ENOSPC`, `EFBIG`, `EPIPE`.
    fn write(
        &self,
        _position: u64,
        _input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes at the end, whatever else writes there; gives the count and
    /// the position after it.
    ///
    /// # Errors
    /// As [`File::write`].
    fn append(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<(usize, u64), Errno> {
        Ok((self.write(0, input, blocking)?, 0))
    }

    /// What can be done now without sleeping. With a table it first
    /// registers for changes.
    fn poll(&self, _table: Option<&mut PollTable>) -> PollEvents {
        PollEvents::READABLE | PollEvents::WRITABLE
    }

    /// False for what never makes anybody wait, and cannot be waited for with
    /// `epoll`.
    fn can_poll(&self) -> bool {
        true
    }

    /// Carries out a device's own request.
    ///
    /// # Errors
    /// `ENOTTY` for a request it does not know.
    fn control(&self, _request: u32, _argument: usize) -> Result<usize, Errno> {
        Err(Errno::ENOTTY)
    }

    /// Appends what `/proc/PID/fdinfo` tells of this kind of file alone.
    fn tell_details(&self, _text: &mut Vec<u8>) {}
    /// Bytes of kernel memory that it keeps beside itself. What several files
    /// keep together counts for each in part.
    fn held(&self) -> usize {
        0
    }
    /// The running process has closed a descriptor of it. Only open files that
    /// took a lock, or said that they do ([`OpenFile::note_lock`]
    /// (super::OpenFile::note_lock)), are told.
    fn let_go(&self) {}

    /// Itself, for the calls that are about one kind of file.
    fn any(&self) -> Option<&dyn Any> {
        None
    }

    /// What an offset means here.
    fn offset(&self) -> Offset {
        Offset::None
    }
}

/// What a call returns whose sleep a signal ended.
pub fn interrupted(_: Interrupted) -> Errno {
    Errno::ERESTARTSYS
}
