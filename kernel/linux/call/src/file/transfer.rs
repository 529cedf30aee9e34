//! Calls that move bytes: `read`, `write` and their relatives.

use alloc::vec::Vec;

use kernel_abi::signal::SIGPIPE;
use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};

use super::{Checked, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::{FileType, Input, Output, operation};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::signal::send;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::READ, Handler::Plain(read)),
    (number::WRITE, Handler::Plain(write)),
    (number::READV, Handler::Plain(readv)),
    (number::WRITEV, Handler::Plain(writev)),
    (number::PREAD64, Handler::Plain(pread64)),
    (number::PWRITE64, Handler::Plain(pwrite64)),
    (number::LSEEK, Handler::Plain(lseek)),
    (number::PREADV, Handler::Plain(preadv)),
    (number::PWRITEV, Handler::Plain(pwritev)),
    (number::PREADV2, Handler::Plain(preadv2)),
    (number::PWRITEV2, Handler::Plain(pwritev2)),
    (number::FALLOCATE, Handler::Plain(fallocate)),
    (number::FSYNC, Handler::Plain(check_open)),
    (number::FDATASYNC, Handler::Plain(check_open)),
    (number::SYNCFS, Handler::Plain(check_open)),
    (number::FADVISE64, Handler::Plain(check_open)),
    (number::READAHEAD, Handler::Plain(check_open)),
    (number::SYNC_FILE_RANGE, Handler::Plain(check_open)),
    // Files live in memory: there is nothing to write back.
    (number::SYNC, Handler::Plain(|_| Ok(0))),
];

/// Most bytes of one call (Linux `MAX_RW_COUNT`).
pub(crate) const MOST: usize = 0x7fff_f000;
/// Most pieces of one call.
const PIECES_MAX: usize = 1024;

#[inline]
fn slice(args: &Args) -> Checked<UserSlice> {
    UserSlice::new(args.x[1], args.x[2].min(MOST))
}

fn read(args: &Args) -> Result {
    let file = file(args.int(0))?;
    file.read(&mut Output::user(slice(args)?))
}

fn write(args: &Args) -> Result {
    let file = file(args.int(0))?;
    finish_write(file.write(&mut Input::user(slice(args)?)))
}

/// A writer without readers gets a signal, too.
#[inline]
pub(super) fn finish_write(result: Result) -> Result {
    if result == Err(Errno::EPIPE) {
        send::to_current(SIGPIPE);
    }
    result
}

/// The pieces of a vector, together at most [`MOST`] bytes.
pub(super) fn pieces(args: &Args) -> Checked<Vec<UserSlice>> {
    pieces_at(args.x[1], args.x[2])
}

/// The pieces of a vector of `count` that lies at `start`.
pub(super) fn pieces_at(start: usize, count: usize) -> Checked<Vec<UserSlice>> {
    if count > PIECES_MAX {
        return Err(Errno::EINVAL);
    }
    let mut left = MOST;
    let mut pieces = Vec::with_capacity(count);
    for index in 0..count {
        let address = start.wrapping_add(index * size_of::<Iovec>());
        let piece: Iovec = user::read_value(address)?;
        if piece.len > isize::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        let length = (piece.len as usize).min(left);
        left -= length;
        if length > 0 {
            pieces.push(UserSlice::new(piece.base as usize, length)?);
        }
    }
    Ok(pieces)
}

fn readv(args: &Args) -> Result {
    let file = file(args.int(0))?;
    file.read(&mut Output::vector(&pieces(args)?))
}

fn writev(args: &Args) -> Result {
    let file = file(args.int(0))?;
    finish_write(file.write(&mut Input::vector(&pieces(args)?)))
}

/// A place in a file, as calls get it.
pub(super) fn position(value: usize) -> Checked<u64> {
    u64::try_from(value as i64).map_err(|_| Errno::EINVAL)
}

fn pread64(args: &Args) -> Result {
    let position = position(args.x[3])?;
    let file = file(args.int(0))?;
    file.read_at(position, &mut Output::user(slice(args)?))
}

fn pwrite64(args: &Args) -> Result {
    let position = position(args.x[3])?;
    let file = file(args.int(0))?;
    let mut input = Input::user(slice(args)?);
    finish_write(file.write_at(position, &mut input))
}

fn preadv(args: &Args) -> Result {
    let position = position(args.x[3])?;
    let file = file(args.int(0))?;
    file.read_at(position, &mut Output::vector(&pieces(args)?))
}

fn pwritev(args: &Args) -> Result {
    let position = position(args.x[3])?;
    let file = file(args.int(0))?;
    let pieces = pieces(args)?;
    finish_write(file.write_at(position, &mut Input::vector(&pieces)))
}

/// A place of -1 stands for the file's own offset; no flags are known.
fn preadv2(args: &Args) -> Result {
    match (args.word(5), args.x[3] as i64) {
        (0, -1) => readv(args),
        (0, _) => preadv(args),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

fn pwritev2(args: &Args) -> Result {
    match (args.word(5), args.x[3] as i64) {
        (0, -1) => writev(args),
        (0, _) => pwritev(args),
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Pages come when they are written; what remains is to make the file long
/// enough, unless it is to keep its size.
fn fallocate(args: &Args) -> Result {
    const KEEP_SIZE: u32 = 1;
    let (start, length) = (position(args.x[2])?, position(args.x[3])?);
    let file = file(args.int(0))?;
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    if !file.flags().can_write() {
        return Err(Errno::EBADF);
    }
    match file.inode().kind() {
        FileType::Regular => {}
        FileType::Fifo => return Err(Errno::ESPIPE),
        _ => return Err(Errno::ENODEV),
    }
    let end = start.checked_add(length).ok_or(Errno::EFBIG)?;
    match args.word(1) {
        0 if end > file.metadata().size => {
            operation::truncate(&file.location, end)?
        }
        0 | KEEP_SIZE => {}
        _ => return Err(Errno::EOPNOTSUPP),
    }
    Ok(0)
}

fn lseek(args: &Args) -> Result {
    let place = file(args.int(0))?.seek(args.x[1] as i64, args.word(2))?;
    Ok(place as usize)
}

fn check_open(args: &Args) -> Result {
    file(args.int(0)).map(|_| 0)
}
