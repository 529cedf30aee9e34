//! `futex(2)` and robust lists.

use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::futex::WakeOperation;

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user;
use kernel_process::credentials::Access;
use kernel_process::futex::{self, Scope};
use kernel_process::signal::restart;
use kernel_process::{access, current, find_task, thread_of};
use kernel_task::Deadline;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::FUTEX, Handler::Plain(futex)),
    (number::SET_ROBUST_LIST, Handler::Plain(set_robust_list)),
    (number::GET_ROBUST_LIST, Handler::Plain(get_robust_list)),
];

const PRIVATE: u32 = 128;
const CLOCK_REALTIME: u32 = 256;

const WAIT: u32 = 0;
const WAKE: u32 = 1;
const REQUEUE: u32 = 3;
const CMP_REQUEUE: u32 = 4;
const WAKE_OP: u32 = 5;
const WAIT_BITSET: u32 = 9;
const WAKE_BITSET: u32 = 10;

fn futex(args: &Args) -> Result {
    let [address, ..] = args.x;
    let operation = args.word(1);
    let scope = match operation & PRIVATE {
        0 => Scope::Shared,
        _ => Scope::Private,
    };
    let count = args.int(2).max(0) as usize;
    let command = operation & !(PRIVATE | CLOCK_REALTIME);
    if operation & CLOCK_REALTIME != 0 && !matches!(command, WAIT | WAIT_BITSET)
    {
        return Err(Errno::ENOSYS);
    }
    match command {
        // A relative time-out is the same by either clock.
        WAIT => wait(args, scope, u32::MAX, Timeout::Relative),
        WAIT_BITSET => {
            let clock = match operation & CLOCK_REALTIME {
                0 => Timeout::Monotonic,
                _ => Timeout::Realtime,
            };
            wait(args, scope, args.word(5), clock)
        }
        WAKE => futex::wake(address, scope, count, u32::MAX),
        WAKE_BITSET => futex::wake(address, scope, count, args.word(5)),
        REQUEUE => requeue(args, scope, count, None),
        WAKE_OP => {
            let more = args.int(3).max(0) as usize;
            let operation = WakeOperation::decode(args.word(5))?;
            let words = [address, args.x[4]];
            futex::wake_and_change(words, scope, [count, more], operation)
        }
        CMP_REQUEUE => requeue(args, scope, count, Some(args.word(5))),
        _ => Err(Errno::ENOSYS),
    }
}

/// What a time-out counts from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timeout {
    Relative,
    Monotonic,
    Realtime,
}

fn wait(args: &Args, scope: Scope, bits: u32, kind: Timeout) -> Result {
    let deadline = match args.x[3] {
        0 => None,
        address => Some(deadline(user::read_value(address)?, kind)?),
    };
    let result = futex::wait(args.x[0], scope, args.word(2), bits, deadline);
    if result == Err(Errno::ERESTARTSYS)
        && let Some(Deadline::Monotonic(deadline)) = deadline
        && kind == Timeout::Relative
    {
        // With a time-out Linux does not restart after a handler.
        restart::keep_deadline(deadline);
        return Err(Errno::ERESTARTNOHAND);
    }
    result.map(|()| 0)
}

fn deadline(
    time: Timespec,
    kind: Timeout,
) -> core::result::Result<Deadline, Errno> {
    let time_ns = time.to_ns()?;
    Ok(match kind {
        Timeout::Relative => {
            Deadline::Monotonic(restart::deadline_after(time_ns))
        }
        Timeout::Monotonic => Deadline::Monotonic(time_ns),
        Timeout::Realtime => Deadline::Realtime(time_ns),
    })
}

fn requeue(
    args: &Args,
    scope: Scope,
    wake: usize,
    expected: Option<u32>,
) -> Result {
    let moved = args.int(3).max(0) as usize;
    futex::requeue([args.x[0], args.x[4]], scope, [wake, moved], expected)
}

/// `sizeof(struct robust_list_head)`.
const LIST_SIZE: usize = 24;

fn set_robust_list(args: &Args) -> Result {
    if args.x[1] != LIST_SIZE {
        return Err(Errno::EINVAL);
    }
    current().robust_list.store(args.x[0] as u64, Relaxed);
    Ok(0)
}

fn get_robust_list(args: &Args) -> Result {
    let head = match args.word(0) {
        0 => current().robust_list.load(Relaxed),
        id => {
            let task = find_task(id).ok_or(Errno::ESRCH)?;
            let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
            access::check(&thread.process, Access::Look)?;
            thread.robust_list.load(Relaxed)
        }
    };
    user::write_value(args.x[1], &head)?;
    user::write_value(args.x[2], &LIST_SIZE)?;
    Ok(0)
}
