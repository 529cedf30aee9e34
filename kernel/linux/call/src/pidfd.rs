//! Calls about descriptors of processes.

use kernel_abi::signal::SigInfo;
use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use super::file::{check_flags, file};
use alloc::sync::Arc;
use kernel_control::proc;
use kernel_files::file::Blocking;
use kernel_files::table::OnExec;
use kernel_files::{OpenFile, OpenFlags};
use kernel_machine::mm::user;
use kernel_process::pidfd::{self, PidFd};
use kernel_process::wait::Which;
use kernel_process::{Process, current, find_task, tree};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::PIDFD_OPEN, Handler::Plain(pidfd_open)),
    (number::PIDFD_SEND_SIGNAL, Handler::Plain(pidfd_send_signal)),
    (number::PIDFD_GETFD, Handler::Plain(pidfd_getfd)),
];

type Checked<T> = core::result::Result<T, Errno>;

/// Only processes have descriptors: neither threads nor kernel threads.
fn pidfd_open(args: &Args) -> Result {
    let flags = OpenFlags::from_bits_retain(args.word(1));
    check_flags(flags.bits(), OpenFlags::NON_BLOCKING.bits())?;
    let id = match args.int(0) {
        id @ 1.. => id as u32,
        _ => return Err(Errno::EINVAL),
    };
    let Some(process) = tree::find(id) else {
        let task = find_task(id);
        return Err(task.map_or(Errno::ESRCH, |_| Errno::EINVAL));
    };
    let file = pidfd::open(process, flags)?;
    current().files()?.insert(0, file, OnExec::Close)
}

/// The process that an open file means.
fn process_of(file: &OpenFile) -> Checked<Arc<Process>> {
    let pidfd = file.downcast::<PidFd>().map_err(|_| Errno::EBADF)?;
    Ok(pidfd.process().clone())
}

/// The process that a descriptor means in `waitid`, and whether it may be
/// waited for.
pub(super) fn of_wait(fd: i32) -> Checked<(Which, Blocking)> {
    let file = file(fd)?;
    let process = process_of(&file)?;
    let blocking = match file.flags().contains(OpenFlags::NON_BLOCKING) {
        true => Blocking::Fail,
        false => Blocking::Sleep,
    };
    Ok((Which::Exactly(process), blocking))
}

/// Takes a directory of `/proc`, too, which means a process as well.
fn pidfd_send_signal(args: &Args) -> Result {
    check_flags(args.word(3), 0)?;
    let file = file(args.int(0))?;
    let process = match process_of(&file) {
        Err(error) => proc::process_of(file.inode()).ok_or(error)??,
        Ok(process) => process,
    };
    let signal = args.word(1);
    let info = match args.x[2] {
        0 => None,
        address => Some(read_info(address, signal, &process)?),
    };
    pidfd::send_signal(&process, signal, info.as_ref()).map(|()| 0)
}

/// Programs may not pretend that the kernel, or `kill`, sent a signal to
/// another process.
fn read_info(
    address: usize,
    signal: u32,
    target: &Arc<Process>,
) -> Checked<SigInfo> {
    let info: SigInfo = user::read_value(address)?;
    if info.signo != signal as i32 {
        return Err(Errno::EINVAL);
    }
    match info.is_forged() && !Arc::ptr_eq(target, &current().process) {
        true => Err(Errno::EPERM),
        false => Ok(info),
    }
}

fn pidfd_getfd(args: &Args) -> Result {
    check_flags(args.word(2), 0)?;
    let process = process_of(&*file(args.int(0))?)?;
    let fd = usize::try_from(args.int(1)).map_err(|_| Errno::EBADF)?;
    let file = pidfd::take_file(&process, fd)?;
    current().files()?.insert(0, file, OnExec::Close)
}
