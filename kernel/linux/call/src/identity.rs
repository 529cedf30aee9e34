//! Calls about whose a process is.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem::swap;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_machine::mm::user;
use kernel_process::authority;
use kernel_process::credentials::{Credentials, Ids};
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
    (number::SETFSUID, Handler::Plain(setfsuid)),
    (number::SETFSGID, Handler::Plain(setfsgid)),
];

fn user_ids(pick: fn(&Ids) -> u32) -> Result {
    Ok(pick(&current().process.credentials.lock().user) as usize)
}

fn group_ids(pick: fn(&Ids) -> u32) -> Result {
    Ok(pick(&current().process.credentials.lock().group) as usize)
}

/// Changes whose the running process is. Who uses other rights from here on is
/// not looked at by others, and does not hear of its parent's end (prctl(2)).
fn change(
    change: impl FnOnce(&mut Credentials) -> core::result::Result<(), Errno>,
) -> Result {
    let process = &current().process;
    let mut credentials = process.credentials.lock();
    let used = credentials.all_used();
    change(&mut credentials)?;
    if credentials.all_used() != used {
        credentials.is_dumpable = false;
        process.attributes.death_signal.store(0, Relaxed);
    }
    drop(credentials);
    process.rights_changed();
    Ok(0)
}

fn setuid(args: &Args) -> Result {
    change(|who| who.change_user(|it, may| it.set(args.word(0), may)))
}

fn setgid(args: &Args) -> Result {
    change(|who| who.change_group(|it, may| it.set(args.word(0), may)))
}

fn setreuid(args: &Args) -> Result {
    change(|who| {
        who.change_user(|it, may| {
            it.set_two([0, 1].map(|at| args.word(at)), may)
        })
    })
}

fn setregid(args: &Args) -> Result {
    change(|who| {
        who.change_group(|it, may| {
            it.set_two([0, 1].map(|at| args.word(at)), may)
        })
    })
}

fn setresuid(args: &Args) -> Result {
    change(|who| {
        who.change_user(|it, may| {
            it.set_all([0, 1, 2].map(|at| args.word(at)), may)
        })
    })
}

fn setresgid(args: &Args) -> Result {
    change(|who| {
        who.change_group(|it, may| {
            it.set_all([0, 1, 2].map(|at| args.word(at)), may)
        })
    })
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
    authority::check(Capability::SETGID)?;
    if args.x[0] > MOST {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    for at in 0..args.x[0] {
        groups.push(user::read_value(args.x[1].wrapping_add(at * 4))?);
    }
    let mut groups: Arc<[u32]> = groups.into();
    let mut credentials = thread.process.credentials.lock();
    // Another thread may have given the right up while they were read.
    if !credentials.has(Capability::SETGID) {
        return Err(Errno::EPERM);
    }
    swap(&mut credentials.groups, &mut groups);
    Ok(0)
}

/// Tells whose files were used by until now, whatever becomes of it.
fn setfsuid(args: &Args) -> Result {
    let old = current().process.credentials.lock().file_user;
    change(|who| {
        who.set_file_user(args.word(0));
        Ok(())
    })?;
    Ok(old as usize)
}

fn setfsgid(args: &Args) -> Result {
    let old = current().process.credentials.lock().file_group;
    change(|who| {
        who.set_file_group(args.word(0));
        Ok(())
    })?;
    Ok(old as usize)
}
