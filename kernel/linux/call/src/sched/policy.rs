//! Policies and priorities: `sched_setscheduler(2)`, `sched_setattr(2)` and
//! what reads them.
//!
//! The rules are `kernel_core::schedule::policy`'s. `SCHED_DEADLINE` is unknown
//! here, as on a kernel without it (decision 0009).

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::capability::Capability;
use kernel_core::schedule::{Attributes, Policy};

use super::super::call::{Args, Result};
use super::target::{check_may_schedule, named};
use kernel_machine::mm::PAGE_SIZE;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::{authority, thread_of};
use kernel_task::{Task, account};

/// `SCHED_RESET_ON_FORK`, in the number of a policy.
const RESET_ON_FORK: u32 = 0x4000_0000;
/// `SCHED_DEADLINE`, whose one priority is asked for by programs.
const DEADLINE: u32 = 6;

/// `SCHED_FLAG_RESET_ON_FORK`, in the flags of `struct sched_attr`.
const FLAG_RESET_ON_FORK: u64 = 1;
/// `SCHED_FLAG_KEEP_POLICY`.
const FLAG_KEEP_POLICY: u64 = 8;
/// `SCHED_FLAG_KEEP_PARAMS`.
const FLAG_KEEP_PARAMS: u64 = 0x10;
/// `SCHED_FLAG_UTIL_CLAMP_MIN` and `_MAX`.
const FLAGS_CLAMP: u64 = 0x60;
/// Those, and two that only `SCHED_DEADLINE` looks at.
const FLAGS_ALL: u64 = 0x7f;

pub(super) fn sched_setscheduler(args: &Args) -> Result {
    let (number, address) = (args.word(1), args.x[2]);
    if args.int(1) < 0 || address == 0 || args.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    let priority: i32 = user::read_value(address)?;
    let task = named(args.int(0))?;
    let policy = Policy::from_number(number & !RESET_ON_FORK);
    let resets_on_fork = number & RESET_ON_FORK != 0;
    change(&task, |old| {
        let policy = policy.ok_or(Errno::EINVAL)?;
        let priority = priority_from(priority)?;
        Ok(Attributes { policy, priority, resets_on_fork, ..old })
    })
}

pub(super) fn sched_setparam(args: &Args) -> Result {
    let address = args.x[1];
    if address == 0 || args.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    let priority: i32 = user::read_value(address)?;
    let task = named(args.int(0))?;
    change(&task, |old| {
        Ok(Attributes { priority: priority_from(priority)?, ..old })
    })
}

fn priority_from(value: i32) -> core::result::Result<u8, Errno> {
    value.try_into().map_err(|_| Errno::EINVAL)
}

/// Gives the task what `new` makes of its attributes, if the caller may. What
/// it may depends on what they are, which is looked at without a lock: if they
/// have changed once that is held, it is asked anew.
fn change(
    task: &Arc<Task>,
    new: impl Fn(Attributes) -> core::result::Result<Attributes, Errno>,
) -> Result {
    loop {
        let old = account::account(task).attributes();
        let new = new(old)?;
        new.check()?;
        check_may_change(task, old, new)?;
        let mut is_done = false;
        account::change_account(task, |account, min| {
            is_done = account.attributes() == old;
            if is_done {
                account.set_attributes(new);
                account.catch_up(min);
            }
        });
        if is_done {
            return Ok(0);
        }
    }
}

fn check_may_change(
    task: &Task,
    old: Attributes,
    new: Attributes,
) -> core::result::Result<(), Errno> {
    if authority::has(Capability::SYS_NICE) {
        return Ok(());
    }
    let thread = thread_of(task).ok_or(Errno::EPERM)?;
    check_may_schedule(Some(&thread.process))?;
    let rights = thread.process.limits.lock().scheduling();
    old.check_change(new, rights)
}

pub(super) fn sched_getscheduler(args: &Args) -> Result {
    let attributes = account::account(&*named(args.int(0))?).attributes();
    let flag = if attributes.resets_on_fork { RESET_ON_FORK } else { 0 };
    Ok((attributes.policy as u32 | flag) as usize)
}

pub(super) fn sched_getparam(args: &Args) -> Result {
    if args.x[1] == 0 {
        return Err(Errno::EINVAL);
    }
    let task = named(args.int(0))?;
    let priority = account::account(&task).attributes().priority;
    user::write_value(args.x[1], &i32::from(priority))?;
    Ok(0)
}

pub(super) fn sched_get_priority_max(args: &Args) -> Result {
    priorities(args).map(|(_, most)| most)
}

pub(super) fn sched_get_priority_min(args: &Args) -> Result {
    priorities(args).map(|(least, _)| least)
}

fn priorities(args: &Args) -> core::result::Result<(usize, usize), Errno> {
    let number = args.word(0);
    if number == DEADLINE {
        return Ok((0, 0));
    }
    let policy = Policy::from_number(number).ok_or(Errno::EINVAL)?;
    let (least, most) = policy.priorities();
    Ok((least.into(), most.into()))
}

/// How long its turn is among equals; 0 for one that has no end.
pub(super) fn sched_rr_get_interval(args: &Args) -> Result {
    const NS_PER_S: u64 = 1_000_000_000;
    let account = account::account(&*named(args.int(0))?);
    let ns = match account.slice_ns(0, 0) {
        u64::MAX => 0,
        ns => ns,
    };
    user::write_value(args.x[1], &[ns / NS_PER_S, ns % NS_PER_S])?;
    Ok(0)
}

/// `struct sched_attr` (sched_setattr(2)), with the two words that came later.
const SIZE: usize = 56;
/// As it was first.
const FIRST_SIZE: usize = 48;

/// What of `struct sched_attr` counts here.
struct Wanted {
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
}

/// Copies the caller's structure.
///
/// # Errors
/// `E2BIG` if it is shorter than the first one, or has something set that is
/// unknown here; the size that is known is then written into it.
fn read_wanted(address: usize) -> core::result::Result<Wanted, Errno> {
    let too_big = || {
        user::write_value(address, &(SIZE as u32))?;
        Err(Errno::E2BIG)
    };
    let size = match user::read_value::<u32>(address)? as usize {
        0 => FIRST_SIZE,
        size => size,
    };
    if !(FIRST_SIZE..=PAGE_SIZE).contains(&size) {
        return too_big();
    }
    let mut bytes = alloc::vec![0; size.max(SIZE)];
    UserSlice::new(address, size)?.read(0, &mut bytes[..size])?;
    if bytes[SIZE..].iter().any(|&byte| byte != 0) {
        return too_big();
    }
    let word = |at: usize| {
        u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[at + byte]))
    };
    let flags = u64::from(word(8)) | u64::from(word(12)) << 32;
    if flags & FLAGS_CLAMP != 0 && size < SIZE {
        return Err(Errno::EINVAL);
    }
    let nice = word(16).cast_signed().clamp(-20, 19);
    Ok(Wanted { policy: word(4), flags, nice, priority: word(20) })
}

pub(super) fn sched_setattr(args: &Args) -> Result {
    let (address, flags) = (args.x[1], args.word(2));
    if address == 0 || args.int(0) < 0 || flags != 0 {
        return Err(Errno::EINVAL);
    }
    let wanted = read_wanted(address)?;
    if wanted.policy.cast_signed() < 0 || wanted.flags & !FLAGS_ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let task = named(args.int(0))?;
    if wanted.flags & FLAGS_CLAMP != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    change(&task, |old| wanted.applied_to(old))
}

impl Wanted {
    fn applied_to(
        &self,
        old: Attributes,
    ) -> core::result::Result<Attributes, Errno> {
        let keeps = |flag| self.flags & flag != 0;
        let policy = match keeps(FLAG_KEEP_POLICY) {
            true => old.policy,
            false => Policy::from_number(self.policy).ok_or(Errno::EINVAL)?,
        };
        let resets_on_fork = keeps(FLAG_RESET_ON_FORK);
        let kept = Attributes { policy, resets_on_fork, ..old };
        if keeps(FLAG_KEEP_PARAMS) {
            return Ok(kept);
        }
        let priority = u8::try_from(self.priority);
        let priority = priority.map_err(|_| Errno::EINVAL)?;
        let nice = match policy.is_real_time() {
            true => old.nice,
            false => self.nice as i8,
        };
        Ok(Attributes { priority, nice, ..kept })
    }
}

pub(super) fn sched_getattr(args: &Args) -> Result {
    let (address, size, flags) = (args.x[1], args.word(2), args.word(3));
    let size = size as usize;
    let is_known = (FIRST_SIZE..=PAGE_SIZE).contains(&size) && flags == 0;
    if address == 0 || args.int(0) < 0 || !is_known {
        return Err(Errno::EINVAL);
    }
    let own = account::account(&*named(args.int(0))?).attributes();
    let size = size.min(SIZE);
    let is_real_time = own.policy.is_real_time();
    let nice = if is_real_time { 0 } else { i32::from(own.nice) };
    let mut bytes = [0; SIZE];
    let mut put = |at: usize, value: u32| {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(0, size as u32);
    put(4, own.policy as u32);
    put(8, u32::from(own.resets_on_fork));
    put(16, nice.cast_unsigned());
    put(20, own.priority.into());
    UserSlice::new(address, size)?.write(0, &bytes[..size])?;
    Ok(0)
}
