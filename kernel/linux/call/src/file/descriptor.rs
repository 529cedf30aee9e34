//! Calls about descriptors: open, close, duplicate, control.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;

use kernel_abi::terminal::FIONREAD;
use kernel_abi::{Errno, syscall as number};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::lock::{
    self, F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW,
};
use super::{Caller, Checked, any_file, check_flags, path};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::file::Offset;
use kernel_files::memfd::{self, MemoryFile, Seals};
use kernel_files::table::OnExec;
use kernel_files::walk::Bounds;
use kernel_files::{
    FileTable, FileType, OpenFile, OpenFlags, operation, permission, pipe,
};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::OPENAT, Handler::Plain(openat)),
    (number::OPENAT2, Handler::Plain(openat2)),
    (number::CLOSE, Handler::Plain(close)),
    (number::CLOSE_RANGE, Handler::Plain(close_range)),
    (number::DUP, Handler::Plain(dup)),
    (number::DUP3, Handler::Plain(dup3)),
    (number::MEMFD_CREATE, Handler::Plain(memfd_create)),
    (number::PIPE2, Handler::Plain(pipe2)),
    (number::FCNTL, Handler::Plain(fcntl)),
    (number::IOCTL, Handler::Plain(ioctl)),
];

const F_DUPFD: u32 = 0;
const F_GETFD: u32 = 1;
const F_SETFD: u32 = 2;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const F_DUPFD_CLOEXEC: u32 = 1030;
const F_SETPIPE_SZ: u32 = 1031;
const F_GETPIPE_SZ: u32 = 1032;
const FD_CLOEXEC: usize = 1;
/// Shown by `F_GETFL` for every file, since all can be large.
const O_LARGEFILE: usize = 0o400_000;

const FIONBIO: u32 = 0x5421;
const FIONCLEX: u32 = 0x5450;
const FIOCLEX: u32 = 0x5451;

fn on_exec(flags: OpenFlags) -> OnExec {
    OnExec::close_if(flags.contains(OpenFlags::CLOSE_ON_EXEC))
}

fn number_of(fd: i32) -> Checked<usize> {
    usize::try_from(fd).map_err(|_| Errno::EBADF)
}

fn openat(args: &Args) -> Result {
    let path = path(args.x[1])?;
    let mut flags = OpenFlags::from_bits_retain(args.word(2));
    if flags.contains(OpenFlags::PATH) {
        flags &= OpenFlags::OF_PATH;
    }
    open(args.int(0), &path, flags, (args.word(3), Bounds::empty()))
}

fn open(
    base: i32,
    path: &[u8],
    flags: OpenFlags,
    (mode, bounds): (u32, Bounds),
) -> Result {
    const OF_TEMPORARY: OpenFlags =
        OpenFlags::TEMPORARY.union(OpenFlags::DIRECTORY);
    let kind = flags & OF_TEMPORARY.union(OpenFlags::CREATE);
    if flags.contains(OpenFlags::TEMPORARY) && kind != OF_TEMPORARY {
        return Err(Errno::EINVAL);
    }
    let caller = Caller::new()?;
    if flags.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
        caller.table.check_free()?;
    }
    let asker = caller.asker();
    let how = (mode & 0o7777, bounds);
    let file = operation::open(asker, base, path, flags, how)?;
    caller.table.insert(0, file, on_exec(flags))
}

/// `struct open_how`.
#[repr(C)]
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// As `openat`, with bounds for the walk; what is not known is refused.
fn openat2(args: &Args) -> Result {
    /// Fails where it would have to wait for a disk, which it never has to.
    const CACHED: u64 = 0x20;
    /// All flags of `open`.
    const KNOWN: u64 = 0o37_777_703;
    let how = read_how(args.x[2], args.x[3])?;
    let flags = OpenFlags::from_bits_retain(how.flags as u32);
    let makes = flags.intersects(OpenFlags::CREATE | OpenFlags::TEMPORARY);
    let place_only = flags.contains(OpenFlags::PATH);
    let bounds = u32::try_from(how.resolve & !CACHED).ok();
    let bounds = bounds.and_then(Bounds::from_bits).ok_or(Errno::EINVAL)?;
    if how.flags & !KNOWN != 0
        || how.mode & !0o7777 != 0
        || !makes && how.mode != 0
        || place_only && flags & OpenFlags::OF_PATH != flags
        || bounds.contains(Bounds::BENEATH | Bounds::IN_ROOT)
    {
        return Err(Errno::EINVAL);
    }
    let changes = makes || flags.contains(OpenFlags::TRUNCATE);
    if how.resolve & CACHED != 0 && changes {
        return Err(Errno::EAGAIN);
    }
    let path = path(args.x[1])?;
    open(args.int(0), &path, flags, (how.mode as u32, bounds))
}

/// What a program asks for, in a structure that may be longer than what is
/// known, if the rest is zero.
fn read_how(address: usize, size: usize) -> Checked<OpenHow> {
    const KNOWN: usize = size_of::<OpenHow>();
    const MOST: usize = 4096;
    if size < KNOWN {
        return Err(Errno::EINVAL);
    }
    if size > MOST {
        return Err(Errno::E2BIG);
    }
    let mut rest = vec![0; size - KNOWN];
    UserSlice::new(address, size)?.read(KNOWN, &mut rest)?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(Errno::E2BIG);
    }
    user::read_value(address)
}

fn close(args: &Args) -> Result {
    current().files()?.close(number_of(args.int(0))?).map(|()| 0)
}

fn close_range(args: &Args) -> Result {
    const UNSHARE: u32 = 2;
    const CLOEXEC: u32 = 4;
    let (first, last) = (args.word(0), args.word(1));
    check_flags(args.word(2), CLOEXEC | UNSHARE)?;
    if first > last {
        return Err(Errno::EINVAL);
    }
    let table = match args.word(2) & UNSHARE {
        0 => current().files()?,
        _ => current().own_files()?,
    };
    let mut least = first as usize;
    while let Some(fd) = table.next(least).filter(|fd| *fd <= last as usize) {
        least = fd + 1;
        // Another thread may have closed it meanwhile.
        let _ = match args.word(2) & CLOEXEC {
            0 => table.close(fd),
            _ => table.set_on_exec(fd, OnExec::Close),
        };
    }
    Ok(0)
}

fn dup(args: &Args) -> Result {
    let file = any_file(args.int(0))?;
    current().files()?.insert(0, file, OnExec::Keep)
}

fn dup3(args: &Args) -> Result {
    let flags = OpenFlags::from_bits_retain(args.word(2));
    check_flags(flags.bits(), OpenFlags::CLOSE_ON_EXEC.bits())?;
    let (old, new) = (number_of(args.int(0))?, number_of(args.int(1))?);
    if old == new {
        return Err(Errno::EINVAL);
    }
    current().files()?.replace(old, new, on_exec(flags))?;
    Ok(new)
}

fn pipe2(args: &Args) -> Result {
    let known = OpenFlags::CLOSE_ON_EXEC | OpenFlags::NON_BLOCKING;
    let flags = OpenFlags::from_bits_retain(args.word(1));
    check_flags(flags.bits(), known.bits())?;
    let (read, write) = pipe::open_pair(flags)?;
    insert_pair([read, write], flags, args.x[0])
}

/// Gives the program descriptors of two files, and tells their numbers at
/// `place`; both, or none.
pub(super) fn insert_pair(
    [one, other]: [Arc<OpenFile>; 2],
    flags: OpenFlags,
    place: usize,
) -> Result {
    let table = current().files()?;
    let first = table.insert(0, one, on_exec(flags))?;
    let result = table.insert(0, other, on_exec(flags)).and_then(|second| {
        let pair = [first as u32, second as u32];
        user::write_value(place, &pair)
            .inspect_err(|_| close_again(&table, second))
    });
    result.inspect_err(|_| close_again(&table, first)).map(|()| 0)
}

/// Takes back a descriptor that the program is not told of.
fn close_again(table: &FileTable, fd: usize) {
    // It fails only if another thread guessed the number and closed it.
    let _ = table.close(fd);
}

const F_ADD_SEALS: u32 = 1033;
const F_GET_SEALS: u32 = 1034;

/// A file that no name leads to.
fn memfd_create(args: &Args) -> Result {
    const CLOSE_ON_EXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    const NAME_MAX: usize = 249;
    let flags = args.word(1);
    check_flags(flags, CLOSE_ON_EXEC | ALLOW_SEALING)?;
    let name =
        user::read_cstr(args.x[0], NAME_MAX + 1).map_err(
            |error| match error {
                Errno::ENAMETOOLONG => Errno::EINVAL,
                other => other,
            },
        )?;
    let seals = match flags & ALLOW_SEALING {
        0 => Seals::SEAL,
        _ => Seals::empty(),
    };
    let name = String::from_utf8_lossy(&name).into_owned();
    let file = memfd::create(name, seals, OpenFlags::empty())?;
    let on_exec = OnExec::close_if(flags & CLOSE_ON_EXEC != 0);
    current().files()?.insert(0, file, on_exec)
}

fn fcntl(args: &Args) -> Result {
    let fd = number_of(args.int(0))?;
    let table = current().files()?;
    let file = table.get(fd)?;
    let argument = args.x[2];
    if file.flags().contains(OpenFlags::PATH)
        && !matches!(
            args.word(1),
            F_DUPFD | F_DUPFD_CLOEXEC | F_GETFD | F_SETFD | F_GETFL
        )
    {
        return Err(Errno::EBADF);
    }
    match args.word(1) {
        F_DUPFD | F_DUPFD_CLOEXEC if argument >= table.limit() => {
            Err(Errno::EINVAL)
        }
        F_DUPFD => table.insert(argument, file, OnExec::Keep),
        F_DUPFD_CLOEXEC => table.insert(argument, file, OnExec::Close),
        F_GETFD => Ok(usize::from(table.on_exec(fd)? == OnExec::Close)),
        F_SETFD => {
            let on_exec = OnExec::close_if(argument & FD_CLOEXEC != 0);
            table.set_on_exec(fd, on_exec).map(|()| 0)
        }
        F_GETFL => Ok(file.flags().bits() as usize | O_LARGEFILE),
        F_SETFL => {
            let flags = OpenFlags::from_bits_retain(argument as u32);
            let more = flags.difference(file.flags());
            if more.contains(OpenFlags::NO_ACCESS_TIME) {
                permission::check_owner(&**file.inode())?;
            }
            file.set_flags(flags);
            Ok(0)
        }
        F_GETLK | F_SETLK | F_SETLKW | F_OFD_GETLK | F_OFD_SETLK
        | F_OFD_SETLKW => {
            lock::control(&table, (fd, &file), args.word(1), argument)
        }
        F_ADD_SEALS => {
            if !file.flags().can_write() {
                return Err(Errno::EPERM);
            }
            let memory = file.downcast::<MemoryFile>()?;
            memory.seal(argument as u32).map(|()| 0)
        }
        F_GET_SEALS => Ok(file.downcast::<MemoryFile>()?.sealed() as usize),
        F_GETPIPE_SZ => Ok(pipe_of(&file)?.capacity()),
        F_SETPIPE_SZ => {
            let bytes = pipe::allowed_capacity(argument as u32 as usize)?;
            pipe_of(&file)?.set_capacity(bytes)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The end of a pipe, which a socket is not.
fn pipe_of(file: &OpenFile) -> Checked<&pipe::End> {
    match file.inode().kind() {
        FileType::Fifo => file.downcast().map_err(|_| Errno::EBADF),
        _ => Err(Errno::EBADF),
    }
}

fn ioctl(args: &Args) -> Result {
    let fd = number_of(args.int(0))?;
    let table = current().files()?;
    let file = table.get(fd)?;
    if file.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    let (request, argument) = (args.word(1), args.x[2]);
    match request {
        FIOCLEX => table.set_on_exec(fd, OnExec::Close).map(|()| 0),
        FIONCLEX => table.set_on_exec(fd, OnExec::Keep).map(|()| 0),
        FIONBIO => set_non_blocking(&file, user::read_value(argument)?),
        FIONREAD
            if file.inode().kind() == FileType::Regular
                && file.file().offset() == Offset::InTurn =>
        {
            let metadata = file.metadata();
            let left = metadata.size.saturating_sub(file.position());
            user::write_value(argument, &(left as u32)).map(|()| 0)
        }
        _ => file.file().control(request, argument),
    }
}

fn set_non_blocking(file: &OpenFile, value: u32) -> Result {
    let mut flags = file.flags();
    flags.set(OpenFlags::NON_BLOCKING, value != 0);
    file.set_flags(flags);
    Ok(0)
}
