//! POSIX message queues: `mq_open(3)` and its relatives (mq_overview(7)).
//!
//! A queue is an inode of the file system `mqueue`, of which there is one,
//! mounted or not, and its own open file. `queue.rs` is the queue,
//! `filesystem.rs` the directory of their names.

use alloc::boxed::Box;

use kernel_abi::Errno;
use kernel_abi::ipc::{MQ_PRIO_MAX, MqAttr};
use kernel_core::path::NAME_MAX;
use kernel_files::inode::{FileType, NewInode};
use kernel_files::table::OnExec;
use kernel_files::{Location, OpenFile, OpenFlags, mount, permission};
use kernel_machine::mm::user::UserSlice;

use kernel_task::Deadline;

use crate::room::{check_room, zeros};

mod filesystem;
mod notify;
mod queue;

use filesystem::{Root, make};
pub use notify::Notify;
use queue::{Body, Queue};

/// Lets the file system be mounted.
pub(crate) fn init() {
    mount::register_type("mqueue", |_, _| Ok(filesystem::instance()));
}

/// Fails for what is no name of a queue.
fn check_name(name: &[u8]) -> Result<(), Errno> {
    match name {
        [] => Err(Errno::ENOENT),
        b"." | b".." => Err(Errno::EACCES),
        name if name.contains(&b'/') => Err(Errno::EACCES),
        name if name.len() > NAME_MAX => Err(Errno::ENAMETOOLONG),
        _ => Ok(()),
    }
}

/// `mq_open(2)`: a descriptor.
///
/// # Errors
/// As there.
pub fn open(
    name: &[u8],
    flags: OpenFlags,
    mode: u32,
    shape: Option<&MqAttr>,
) -> Result<usize, Errno> {
    check_name(name)?;
    let thread = kernel_process::current();
    let queue = match Root.find(name) {
        Some(queue) => {
            find(&queue, flags)?;
            queue
        }
        None if !flags.contains(OpenFlags::CREATE) => {
            return Err(Errno::ENOENT);
        }
        None => {
            let permissions = mode & 0o7777 & !thread.fs()?.umask();
            permission::check_name(&Root, None)?;
            thread.files()?.check_free()?;
            let new = NewInode::of_root(FileType::Regular, permissions);
            match make(name, &permission::maker().born(&Root, &new), shape) {
                // Somebody was faster.
                Err(Errno::EEXIST) if !flags.contains(OpenFlags::EXCLUSIVE) => {
                    let queue = Root.find(name).ok_or(Errno::ENOENT)?;
                    find(&queue, flags)?;
                    queue
                }
                result => result?,
            }
        }
    };
    let mount = filesystem::kernel_mount().clone();
    let location = Location { mount, inode: queue.clone() };
    let file = OpenFile::new(location, queue, flags);
    file.note_lock();
    thread.files()?.insert(0, file, OnExec::Close)
}

/// Fails if the queue, which is there, may not be opened so.
fn find(queue: &Queue, flags: OpenFlags) -> Result<(), Errno> {
    const BOTH: u32 = 3;
    if flags.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) {
        return Err(Errno::EEXIST);
    }
    let wanted = match flags.bits() & BOTH {
        0 => permission::READ,
        1 => permission::WRITE,
        2 => permission::READ | permission::WRITE,
        _ => return Err(Errno::EINVAL),
    };
    permission::check(queue, wanted)
}

/// `mq_unlink(2)`.
///
/// # Errors
/// As there.
pub fn unlink(name: &[u8]) -> Result<(), Errno> {
    check_name(name)?;
    loop {
        let queue = Root.find(name).ok_or(Errno::ENOENT)?;
        permission::check_name(&Root, Some(&*queue))?;
        // Another may have the name by now.
        if Root.remove(name, &queue) {
            return Ok(());
        }
    }
}

/// `mq_timedsend(2)`, with a deadline on the monotonic clock.
///
/// # Errors
/// As there.
pub fn send(
    file: &OpenFile,
    [address, length]: [usize; 2],
    priority: u32,
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    if priority >= MQ_PRIO_MAX {
        return Err(Errno::EINVAL);
    }
    let queue: &Queue = file.downcast().map_err(|_| Errno::EBADF)?;
    if !file.flags().can_write() {
        return Err(Errno::EBADF);
    }
    if length > queue.shape().size {
        return Err(Errno::EMSGSIZE);
    }
    check_room(0)?;
    let mut body: Body = zeros(length)?.into_boxed_slice();
    UserSlice::new(address, length)?.read(0, &mut body)?;
    let waits = !file.flags().contains(OpenFlags::NON_BLOCKING);
    queue.send(priority, body, waits, deadline)
}

/// `mq_timedreceive(2)`: the message and its priority.
///
/// # Errors
/// As there.
pub fn receive(
    file: &OpenFile,
    room: usize,
    deadline: Option<Deadline>,
) -> Result<(u32, Box<[u8]>), Errno> {
    let queue: &Queue = file.downcast().map_err(|_| Errno::EBADF)?;
    if !file.flags().can_read() {
        return Err(Errno::EBADF);
    }
    if room < queue.shape().size {
        return Err(Errno::EMSGSIZE);
    }
    let waits = !file.flags().contains(OpenFlags::NON_BLOCKING);
    queue.receive(waits, deadline)
}

/// `mq_notify(2)`.
///
/// # Errors
/// As there.
pub fn notify(file: &OpenFile, notify: Option<Notify>) -> Result<(), Errno> {
    let queue: &Queue = file.downcast().map_err(|_| Errno::EBADF)?;
    file.note_lock();
    queue.set_notify(notify)
}

/// `mq_getsetattr(2)`: the attributes as they were.
///
/// # Errors
/// As there.
pub fn attributes(
    file: &OpenFile,
    new: Option<&MqAttr>,
) -> Result<MqAttr, Errno> {
    let non_blocking = OpenFlags::NON_BLOCKING;
    let bits = i64::from(non_blocking.bits());
    if new.is_some_and(|new| new.flags & !bits != 0) {
        return Err(Errno::EINVAL);
    }
    let queue: &Queue = file.downcast().map_err(|_| Errno::EBADF)?;
    let shape = queue.shape();
    let flags = file.flags();
    let old = MqAttr {
        flags: i64::from((flags & non_blocking).bits()),
        maxmsg: shape.messages as i64,
        msgsize: shape.size as i64,
        curmsgs: queue.len() as i64,
        reserved: [0; 4],
    };
    if let Some(new) = new {
        let mut flags = flags;
        flags.set(non_blocking, new.flags != 0);
        file.set_flags(flags);
    }
    Ok(old)
}
