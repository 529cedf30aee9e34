//! Calls about scheduling: turns, CPUs, nice values; policies are in
//! `sched/policy.rs`.

use alloc::sync::Arc;

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::{Process, authority, current, group, thread_of, tree};
use kernel_task::{self as task, account, scheduler};

mod policy;
mod target;

use policy::{
    sched_get_priority_max, sched_get_priority_min, sched_getattr,
    sched_getparam, sched_getscheduler, sched_rr_get_interval, sched_setattr,
    sched_setparam, sched_setscheduler,
};
use target::{check_may_schedule, named};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SCHED_YIELD, Handler::Plain(sched_yield)),
    (number::SCHED_SETAFFINITY, Handler::Plain(sched_setaffinity)),
    (number::SCHED_GETAFFINITY, Handler::Plain(sched_getaffinity)),
    (number::SCHED_SETSCHEDULER, Handler::Plain(sched_setscheduler)),
    (number::SCHED_GETSCHEDULER, Handler::Plain(sched_getscheduler)),
    (number::SCHED_SETPARAM, Handler::Plain(sched_setparam)),
    (number::SCHED_GETPARAM, Handler::Plain(sched_getparam)),
    (number::SCHED_GET_PRIORITY_MAX, Handler::Plain(sched_get_priority_max)),
    (number::SCHED_GET_PRIORITY_MIN, Handler::Plain(sched_get_priority_min)),
    (number::SCHED_RR_GET_INTERVAL, Handler::Plain(sched_rr_get_interval)),
    (number::SCHED_SETATTR, Handler::Plain(sched_setattr)),
    (number::SCHED_GETATTR, Handler::Plain(sched_getattr)),
    (number::GETPRIORITY, Handler::Plain(getpriority)),
    (number::SETPRIORITY, Handler::Plain(setpriority)),
    (number::GETCPU, Handler::Plain(getcpu)),
];

fn sched_yield(_: &Args) -> Result {
    scheduler::yield_now();
    Ok(0)
}

/// A mask as programs give it: at most 8 bytes count.
fn read_mask(
    address: usize,
    length: usize,
) -> core::result::Result<u32, Errno> {
    let mut bytes = [0; 8];
    let length = length.min(bytes.len());
    UserSlice::new(address, length)?.read(0, &mut bytes[..length])?;
    Ok(u64::from_le_bytes(bytes) as u32)
}

fn sched_setaffinity(args: &Args) -> Result {
    let task = named(args.int(0))?;
    let mask = read_mask(args.x[2], args.x[1])?;
    check_may_schedule(thread_of(&task).map(|thread| &*thread.process))?;
    account::set_affinity(&task, mask)?;
    Ok(0)
}

fn sched_getaffinity(args: &Args) -> Result {
    const SIZE: usize = 8;
    let (length, address) = (args.x[1], args.x[2]);
    if length < SIZE || !length.is_multiple_of(SIZE) {
        return Err(Errno::EINVAL);
    }
    let task = named(args.int(0))?;
    let mask = task.usable_cpus();
    user::write_value(address, &u64::from(mask))?;
    Ok(SIZE)
}

fn getcpu(args: &Args) -> Result {
    let cpu = task::current().cpu() as u32;
    for (address, value) in [(args.x[0], cpu), (args.x[1], 0)] {
        if address != 0 {
            user::write_value(address, &value)?;
        }
    }
    Ok(0)
}

/// The processes that `PRIO_*` and a number mean.
fn meant(
    which: usize,
    who: u32,
) -> core::result::Result<alloc::vec::Vec<Arc<Process>>, Errno> {
    const PROCESS: usize = 0;
    const GROUP: usize = 1;
    const USER: usize = 2;
    let own = current().process.clone();
    match which {
        PROCESS => Ok([group::named(who as i32)?].into()),
        GROUP => {
            let id = if who == 0 { own.group() } else { who };
            tree::lock().group_members(id).ok_or(Errno::ESRCH)
        }
        USER => {
            let mut all = tree::all();
            let real = own.credentials.lock().user.real;
            let user = if who == 0 { real } else { who };
            all.retain(|it| it.credentials.lock().user.real == user);
            Ok(all)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The best of the nice values meant, as 20 less the value.
fn getpriority(args: &Args) -> Result {
    let processes = meant(args.x[0], args.word(1))?;
    let tasks = processes.iter().flat_map(|process| process.threads());
    let best = tasks.map(|task| task.nice()).min();
    let nice = i32::from(best.ok_or(Errno::ESRCH)?);
    Ok((20 - nice) as usize)
}

fn setpriority(args: &Args) -> Result {
    let nice = args.int(2).clamp(-20, 19) as i8;
    let processes = meant(args.x[0], args.word(1))?;
    if processes.is_empty() {
        return Err(Errno::ESRCH);
    }
    let mut targets = processes.iter();
    targets.try_for_each(|process| check_may_schedule(Some(process)))?;
    let may_all = authority::has(Capability::SYS_NICE);
    for process in &processes {
        let rights = process.limits.lock().scheduling();
        let may = may_all || rights.may_have_nice(nice);
        for task in process.threads() {
            if nice < task.nice() && !may {
                return Err(Errno::EACCES);
            }
            let mut is_refused = false;
            account::change_account(&task, |account, _| {
                // Somebody may have changed it since the look.
                is_refused = nice < account.attributes().nice && !may;
                if !is_refused {
                    account.set_nice(nice);
                }
            });
            if is_refused {
                return Err(Errno::EACCES);
            }
        }
    }
    Ok(0)
}
