//! Calls about whose a process is.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::swap;

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user;
use kernel_process::credentials::Ids;
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::GETUID, Handler::Plain(|_| user_ids(|ids| ids.real))),
    (number::GETEUID, Handler::Plain(|_| user_ids(|ids| ids.effective))),
    (number::GETGID, Handler::Plain(|_| group_ids(|ids| ids.real))),
    (number::GETEGID, Handler::Plain(|_| group_ids(|ids| ids.effective))),
    (number::SETUID, Handler::Plain(setuid)),
    (number::SETGID, Handler::Plain(setgid)),
    (number::SETREUID, Handler::Plain(setreuid)),
    (number::SETREGID, Handler::Plain(setregid)),
    (number::SETRESUID, Handler::Plain(setresuid)),
    (number::SETRESGID, Handler::Plain(setresgid)),
    (number::GETRESUID, Handler::Plain(getresuid)),
    (number::GETRESGID, Handler::Plain(getresgid)),
    (number::GETGROUPS, Handler::Plain(getgroups)),
    (number::SETGROUPS, Handler::Plain(setgroups)),
];

fn user_ids(pick: fn(&Ids) -> u32) -> Result {
    Ok(pick(&current().process.credentials.lock().user) as usize)
}

fn group_ids(pick: fn(&Ids) -> u32) -> Result {
    Ok(pick(&current().process.credentials.lock().group) as usize)
}

fn setuid(args: &Args) -> Result {
    let thread = current();
    let mut credentials = thread.process.credentials.lock();
    let is_privileged = credentials.is_privileged();
    credentials.user.set(args.word(0), is_privileged)?;
    drop(credentials);
    thread.process.count_for_user();
    Ok(0)
}

fn setgid(args: &Args) -> Result {
    let thread = current();
    let mut credentials = thread.process.credentials.lock();
    let is_privileged = credentials.is_privileged();
    credentials.group.set(args.word(0), is_privileged).map(|()| 0)
}

fn setreuid(args: &Args) -> Result {
    set_user_ids([args.word(0), args.word(1), args.word(1)])
}

fn setregid(args: &Args) -> Result {
    set_group_ids([args.word(0), args.word(1), args.word(1)])
}

fn setresuid(args: &Args) -> Result {
    set_user_ids([args.word(0), args.word(1), args.word(2)])
}

fn setresgid(args: &Args) -> Result {
    set_group_ids([args.word(0), args.word(1), args.word(2)])
}

fn set_user_ids(ids: [u32; 3]) -> Result {
    let thread = current();
    let mut credentials = thread.process.credentials.lock();
    let is_privileged = credentials.is_privileged();
    credentials.user.set_all(ids, is_privileged)?;
    drop(credentials);
    thread.process.count_for_user();
    Ok(0)
}

fn set_group_ids(ids: [u32; 3]) -> Result {
    let thread = current();
    let mut credentials = thread.process.credentials.lock();
    let is_privileged = credentials.is_privileged();
    credentials.group.set_all(ids, is_privileged).map(|()| 0)
}

fn getresuid(args: &Args) -> Result {
    let ids = current().process.credentials.lock().user;
    write_ids(args, ids)
}

fn getresgid(args: &Args) -> Result {
    let ids = current().process.credentials.lock().group;
    write_ids(args, ids)
}

fn write_ids(args: &Args, ids: Ids) -> Result {
    user::write_value(args.x[0], &ids.real)?;
    user::write_value(args.x[1], &ids.effective)?;
    user::write_value(args.x[2], &ids.saved)?;
    Ok(0)
}

fn getgroups(args: &Args) -> Result {
    let groups = current().process.credentials.lock().groups.clone();
    let room = usize::try_from(args.int(0)).map_err(|_| Errno::EINVAL)?;
    if room == 0 {
        return Ok(groups.len());
    }
    if room < groups.len() {
        return Err(Errno::EINVAL);
    }
    for (at, group) in groups.iter().enumerate() {
        user::write_value(args.x[1].wrapping_add(at * 4), group)?;
    }
    Ok(groups.len())
}

fn setgroups(args: &Args) -> Result {
    const MOST: usize = 65_536;
    let thread = current();
    if !thread.process.credentials.lock().is_privileged() {
        return Err(Errno::EPERM);
    }
    if args.x[0] > MOST {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    for at in 0..args.x[0] {
        groups.push(user::read_value(args.x[1].wrapping_add(at * 4))?);
    }
    let mut groups: Arc<[u32]> = groups.into();
    let credentials = &thread.process.credentials;
    swap(&mut credentials.lock().groups, &mut groups);
    Ok(0)
}
