//! Reading and writing the memory of another process.
//!
//! Whoever may trace a process may do so, but as the process itself could:
//! where it may not write, neither may they.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::system::Iovec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::memory::PAGE_SIZE;

use super::call::{Args, Handler, Numbered, Result};
use super::file::transfer::MOST;
use kernel_machine::mm::AddressSpace;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::ptrace::link;
use kernel_process::thread_of;
use kernel_task::sleep::give_way_until_killed;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::PROCESS_VM_READV, Handler::Plain(process_vm_readv)),
    (number::PROCESS_VM_WRITEV, Handler::Plain(process_vm_writev)),
];

type Checked<T> = core::result::Result<T, Errno>;

/// Most pieces of one vector.
const PIECES_MAX: usize = 1024;
/// Bytes moved at once.
const CHUNK: usize = PAGE_SIZE;
/// Chunks, or parts of them, between two freeze points.
const PIECE: usize = 32;

fn process_vm_readv(args: &Args) -> Result {
    transfer(args, |space, remote, local, bytes| {
        space.read_at(remote, bytes)?;
        local.write(0, bytes)
    })
}

fn process_vm_writev(args: &Args) -> Result {
    transfer(args, |space, remote, local, bytes| {
        local.read(0, bytes)?;
        space.write_at(remote, bytes)
    })
}

fn pieces(vector: usize, count: usize) -> Checked<Vec<(usize, usize)>> {
    if count > PIECES_MAX {
        return Err(Errno::EINVAL);
    }
    (0..count)
        .map(|index| {
            let place = vector.wrapping_add(index * size_of::<Iovec>());
            let piece: Iovec = user::read_value(place)?;
            match isize::try_from(piece.len) {
                Ok(length) => Ok((piece.base as usize, length as usize)),
                Err(_) => Err(Errno::EINVAL),
            }
        })
        .filter(|piece| !matches!(piece, Ok((_, 0))))
        .collect()
}

/// The memory of the process `id`, if the caller may use it.
fn memory_of(id: i32) -> Checked<Arc<AddressSpace>> {
    let id = u32::try_from(id).map_err(|_| Errno::ESRCH)?;
    let task = link::find(id).map_err(|_| Errno::ESRCH)?;
    let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
    link::memory_of(&task, thread)
}

/// Moves bytes between two vectors; how many, which is as many as a `read(2)`
/// moves at most. What fails ends it, and is told if nothing was moved before.
fn transfer(
    args: &Args,
    step: impl FnMut(&AddressSpace, usize, &UserSlice, &mut [u8]) -> Checked<()>,
) -> Result {
    if args.x[5] != 0 {
        return Err(Errno::EINVAL);
    }
    let local = pieces(args.x[1], args.x[2])?;
    let remote = pieces(args.x[3], args.x[4])?;
    let space = memory_of(args.int(0))?;
    let result = transfer_with(&space, local, remote, step);
    // The process may have ended meanwhile.
    AddressSpace::leave(space);
    result
}

/// Moves bytes a chunk at a time.
fn transfer_with(
    space: &AddressSpace,
    mut local: Vec<(usize, usize)>,
    mut remote: Vec<(usize, usize)>,
    mut step: impl FnMut(&AddressSpace, usize, &UserSlice, &mut [u8]) -> Checked<()>,
) -> Result {
    let mut buffer = vec![0; CHUNK];
    local.reverse();
    remote.reverse();
    let (mut done, mut chunks) = (0, 0);
    loop {
        local.pop_if(|piece| piece.1 == 0);
        remote.pop_if(|piece| piece.1 == 0);
        let (Some(here), Some(there)) = (local.last_mut(), remote.last_mut())
        else {
            return Ok(done);
        };
        let count = here.1.min(there.1).min(CHUNK).min(MOST - done);
        if count == 0 {
            return Ok(done);
        }
        let moved = UserSlice::new(here.0, count).and_then(|slice| {
            step(space, there.0, &slice, &mut buffer[..count])
        });
        match moved {
            Ok(()) => {}
            Err(_) if done != 0 => return Ok(done),
            Err(_) => return Err(Errno::EFAULT),
        }
        for piece in [here, there] {
            piece.0 = piece.0.wrapping_add(count);
            piece.1 -= count;
        }
        done += count;
        chunks += 1;
        if chunks % PIECE == 0 && give_way_until_killed().is_err() {
            return Ok(done);
        }
    }
}
