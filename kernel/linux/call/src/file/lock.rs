//! `flock(2)`, and the lock commands of `fcntl(2)`.

use alloc::sync::Arc;
use core::ops::Range;

use kernel_abi::{Errno, syscall as number};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Checked, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::file::Blocking;
use kernel_files::lock::{self, Lock, LockKind, Owner};
use kernel_files::{FileTable, OpenFile, OpenFlags, permission};
use kernel_machine::mm::user;
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[(number::FLOCK, Handler::Plain(flock))];

pub(super) const F_GETLK: u32 = 5;
pub(super) const F_SETLK: u32 = 6;
pub(super) const F_SETLKW: u32 = 7;
pub(super) const F_OFD_GETLK: u32 = 36;
pub(super) const F_OFD_SETLK: u32 = 37;
pub(super) const F_OFD_SETLKW: u32 = 38;

fn flock(args: &Args) -> Result {
    const SHARED: u32 = 1;
    const EXCLUSIVE: u32 = 2;
    const NON_BLOCKING: u32 = 4;
    const UNLOCK: u32 = 8;
    let file = file(args.int(0))?;
    let inode = file.inode().id();
    let owner = Owner::Whole(Arc::as_ptr(&file).addr());
    let kind = match args.word(1) & !NON_BLOCKING {
        SHARED => LockKind::Shared,
        EXCLUSIVE => LockKind::Exclusive,
        UNLOCK => {
            lock::release_all(inode, owner);
            return Ok(0);
        }
        _ => return Err(Errno::EINVAL),
    };
    let blocking = match args.word(1) & NON_BLOCKING {
        0 => Blocking::Sleep,
        _ => Blocking::Fail,
    };
    let range = 0..u64::MAX;
    file.note_lock();
    let user = permission::maker().user;
    let wanted = Lock { owner, kind, range, process: 0, user };
    lock::take(inode, &wanted, blocking).map(|()| 0)
}

/// `struct flock`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
struct Record {
    kind: i16,
    whence: i16,
    pad: u32,
    start: i64,
    length: i64,
    process: i32,
    pad2: u32,
}

const READ: i16 = 0;
const WRITE: i16 = 1;
const UNLOCK: i16 = 2;

/// The lock commands of `fcntl`, for a descriptor and what it was when the
/// call began.
pub(super) fn control(
    table: &Arc<FileTable>,
    (fd, file): (usize, &Arc<OpenFile>),
    command: u32,
    address: usize,
) -> Result {
    let is_own = matches!(command, F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW);
    let owner = match is_own {
        true => Owner::Record(Arc::as_ptr(file).addr()),
        false => Owner::Record(Arc::as_ptr(table).addr()),
    };
    let mut record: Record = user::read_value(address)?;
    if file.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    if is_own && record.process != 0 {
        return Err(Errno::EINVAL);
    }
    let range = range_of(file, &record)?;
    let inode = file.inode().id();
    let kind = match record.kind {
        READ => LockKind::Shared,
        WRITE => LockKind::Exclusive,
        UNLOCK if !matches!(command, F_GETLK | F_OFD_GETLK) => {
            return lock::release(inode, owner, &range).map(|()| 0);
        }
        _ => return Err(Errno::EINVAL),
    };
    let process = if is_own { 0 } else { current().process.id };
    let user = permission::maker().user;
    let wanted = Lock { owner, kind, range, process, user };
    match command {
        F_GETLK | F_OFD_GETLK => {
            tell(&mut record, lock::find_conflict(inode, &wanted));
            return user::write_value(address, &record).map(|()| 0);
        }
        F_SETLK | F_OFD_SETLK => set(file, &wanted, Blocking::Fail)?,
        _ => set(file, &wanted, Blocking::Sleep)?,
    };
    if !is_own {
        keep_if_open(table, (fd, file), &wanted)?;
    }
    Ok(0)
}

/// Gives back a lock of `table` whose descriptor was closed while it was
/// being taken: no later close would.
///
/// | takes the lock | closes the descriptor |
/// |---|---|
/// | notes it at the file, waits | takes the descriptor out |
/// | | gives back what the table has by now |
/// | has the lock | |
/// | finds the descriptor gone: gives it back | |
///
/// If it finds the descriptor there, the close comes later. The table's own
/// lock, which both take, lets that close see the note and the lock.
///
/// # Errors
/// `EBADF` if the descriptor is gone, or another file's.
fn keep_if_open(
    table: &FileTable,
    (fd, file): (usize, &Arc<OpenFile>),
    taken: &Lock,
) -> Checked<()> {
    if table.get(fd).is_ok_and(|it| Arc::ptr_eq(&it, file)) {
        return Ok(());
    }
    let inode = file.inode().id();
    if lock::release(inode, taken.owner, &taken.range).is_err() {
        // The close gives back all that the table has of the file.
        lock::release_all(inode, taken.owner);
    }
    Err(Errno::EBADF)
}

fn set(file: &Arc<OpenFile>, wanted: &Lock, blocking: Blocking) -> Result {
    let may = match wanted.kind {
        LockKind::Shared => file.flags().can_read(),
        LockKind::Exclusive => file.flags().can_write(),
    };
    if !may {
        return Err(Errno::EBADF);
    }
    file.note_lock();
    lock::take(file.inode().id(), wanted, blocking).map(|()| 0)
}

/// The bytes that `record` means.
fn range_of(file: &OpenFile, record: &Record) -> Checked<Range<u64>> {
    let base = match record.whence {
        0 => 0,
        1 => file.position() as i64,
        2 => file.metadata().size as i64,
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(record.start).ok_or(Errno::EOVERFLOW)?;
    let end = match record.length {
        0 => i64::MAX,
        length => start.checked_add(length).ok_or(Errno::EOVERFLOW)?,
    };
    let (start, end) = (start.min(end), start.max(end));
    let start = u64::try_from(start).map_err(|_| Errno::EINVAL)?;
    let end = if record.length == 0 { u64::MAX } else { end as u64 };
    Ok(start..end)
}

/// What `F_GETLK` says of the lock in the way, if there is one.
fn tell(record: &mut Record, found: Option<Lock>) {
    let Some(lock) = found else {
        record.kind = UNLOCK;
        return;
    };
    let is_open = lock.range.end == u64::MAX;
    let length = lock.range.end - lock.range.start;
    *record = Record {
        kind: if lock.kind == LockKind::Shared { READ } else { WRITE },
        whence: 0,
        pad: 0,
        start: lock.range.start as i64,
        length: if is_open { 0 } else { length as i64 },
        process: if lock.process == 0 { -1 } else { lock.process as i32 },
        pad2: 0,
    };
}
