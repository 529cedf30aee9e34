//! Calls that move bytes: `read`, `write` and their relatives.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::signal::SIGPIPE;
use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};

use super::{Args, Checked, Entry, Result, Row, file};
use crate::files::{Input, OpenFile, Output};
use crate::mm::user::{self, UserSlice};
use crate::process::signal::send;

/// This family's rows of the table.
pub const CALLS: &[Row] = &[
    (number::READ, Entry::Plain(read)),
    (number::WRITE, Entry::Plain(write)),
    (number::READV, Entry::Plain(readv)),
    (number::WRITEV, Entry::Plain(writev)),
    (number::PREAD64, Entry::Plain(pread64)),
    (number::PWRITE64, Entry::Plain(pwrite64)),
    (number::LSEEK, Entry::Plain(lseek)),
    (number::SENDFILE, Entry::Plain(sendfile)),
    (number::FSYNC, Entry::Plain(check_open)),
    (number::FDATASYNC, Entry::Plain(check_open)),
    (number::SYNCFS, Entry::Plain(check_open)),
    (number::FADVISE64, Entry::Plain(check_open)),
    // Files live in memory: there is nothing to write back.
    (number::SYNC, Entry::Plain(|_| Ok(0))),
];

/// Most bytes of one call (Linux `MAX_RW_COUNT`).
const MOST: usize = 0x7fff_f000;
/// Most pieces of one call.
const PIECES_MAX: usize = 1024;
/// Bytes that `sendfile` moves at once.
const CHUNK: usize = 4096;

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
fn finish_write(result: Result) -> Result {
    if result == Err(Errno::EPIPE) {
        send::to_current(SIGPIPE);
    }
    result
}

/// The pieces of a vector, together at most [`MOST`] bytes.
fn pieces(args: &Args) -> Checked<Vec<UserSlice>> {
    let count = args.x[2];
    if count > PIECES_MAX {
        return Err(Errno::EINVAL);
    }
    let mut left = MOST;
    let mut pieces = Vec::with_capacity(count);
    for index in 0..count {
        let address = args.x[1] + index * size_of::<Iovec>();
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

fn position(value: usize) -> Checked<u64> {
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

fn lseek(args: &Args) -> Result {
    let place = file(args.int(0))?.seek(args.x[1] as i64, args.word(2))?;
    Ok(place as usize)
}

fn check_open(args: &Args) -> Result {
    file(args.int(0)).map(|_| 0)
}

/// Moves bytes between two files, from the offset at an address or from that
/// of the file. Only what was written counts as read.
fn sendfile(args: &Args) -> Result {
    let (output, input) = (file(args.int(0))?, file(args.int(1))?);
    let [_, _, address, count, ..] = args.x;
    let start = match address {
        0 => input.position(),
        _ => position(user::read_value(address)?)?,
    };
    let moved = move_bytes(&output, &input, start, count.min(MOST))?;
    let end = start + moved as u64;
    match address {
        0 => input.seek(end as i64, 0).map(drop)?,
        _ => user::write_value(address, &end)?,
    }
    Ok(moved)
}

fn move_bytes(
    output: &Arc<OpenFile>,
    input: &Arc<OpenFile>,
    start: u64,
    count: usize,
) -> Result {
    let mut bytes = vec![0; count.min(CHUNK)];
    let mut moved = 0;
    while moved < count {
        let size = bytes.len().min(count - moved);
        let mut chunk = Output::kernel(&mut bytes[..size]);
        let read = input.read_at(start + moved as u64, &mut chunk);
        // A stream cannot be read at a place.
        let read = read.map_err(|error| match error {
            Errno::ESPIPE => Errno::EINVAL,
            error => error,
        });
        let written = match read {
            Ok(0) => break,
            Ok(read) => output.write(&mut Input::kernel(&bytes[..read])),
            Err(error) => Err(error),
        };
        match finish_write(written) {
            Ok(written) if written == size => moved += written,
            Ok(written) => return Ok(moved + written),
            Err(_) if moved > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}
