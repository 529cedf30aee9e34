//! `clone(2)` and `clone3(2)`: new processes and threads.

use core::mem::size_of;

use kernel_abi::signal::SIGCHLD;
use kernel_abi::{Errno, syscall as number};

use super::call::{Handler, Numbered, Result};
use super::file::any_file;
use kernel_control::cgroup::Place;
use kernel_core::capability::Capability;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::{PAGE_SIZE, user};
use kernel_process::authority;
use kernel_process::fork::{self, Birthplace, Flags, Request};
use kernel_process::oom::with_memory;
use kernel_process::ptrace::event;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::CLONE, Handler::WithFrame(clone)),
    (number::CLONE3, Handler::WithFrame(clone3)),
];

type Checked<T> = core::result::Result<T, Errno>;

fn clone(frame: &mut TrapFrame) -> Result {
    // The upper half of the word means nothing here.
    let (flags, exit_signal) = Request::check(frame.x[0] & 0xffff_ffff)?;
    let request = Request {
        flags,
        exit_signal,
        stack: frame.x[1],
        parent_word: frame.x[2] as usize,
        thread_pointer: frame.x[3],
        child_word: frame.x[4] as usize,
        pidfd_word: frame.x[2] as usize,
        wanted_id: None,
        birthplace: None,
    };
    make_child(frame, &request)
}

fn make_child(frame: &mut TrapFrame, request: &Request<'_>) -> Result {
    let is_fork = request.exit_signal == SIGCHLD;
    let is_vfork = request.is_vfork();
    let event = match request.is_untraced() {
        true => None,
        false => event::of_clone(is_vfork, is_fork),
    };
    let born = with_memory(|| fork::clone(frame, request, event.is_some()))?;
    if let Some(event) = event {
        event::happened(frame, event, born.id.into());
    }
    let id = born.id;
    if born.wait() {
        event::vfork_done(frame, id);
    }
    Ok(id as usize)
}

/// `struct clone_args`: flags, pidfd, child_tid, parent_tid, exit_signal,
/// stack, stack_size, tls, set_tid, set_tid_size, cgroup.
type CloneArguments = [u64; 11];

/// Reads the structure, whose size says how much of it the caller knows.
fn read_arguments(address: usize, size: usize) -> Checked<CloneArguments> {
    /// `CLONE_ARGS_SIZE_VER0`
    const LEAST: usize = 64;
    match size {
        0..LEAST => return Err(Errno::EINVAL),
        size if size > PAGE_SIZE => return Err(Errno::E2BIG),
        _ => {}
    }
    let mut bytes = [0_u8; size_of::<CloneArguments>()];
    for (at, byte) in bytes.iter_mut().enumerate().take(size) {
        *byte = user::read_value(address.wrapping_add(at))?;
    }
    for at in bytes.len()..size {
        if user::read_value::<u8>(address.wrapping_add(at))? != 0 {
            return Err(Errno::E2BIG);
        }
    }
    Ok(zerocopy::transmute!(bytes))
}

fn clone3(frame: &mut TrapFrame) -> Result {
    let [address, size] = [0, 1].map(|at| frame.x[at] as usize);
    let given = read_arguments(address, size)?;
    let [flags, pidfd, child, parent, signal, stack, length, pointer, ..] =
        given;
    let [.., ids, id_count, group] = given;
    let wanted_id = read_wanted_id(ids as usize, id_count)?;
    let (flags, exit_signal) = Request::check3(flags, signal)?;
    if (stack == 0) != (length == 0) {
        return Err(Errno::EINVAL);
    }
    let place = match flags.contains(Flags::INTO_CGROUP) {
        // A caller that does not know the field cannot mean it.
        true if size < size_of::<CloneArguments>() => {
            return Err(Errno::EINVAL);
        }
        true => Some(find_group(group, flags)?),
        false => None,
    };
    let request = Request {
        flags,
        exit_signal,
        stack: stack.checked_add(length).ok_or(Errno::EINVAL)?,
        parent_word: parent as usize,
        thread_pointer: pointer,
        child_word: child as usize,
        pidfd_word: pidfd as usize,
        wanted_id,
        birthplace: place.as_ref().map(|it| -> &dyn Birthplace { it }),
    };
    make_child(frame, &request)
}

/// The number that the child is to have, of an array with one for each
/// namespace it is in; there is one namespace.
fn read_wanted_id(address: usize, count: u64) -> Checked<Option<u32>> {
    match (address, count) {
        (0, 0) => return Ok(None),
        (1.., 1) => {}
        _ => return Err(Errno::EINVAL),
    }
    let id: i32 = user::read_value(address)?;
    let may_choose = authority::has(Capability::CHECKPOINT_RESTORE)
        || authority::has(Capability::SYS_ADMIN);
    match u32::try_from(id) {
        Err(_) | Ok(0) => Err(Errno::EINVAL),
        Ok(_) if !may_choose => Err(Errno::EPERM),
        Ok(id) => Ok(Some(id)),
    }
}

fn find_group(group: u64, flags: Flags) -> Checked<Place> {
    let fd = i32::try_from(group).map_err(|_| Errno::EINVAL)?;
    // A descriptor that is only a place will do (clone(2)).
    let directory = any_file(fd)?;
    Place::find(directory.inode(), flags.contains(Flags::THREAD))
}
