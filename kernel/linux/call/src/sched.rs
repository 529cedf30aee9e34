//! Calls about scheduling: turns and CPUs. Nice values are in
//! `sched/priority.rs`, policies in `sched/policy.rs`.

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::thread_of;
use kernel_task::{self as task, account, scheduler};

mod io;
mod policy;
mod priority;
mod target;

use io::{ioprio_get, ioprio_set};
use policy::{
    sched_get_priority_max, sched_get_priority_min, sched_getattr,
    sched_getparam, sched_getscheduler, sched_rr_get_interval, sched_setattr,
    sched_setparam, sched_setscheduler,
};
use priority::{getpriority, setpriority};
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
    (number::IOPRIO_GET, Handler::Plain(ioprio_get)),
    (number::IOPRIO_SET, Handler::Plain(ioprio_set)),
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
