//! Calls that move bytes: `read`, `write` and their relatives.

use alloc::vec::Vec;

use kernel_abi::signal::SIGPIPE;
use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};

use super::{Checked, any_file, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::open_file::Transfer;
use kernel_files::{Input, Output};
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
];

/// Most bytes of one call (Linux `MAX_RW_COUNT`).
pub(crate) const MOST: usize = 0x7fff_f000;
/// Most pieces of one call.
const PIECES_MAX: usize = 1024;

#[inline]
fn slice(args: &Args) -> Checked<UserSlice> {
    UserSlice::new(args.x[1], args.x[2].min(MOST))
}

// What is only a place is neither read nor written, so these find out anyway.
fn read(args: &Args) -> Result {
    let file = any_file(args.int(0))?;
    file.read(&mut Output::user(slice(args)?))
}

fn write(args: &Args) -> Result {
    let file = any_file(args.int(0))?;
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
    let file = any_file(args.int(0))?;
    file.read(&mut Output::vector(&pieces(args)?))
}

fn writev(args: &Args) -> Result {
    let file = any_file(args.int(0))?;
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

/// How one transfer is to be made (`RWF_*`), and where; a place of -1 stands
/// for the file's own offset. What is written is kept, so that nothing more
/// needs to be done for `RWF_HIPRI`, `RWF_DSYNC` and `RWF_SYNC`.
fn transfer_at(args: &Args) -> Checked<Transfer> {
    const NO_EFFECT: u32 = 7;
    const NO_WAIT: u32 = 8;
    const APPEND: u32 = 16;
    let flags = args.word(5);
    if flags & !(NO_EFFECT | NO_WAIT | APPEND) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let place = match args.x[3] as i64 {
        -1 => None,
        _ => Some(position(args.x[3])?),
    };
    let is_append = flags & APPEND != 0;
    Ok(Transfer { place, is_append, must_not_wait: flags & NO_WAIT != 0 })
}

fn preadv2(args: &Args) -> Result {
    let transfer = transfer_at(args)?;
    let file = file(args.int(0))?;
    file.read_by(transfer, &mut Output::vector(&pieces(args)?))
}

fn pwritev2(args: &Args) -> Result {
    let transfer = transfer_at(args)?;
    let file = file(args.int(0))?;
    let pieces = pieces(args)?;
    finish_write(file.write_by(transfer, &mut Input::vector(&pieces)))
}

fn lseek(args: &Args) -> Result {
    let place = file(args.int(0))?.seek(args.x[1] as i64, args.word(2))?;
    Ok(place as usize)
}
