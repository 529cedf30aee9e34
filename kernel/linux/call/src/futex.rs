//! `futex(2)` and robust lists.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::futex::WakeOperation;

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user;
use kernel_process::clock::{Clock, Use};
use kernel_process::credentials::Access;
use kernel_process::futex::any::{self, Word};
use kernel_process::futex::pi::{self, Patience};
use kernel_process::futex::{self, Scope, pi_requeue};
use kernel_process::signal::restart;
use kernel_process::{access, current, find_task, thread_of};
use kernel_task::Deadline;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::FUTEX, Handler::Plain(futex)),
    (number::FUTEX_WAITV, Handler::Plain(futex_waitv)),
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
const LOCK_PI: u32 = 6;
const UNLOCK_PI: u32 = 7;
const TRYLOCK_PI: u32 = 8;
const WAIT_BITSET: u32 = 9;
const WAKE_BITSET: u32 = 10;
const WAIT_REQUEUE_PI: u32 = 11;
const CMP_REQUEUE_PI: u32 = 12;
const LOCK_PI2: u32 = 13;

fn futex(args: &Args) -> Result {
    let [address, ..] = args.x;
    let operation = args.word(1);
    let scope = match operation & PRIVATE {
        0 => Scope::Shared,
        _ => Scope::Private,
    };
    let count = args.int(2).max(0) as usize;
    let command = operation & !(PRIVATE | CLOCK_REALTIME);
    let has_clock =
        matches!(command, WAIT | WAIT_BITSET | WAIT_REQUEUE_PI | LOCK_PI2);
    if operation & CLOCK_REALTIME != 0 && !has_clock {
        return Err(Errno::ENOSYS);
    }
    let clock = match operation & CLOCK_REALTIME {
        0 => Timeout::Monotonic,
        _ => Timeout::Realtime,
    };
    match command {
        // A relative time-out is the same by either clock.
        WAIT => wait(args, scope, u32::MAX, Timeout::Relative),
        WAIT_BITSET => wait(args, scope, args.word(5), clock),
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
        LOCK_PI => lock(args, scope, Timeout::Realtime),
        LOCK_PI2 => lock(args, scope, clock),
        TRYLOCK_PI => pi::lock(address, scope, Patience::None).map(|()| 0),
        UNLOCK_PI => pi::unlock(address, scope).map(|()| 0),
        WAIT_REQUEUE_PI => {
            let deadline = read_deadline(args, clock)?;
            let words = [address, args.x[4]];
            let expected = args.word(2);
            pi_requeue::wait_requeue(words, scope, expected, u32::MAX, deadline)
                .map(|()| 0)
        }
        CMP_REQUEUE_PI => {
            let moved = usize::try_from(args.int(3));
            let (1, Ok(moved)) = (args.int(2), moved) else {
                return Err(Errno::EINVAL);
            };
            let words = [address, args.x[4]];
            pi_requeue::requeue(words, scope, moved, args.word(5))
        }
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
    let deadline = read_deadline(args, kind)?;
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

/// When the wait ends, as the fourth argument says.
fn read_deadline(
    args: &Args,
    kind: Timeout,
) -> core::result::Result<Option<Deadline>, Errno> {
    match args.x[3] {
        0 => Ok(None),
        address => deadline(user::read_value(address)?, kind).map(Some),
    }
}

fn lock(args: &Args, scope: Scope, clock: Timeout) -> Result {
    let patience = Patience::Until(read_deadline(args, clock)?);
    pi::lock(args.x[0], scope, patience).map(|()| 0)
}

/// Most words that one call waits for.
const MOST_WORDS: usize = 128;

fn futex_waitv(args: &Args) -> Result {
    let [address, count, flags, time, _, _] = args.x;
    if flags as u32 != 0 || count == 0 || count > MOST_WORDS || address == 0 {
        return Err(Errno::EINVAL);
    }
    let deadline = match time {
        0 => None,
        time => {
            let clock = Clock::named(args.word(4))?;
            let is_fine = matches!(
                clock,
                Clock::Monotonic(Use::Full) | Clock::Realtime(Use::Full)
            );
            let time: Timespec = user::read_value(time)?;
            let time_ns = time.to_ns()?;
            let deadline = clock.deadline(time_ns)?;
            Some(is_fine.then_some(deadline).ok_or(Errno::EINVAL)?)
        }
    };
    let words: core::result::Result<Vec<Word>, Errno> =
        (0..count).map(|at| read_word(address + at * WORD_SIZE)).collect();
    any::wait(&words?, deadline)
}

/// `sizeof(struct futex_waitv)`.
const WORD_SIZE: usize = 24;

/// `struct futex_waitv`: what is expected, the address, flags, nothing.
fn read_word(address: usize) -> core::result::Result<Word, Errno> {
    /// `FUTEX2_SIZE_U32`, the only size.
    const SIZE: u32 = 2;
    let [value, word, rest]: [u64; 3] = user::read_value(address)?;
    let scope = match rest {
        it if it == u64::from(SIZE) => Scope::Shared,
        it if it == u64::from(SIZE | PRIVATE) => Scope::Private,
        _ => return Err(Errno::EINVAL),
    };
    let expected = u32::try_from(value).map_err(|_| Errno::EINVAL)?;
    Ok(Word { address: word as usize, scope, expected })
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
    let moved = usize::try_from(args.int(3)).map_err(|_| Errno::EINVAL)?;
    if args.int(2) < 0 {
        return Err(Errno::EINVAL);
    }
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
            access::check(&thread.process, Access::Attach)?;
            thread.robust_list.load(Relaxed)
        }
    };
    user::write_value(args.x[1], &head)?;
    user::write_value(args.x[2], &LIST_SIZE)?;
    Ok(0)
}
