//! Descriptors of processes: `pidfd_open(2)`, `CLONE_PIDFD`.
//!
//! One means the process itself, not its number: once that is waited for, the
//! descriptor means nobody, whoever has the number then. It can be polled for
//! the end. It keeps what little is left of a dead process, and no task: a
//! user's descriptors take no place in the table of tasks.
//!
//! Next to read: `end.rs`, how the end is told.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

use kernel_abi::Errno;
use kernel_abi::signal::SigInfo;

use crate::credentials::Access;
use crate::signal::send;
use crate::{CurrentThread, Process, ProcessId, access, thread_of, tree};
use kernel_files::file::File;
use kernel_files::table::OnExec;
use kernel_files::{FileTable, OpenFile, OpenFlags, PollEvents, anonymous};
use kernel_machine::mm::user;
use kernel_task::PollTable;

/// A descriptor's process.
pub struct PidFd {
    process: Arc<Process>,
}

impl PidFd {
    /// The process that it means, dead or alive.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// The number of its process, which is still known by it.
    ///
    /// # Errors
    /// `ESRCH` once somebody has waited for it.
    fn known(&self) -> Result<ProcessId, Errno> {
        let is_known = tree::lock().holds(&self.process);
        is_known.then_some(self.process.id).ok_or(Errno::ESRCH)
    }
}

impl File for PidFd {
    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        let end = &self.process.end;
        if let Some(table) = table {
            table.add(&end.queue());
        }
        match end.is_over() {
            true => PollEvents::READABLE,
            false => PollEvents::empty(),
        }
    }

    /// Numbers in the only namespace there is; -1 for nobody.
    fn tell_details(&self, text: &mut Vec<u8>) {
        let id = self.known().map_or(-1, |id| id as i32);
        let lines = format!("Pid:\t{id}\nNSpid:\t{id}\n");
        text.extend_from_slice(lines.as_bytes());
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// An open file that means `process`.
///
/// # Errors
/// `ENFILE` if memory is short.
pub fn open(
    process: Arc<Process>,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    anonymous::open("[pidfd]", Arc::new(PidFd { process }), flags)
}

/// Sends to the process of `pidfd`: `info` as it is, or that of a `kill`.
///
/// # Errors
/// `ESRCH` if it is gone; as `kill(2)`.
pub fn send_signal(
    process: &Arc<Process>,
    signal: u32,
    info: Option<&SigInfo>,
) -> Result<(), Errno> {
    if !tree::lock().holds(process) {
        return Err(Errno::ESRCH);
    }
    send::to_known(process, signal, info)
}

/// What descriptor `fd` of the process refers to, for the running process to
/// have, too.
///
/// # Errors
/// `ESRCH` if it has ended, `EPERM` if the running process may not look,
/// `EBADF` if there is no such descriptor.
pub fn take_file(
    process: &Arc<Process>,
    fd: usize,
) -> Result<Arc<OpenFile>, Errno> {
    let task = process.any_thread().ok_or(Errno::ESRCH)?;
    let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
    access::look(process, &task, Access::Attach, || {
        thread.files().and_then(|files| files.get(fd))
    })?
    .map_err(|_| Errno::EBADF)
}

/// A descriptor that the parent is told of before its child is there; closed
/// again unless the child is made.
pub(crate) struct Told {
    table: Arc<FileTable>,
    fd: Option<usize>,
}

impl Told {
    /// One for `process`, whose number is written to `word`.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `EFAULT`.
    pub(crate) fn new(
        parent: &CurrentThread,
        process: &Arc<Process>,
        word: usize,
    ) -> Result<Self, Errno> {
        let table = parent.files()?;
        let file = open(process.clone(), OpenFlags::empty())?;
        let fd = table.insert(0, file, OnExec::Close)?;
        let told = Self { table, fd: Some(fd) };
        user::write_value(word, &(fd as u32))?;
        Ok(told)
    }

    /// The child is there: it stays.
    pub(crate) fn keep(mut self) {
        self.fd = None;
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(fd) = self.fd {
            // Another thread may have guessed the number and closed it.
            let _ = self.table.close(fd);
        }
    }
}
