//! `epoll(7)`: waiting for any of many files that are named once.
//!
//! A wait stands in the queues of all files of the set and looks at each,
//! as `poll` does; what is saved is naming them at each call. The wait is in
//! place: a freeze neither ends nor prolongs it (SPECIFICATION.md X5).
//!
//! An edge-triggered file is told of again only after an event: between two
//! waits its interest keeps its own places in the file's queues, and an
//! event takes them away ([`PollTable::was_woken`]).
//!
//! A set may stand in others; locks are taken from the outer set to the inner
//! one. Here is `epoll_ctl(2)`; read next: `epoll/set.rs`, `epoll/interest.rs`,
//! `epoll/nest.rs`.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::system::EpollEvent;

use super::flags::OpenFlags;
use super::inode::FileType;
use super::open_file::OpenFile;

mod interest;
mod nest;
mod set;

pub use set::Epoll;

use interest::EXCLUSIVE;

/// What `epoll_ctl` does.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// A file is added.
    Add(EpollEvent),
    /// A file goes.
    Remove,
    /// What is wanted of a file changes.
    Modify(EpollEvent),
}

impl Change {
    /// Fails unless the flags go together (Linux `EPOLLEXCLUSIVE_OK_BITS`).
    fn check(&self, is_set: bool) -> Result<(), Errno> {
        /// `EPOLLWAKEUP`: it is taken and does nothing, as on Linux for who
        /// may not block a suspend (SPECIFICATION.md M4).
        const WAKEUP: u32 = 1 << 29;
        /// It and `EPOLLET`.
        const FLAGS: u32 = WAKEUP | 1 << 31;
        const TOLD_TO_ONE: u32 = 0x1d | FLAGS | EXCLUSIVE;
        let is_fine = match self {
            Change::Remove => true,
            Change::Modify(event) => event.events & EXCLUSIVE == 0,
            Change::Add(event) if event.events & EXCLUSIVE == 0 => true,
            Change::Add(event) => event.events & !TOLD_TO_ONE == 0 && !is_set,
        };
        is_fine.then_some(()).ok_or(Errno::EINVAL)
    }
}

/// A plain file or a directory never makes anybody wait, nor does a device
/// that says so.
///
/// # Errors
/// `EPERM`; `EBADF` for a file that is only a place.
pub fn check_pollable(file: &OpenFile) -> Result<(), Errno> {
    if file.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    if !file.file().can_poll() {
        return Err(Errno::EPERM);
    }
    let inode = file.inode();
    match inode.kind() {
        FileType::Directory => Err(Errno::EPERM),
        FileType::Regular if inode.pages().is_some() => Err(Errno::EPERM),
        _ => Ok(()),
    }
}

/// `epoll_ctl(2)` about the descriptor `fd`, which refers to `file`.
///
/// # Errors
/// `EEXIST`, `ENOENT`; `EPERM` for a file that is always ready; `EINVAL` for
/// the set itself, or flags that do not go together; `ELOOP`, `EINVAL` for sets
/// nested too deep or too often; `ENOSPC` if the user has too many files in sets,
/// `ENOMEM` if memory is short.
pub fn change(
    set: &Epoll,
    fd: usize,
    file: &Arc<OpenFile>,
    change: Change,
) -> Result<(), Errno> {
    check_pollable(file)?;
    let inner = file.downcast::<Epoll>().ok();
    if inner.is_some_and(|inner| core::ptr::eq(set, inner)) {
        return Err(Errno::EINVAL);
    }
    change.check(inner.is_some())?;
    let key = (fd, Arc::as_ptr(file).addr());
    match (change, inner) {
        (Change::Add(event), None) => {
            nest::put_file(set, file, || set.add(key, file, event))
        }
        (Change::Add(event), Some(inner)) => {
            nest::put(set, inner, file, || set.add(key, file, event))
        }
        (Change::Remove, _) => set.remove(key),
        (Change::Modify(event), _) => set.modify(key, file, event),
    }
}
