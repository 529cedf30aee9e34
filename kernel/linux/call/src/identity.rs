//! Calls about whose a process is.

use alloc::vec::Vec;

use kernel_abi::{Errno, syscall as number};

use super::table::Row;
use super::{Args, Entry, Result};
use kernel_machine::mm::user;
use kernel_process::credentials::Ids;
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Row] = &[
    (number::GETUID, Entry::Plain(|_| user_ids(|ids| ids.real))),
    (number::GETEUID, Entry::Plain(|_| user_ids(|ids| ids.effective))),
    (number::GETGID, Entry::Plain(|_| group_ids(|ids| ids.real))),
    (number::GETEGID, Entry::Plain(|_| group_ids(|ids| ids.effective))),
    (number::SETUID, Entry::Plain(setuid)),
    (number::SETGID, Entry::Plain(setgid)),
    (number::SETREUID, Entry::Plain(setreuid)),
    (number::SETREGID, Entry::Plain(setregid)),
    (number::SETRESUID, Entry::Plain(setresuid)),
    (number::SETRESGID, Entry::Plain(setresgid)),
    (number::GETRESUID, Entry::Plain(getresuid)),
    (number::GETRESGID, Entry::Plain(getresgid)),
    (number::GETGROUPS, Entry::Plain(getgroups)),
    (number::SETGROUPS, Entry::Plain(setgroups)),
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
    credentials.user.set(args.word(0), is_privileged).map(|()| 0)
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
    credentials.user.set_all(ids, is_privileged).map(|()| 0)
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
    thread.process.credentials.lock().groups = groups;
    Ok(0)
}
