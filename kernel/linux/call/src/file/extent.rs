//! Calls about parts of files: room for them, holes in them, and what a
//! program is going to do with them. Files live in memory: there is nothing to
//! write back and nothing to read ahead, so most have only their errors.

use core::ops::Range;

use kernel_abi::{Errno, syscall as number};

use super::transfer::position;
use super::{Checked, check_flags, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::inode::Extent;
use kernel_files::{FileType, OpenFile, operation};
use kernel_task::sleep::give_way;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::FALLOCATE, Handler::Plain(fallocate)),
    (number::FADVISE64, Handler::Plain(fadvise)),
    (number::READAHEAD, Handler::Plain(readahead)),
    (number::SYNC_FILE_RANGE, Handler::Plain(sync_file_range)),
    (number::FSYNC, Handler::Plain(fsync)),
    (number::FDATASYNC, Handler::Plain(fsync)),
    (number::SYNCFS, Handler::Plain(|args| file(args.int(0)).map(|_| 0))),
    (number::SYNC, Handler::Plain(|_| Ok(0))),
];

/// Makes room: whoever has it writes there without `ENOSPC`. Or makes holes.
fn fallocate(args: &Args) -> Result {
    const KEEP_SIZE: u32 = 1;
    const PUNCH_HOLE: u32 = 2 | KEEP_SIZE;
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
        FileType::Directory => return Err(Errno::EISDIR),
        _ => return Err(Errno::ENODEV),
    }
    let end = start.checked_add(length).ok_or(Errno::EFBIG)?;
    if end > i64::MAX as u64 {
        return Err(Errno::EFBIG);
    }
    match args.word(1) {
        mode @ (0 | KEEP_SIZE) => {
            let keeps_size = mode == KEEP_SIZE;
            operation::allocate(&file.location, start..end, keeps_size)?;
        }
        PUNCH_HOLE => punch(&file, start..end.min(file.metadata().size))?,
        _ => return Err(Errno::EOPNOTSUPP),
    }
    Ok(0)
}

/// Makes a hole, in pieces where there are bytes.
fn punch(file: &OpenFile, range: Range<u64>) -> Checked<()> {
    /// Bytes of a hole that are made at once.
    const PIECE: u64 = 1 << 20;
    let mut at = range.start;
    while at < range.end
        && let Ok(from) = file.inode().find_extent(at, Extent::Data)
        && from < range.end
    {
        at = range.end.min((from / PIECE + 1) * PIECE);
        operation::punch(&file.location, from..at)?;
        give_way()?;
    }
    // Also where nothing is to be done it may be forbidden.
    operation::punch(&file.location, range.end..range.end)
}

fn fadvise(args: &Args) -> Result {
    const LAST: u32 = 5;
    let file = file(args.int(0))?;
    if file.inode().kind() == FileType::Fifo {
        return Err(Errno::ESPIPE);
    }
    if args.word(3) > LAST || (args.x[2] as i64) < 0 {
        return Err(Errno::EINVAL);
    }
    Ok(0)
}

fn readahead(args: &Args) -> Result {
    let file = file(args.int(0))?;
    if !file.flags().can_read() {
        return Err(Errno::EBADF);
    }
    match file.inode().kind() {
        FileType::Regular | FileType::Block(_) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

fn sync_file_range(args: &Args) -> Result {
    const FLAGS: u32 = 7;
    let file = file(args.int(0))?;
    check_flags(args.word(3), FLAGS)?;
    let (start, length) = (position(args.x[1])?, position(args.x[2])?);
    if start.checked_add(length).is_none_or(|end| end > i64::MAX as u64) {
        return Err(Errno::EINVAL);
    }
    match file.inode().kind() {
        FileType::Regular | FileType::Block(_) | FileType::Directory => Ok(0),
        _ => Err(Errno::ESPIPE),
    }
}

/// Streams have nothing that could be kept.
fn fsync(args: &Args) -> Result {
    match file(args.int(0))?.inode().kind() {
        FileType::Regular | FileType::Directory | FileType::Block(_) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}
