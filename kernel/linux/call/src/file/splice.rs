//! Calls that move bytes from one file to another: `sendfile`, `splice`,
//! `tee`, `vmsplice`, `copy_file_range`.
//!
//! Bytes go through a small buffer in the kernel. Only what was written
//! counts as read: where the source has an offset, it stands behind the last
//! byte that arrived.

use alloc::sync::Arc;
use alloc::vec;

use kernel_abi::{Errno, syscall as number};

use super::transfer::{MOST, finish_write, pieces, position};
use super::{Checked, check_flags, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::file::{Blocking, File};
use kernel_files::pipe::End;
use kernel_files::{FileType, Input, OpenFile, OpenFlags, Output, PollEvents};
use kernel_machine::mm::user;
use kernel_task::sleep::give_way;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SENDFILE, Handler::Plain(sendfile)),
    (number::SPLICE, Handler::Plain(splice)),
    (number::TEE, Handler::Plain(tee)),
    (number::VMSPLICE, Handler::Plain(vmsplice)),
    (number::COPY_FILE_RANGE, Handler::Plain(copy_file_range)),
];

/// Bytes that are moved at once: what a pipe takes in one piece.
const CHUNK: usize = 4096;

/// One side of a move.
struct Side {
    file: Arc<OpenFile>,
    /// Where the program keeps the position; 0 for the file's own offset.
    address: usize,
    /// Where the next byte is; `None` for a stream.
    at: Option<u64>,
}

impl Side {
    fn new(fd: i32, address: usize) -> Checked<Self> {
        let file = file(fd)?;
        let is_stream = file.seek(0, 1).is_err();
        let at = match address {
            0 if is_stream => None,
            0 => Some(file.position()),
            _ if is_stream => return Err(Errno::ESPIPE),
            _ => Some(position(user::read_value(address)?)?),
        };
        Ok(Self { file, address, at })
    }

    fn is_pipe(&self) -> bool {
        self.file.inode().kind() == FileType::Fifo
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result {
        let mut output = Output::kernel(bytes);
        match self.at {
            Some(at) => self.file.read_at(at, &mut output),
            None => self.file.read(&mut output),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result {
        let mut input = Input::kernel(bytes);
        match (self.at, self.address) {
            (Some(at), 1..) => self.file.write_at(at, &mut input),
            _ => self.file.write(&mut input),
        }
    }

    fn advance(&mut self, count: usize) {
        self.at = self.at.map(|at| at + count as u64);
    }

    /// Stores where it stands, unless that is the file's own offset, which
    /// a write has moved itself.
    fn store_given(&self) -> Checked<()> {
        if self.address == 0 { Ok(()) } else { self.store() }
    }

    /// Stores where it stands.
    fn store(&self) -> Checked<()> {
        match (self.at, self.address) {
            (None, _) => Ok(()),
            (Some(at), 0) => self.file.seek(at as i64, 0).map(drop),
            (Some(at), address) => user::write_value(address, &at),
        }
    }
}

/// Moves up to `count` bytes; how many. A signal ends it between two pieces,
/// and a freeze comes there.
fn transfer(from: &mut Side, to: &mut Side, count: usize) -> Result {
    let mut bytes = vec![0; count.min(CHUNK)];
    let mut moved = 0;
    while moved < count {
        if moved > 0 && give_way().is_err() {
            break;
        }
        if moved > 0 && from.at.is_none() && !is_ready(from, PollEvents::IN) {
            // A stream that has given something is not waited for.
            break;
        }
        if moved > 0 && to.is_pipe() && !is_ready(to, PollEvents::OUT) {
            // Nor is a pipe that is full now: its reader may be the caller.
            break;
        }
        let size = bytes.len().min(count - moved);
        let read = match from.read(&mut bytes[..size]) {
            Ok(0) => break,
            Err(_) if moved > 0 => break,
            other => other?,
        };
        let is_all = from.at.is_none() && to.address == 0;
        match write(to, &bytes[..read], is_all) {
            Ok(written) => {
                moved += written;
                from.advance(written);
                to.advance(written);
                if written < size {
                    break;
                }
            }
            Err(_) if moved > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}

/// Writes as a system call does, or all of it as far as each call gets any
/// further: what a stream has given would be lost otherwise.
fn write(to: &mut Side, bytes: &[u8], is_all: bool) -> Result {
    let mut done = 0;
    loop {
        match finish_write(to.write(&bytes[done..])) {
            Ok(0) => return Ok(done),
            Ok(count) => done += count,
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(error),
        }
        if !is_all || done == bytes.len() {
            return Ok(done);
        }
    }
}

/// Fails unless one side can be read and the other written.
fn check_sides(from: &Side, to: &Side) -> Checked<()> {
    match from.file.flags().can_read() && to.file.flags().can_write() {
        true => Ok(()),
        false => Err(Errno::EBADF),
    }
}

/// True if whatever is written goes to the end, so that no place can be said.
fn appends(side: &Side) -> bool {
    side.file.flags().contains(OpenFlags::APPEND)
}

fn is_ready(side: &Side, wanted: PollEvents) -> bool {
    side.file.file().poll(None).intersects(wanted)
}

fn sendfile(args: &Args) -> Result {
    let mut to = Side::new(args.int(0), 0)?;
    let mut from = Side::new(args.int(1), args.x[2])?;
    check_sides(&from, &to)?;
    if from.at.is_none() || appends(&to) {
        return Err(Errno::EINVAL);
    }
    let moved = transfer(&mut from, &mut to, args.x[3].min(MOST))?;
    from.store()?;
    Ok(moved)
}

const NON_BLOCKING: u32 = 2;
/// `SPLICE_F_MOVE`, `SPLICE_F_MORE`, `SPLICE_F_GIFT` are hints.
const FLAGS: u32 = 15;

fn splice(args: &Args) -> Result {
    check_flags(args.word(5), FLAGS)?;
    let mut from = Side::new(args.int(0), args.x[1])?;
    let mut to = Side::new(args.int(2), args.x[3])?;
    check_sides(&from, &to)?;
    if !from.is_pipe() && !to.is_pipe() || appends(&to) {
        return Err(Errno::EINVAL);
    }
    if args.word(5) & NON_BLOCKING != 0 {
        let can_move = (!from.is_pipe()
            || is_ready(&from, PollEvents::IN | PollEvents::HANG_UP))
            && (!to.is_pipe()
                || is_ready(&to, PollEvents::OUT | PollEvents::ERROR));
        if !can_move {
            return Err(Errno::EAGAIN);
        }
    }
    let moved = transfer(&mut from, &mut to, args.x[4].min(MOST))?;
    from.store()?;
    to.store_given()?;
    Ok(moved)
}

fn blocking(flags: u32, file: &OpenFile) -> Blocking {
    let must_not = flags & NON_BLOCKING != 0
        || file.flags().contains(OpenFlags::NON_BLOCKING);
    if must_not { Blocking::Fail } else { Blocking::Sleep }
}

/// Copies what is in one pipe into another, and leaves it.
fn tee(args: &Args) -> Result {
    let (count, flags) = (args.x[2], args.word(3));
    check_flags(flags, FLAGS)?;
    let (from, to) = (file(args.int(0))?, file(args.int(1))?);
    if !from.flags().can_read() || !to.flags().can_write() {
        return Err(Errno::EBADF);
    }
    let (source, target) = (from.downcast::<End>()?, to.downcast::<End>()?);
    if source.is_of_same_pipe(target) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = vec![0; count.min(CHUNK)];
    if bytes.is_empty() {
        return Ok(0);
    }
    let length = source.peek(&mut bytes, blocking(flags, &from))?;
    let mut input = Input::kernel(&bytes[..length]);
    finish_write(target.write(0, &mut input, blocking(flags, &to)))
}

/// Moves user memory into a pipe, or what is in a pipe to user memory.
fn vmsplice(args: &Args) -> Result {
    check_flags(args.word(3), FLAGS)?;
    let file = file(args.int(0))?;
    let end = file.downcast::<End>().map_err(|_| Errno::EBADF)?;
    let pieces = pieces(args)?;
    let blocking = blocking(args.word(3), &file);
    if file.flags().can_write() {
        let mut input = Input::vector(&pieces);
        finish_write(end.write_some(&mut input, blocking))
    } else {
        end.read(0, &mut Output::vector(&pieces), blocking)
    }
}

fn copy_file_range(args: &Args) -> Result {
    check_flags(args.word(5), 0)?;
    let mut from = Side::new(args.int(0), args.x[1])?;
    let mut to = Side::new(args.int(2), args.x[3])?;
    for side in [&from, &to] {
        match side.file.inode().kind() {
            FileType::Regular => {}
            FileType::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    check_sides(&from, &to)?;
    if appends(&to) {
        return Err(Errno::EBADF);
    }
    let count = args.x[4];
    let ends =
        [&from, &to].map(|side| side.at.unwrap_or(0).checked_add(count as u64));
    let [Some(_), Some(_)] = ends else { return Err(Errno::EOVERFLOW) };
    if from.file.inode().id() == to.file.inode().id() {
        let [one, other] = [&from, &to].map(|side| side.at.unwrap_or(0));
        if one.abs_diff(other) < count as u64 {
            return Err(Errno::EINVAL);
        }
    }
    let moved = transfer(&mut from, &mut to, args.x[4].min(MOST))?;
    from.store()?;
    to.store_given()?;
    Ok(moved)
}
