//! `kcmp(2)`: whether two threads share something.
//!
//! Things are compared by where they lie in memory, which nobody is to learn:
//! the order is that of the places mixed with a secret (Linux `kptr_obfuscate`).

use alloc::sync::Arc;
use core::cmp::Ordering;

use kernel_abi::Errno;

use crate::credentials::Access;
use crate::{Process, Thread, access, find_task, thread_of};
use kernel_files::device::random;
use kernel_task::{Task, TaskId};

/// What is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An open file, by a descriptor of each.
    File([usize; 2]),
    /// The memory.
    Memory,
    /// The table of descriptors.
    Files,
    /// Root and working directory.
    Directories,
    /// Handlers of signals.
    Handlers,
    /// What there is none of: I/O contexts.
    Nothing,
    /// What is undone of semaphores at its end.
    Undo,
}

/// A thread that is compared.
struct Side {
    task: Arc<Task>,
}

impl Side {
    fn find(id: TaskId) -> Result<Self, Errno> {
        let task = find_task(id).ok_or(Errno::ESRCH)?;
        thread_of(&task).ok_or(Errno::ESRCH)?;
        Ok(Self { task })
    }

    fn thread(&self) -> Result<&Thread, Errno> {
        thread_of(&self.task).ok_or(Errno::ESRCH)
    }

    /// Where the thing lies, if the running process may look.
    fn place(&self, kind: Kind, side: usize) -> Result<usize, Errno> {
        let thread = self.thread()?;
        let take = || self.take(thread, kind, side);
        access::look(&thread.process, &self.task, Access::Attach, take)?
    }

    fn take(
        &self,
        thread: &Thread,
        kind: Kind,
        side: usize,
    ) -> Result<usize, Errno> {
        Ok(match kind {
            Kind::File(fds) => {
                let files = thread.files().map_err(|_| Errno::EBADF)?;
                Arc::as_ptr(&files.get(fds[side])?).addr()
            }
            Kind::Memory => {
                self.task.space().map_or(0, |it| Arc::as_ptr(&it).addr())
            }
            Kind::Files => {
                thread.files().map_or(0, |it| Arc::as_ptr(&it).addr())
            }
            Kind::Directories => {
                thread.fs().map_or(0, |it| Arc::as_ptr(&it).addr())
            }
            Kind::Handlers => handlers_of(&thread.process),
            Kind::Nothing => 0,
            Kind::Undo => {
                let undo = thread.undo.lock();
                undo.as_ref().map_or(0, |it| Arc::as_ptr(it).addr())
            }
        })
    }
}

/// Who shares handlers has a list of all that do.
fn handlers_of(process: &Arc<Process>) -> usize {
    let sharers = process.sharers.lock();
    let list = sharers.as_ref().map(|list| Arc::as_ptr(list).addr());
    list.unwrap_or(Arc::as_ptr(process).addr())
}

/// Compares what two threads have, in an order that tells nothing else.
///
/// # Errors
/// `ESRCH`; `EPERM` unless the running process may look at both; `EBADF` for a
/// descriptor that is not open.
pub fn compare(ids: [TaskId; 2], kind: Kind) -> Result<Ordering, Errno> {
    let sides = [Side::find(ids[0])?, Side::find(ids[1])?];
    let places = [sides[0].place(kind, 0)?, sides[1].place(kind, 1)?];
    let [one, other] = places.map(hide);
    Ok(one.cmp(&other))
}

/// Different places give different numbers.
fn hide(place: usize) -> usize {
    static SECRET: spin::Once<[usize; 2]> = spin::Once::new();
    let [mask, factor] = SECRET.call_once(|| {
        let mut bytes = [[0; 8]; 2];
        bytes.iter_mut().for_each(|word| random::fill(word));
        bytes.map(usize::from_ne_bytes)
    });
    // An odd factor has an inverse.
    (place ^ mask).wrapping_mul(factor | 1)
}
