//! Calls about timers that send signals.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::signal::{SIGALRM, SIGRTMAX};
use kernel_abi::time::{Itimerspec, Itimerval, Timespec, Timeval};
use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_machine::mm::user;
use kernel_process::authority;
use kernel_process::clock::Clock;
use kernel_process::timer::cpu::{self, IntervalTimer};
use kernel_process::timer::{Notify, When};
use kernel_process::{current, find_task, thread_of};
use kernel_task::Task;
use kernel_task::alarm::Setting;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::GETITIMER, Handler::Plain(getitimer)),
    (number::SETITIMER, Handler::Plain(setitimer)),
    (number::TIMER_CREATE, Handler::Plain(timer_create)),
    (number::TIMER_SETTIME, Handler::Plain(timer_settime)),
    (number::TIMER_GETTIME, Handler::Plain(timer_gettime)),
    (number::TIMER_GETOVERRUN, Handler::Plain(timer_getoverrun)),
    (number::TIMER_DELETE, Handler::Plain(timer_delete)),
];

/// `TIMER_ABSTIME`, `TFD_TIMER_ABSTIME`.
const ABSOLUTE: u32 = 1;

/// Which interval timer is meant; `None` for that of real time.
fn interval_timer(
    which: usize,
) -> core::result::Result<Option<IntervalTimer>, Errno> {
    const REAL: usize = 0;
    const VIRTUAL: usize = 1;
    const PROFILE: usize = 2;
    match which {
        REAL => Ok(None),
        VIRTUAL => Ok(Some(IntervalTimer::Virtual)),
        PROFILE => Ok(Some(IntervalTimer::Profile)),
        _ => Err(Errno::EINVAL),
    }
}

fn getitimer(args: &Args) -> Result {
    let process = &current().process;
    let setting = match interval_timer(args.x[0])? {
        None => process.timers.real(),
        Some(kind) => cpu::setting(process, kind),
    };
    user::write_value(args.x[1], &to_itimerval(setting))?;
    Ok(0)
}

fn setitimer(args: &Args) -> Result {
    let which = interval_timer(args.x[0])?;
    let new: Itimerval = match args.x[1] {
        0 => Itimerval::default(),
        address => user::read_value(address)?,
    };
    let new = Setting {
        left_ns: new.value.to_ns()?,
        interval_ns: new.interval.to_ns()?,
    };
    let process = current().process.clone();
    let old = match which {
        None => process.timers.set_real(process.id, new),
        Some(kind) => cpu::set(&process, kind, new),
    };
    if args.x[2] != 0 {
        user::write_value(args.x[2], &to_itimerval(old))?;
    }
    Ok(0)
}

fn to_itimerval(setting: Setting) -> Itimerval {
    Itimerval {
        interval: Timeval::from_ns(setting.interval_ns),
        value: Timeval::from_ns(setting.left_ns),
    }
}

/// As `timer_gettime` and `timerfd_gettime` give it.
pub(super) fn to_itimerspec(setting: Setting) -> Itimerspec {
    Itimerspec {
        interval: Timespec::from_ns(setting.interval_ns),
        value: Timespec::from_ns(setting.left_ns),
    }
}

/// The first expiry and the interval, ns, that `new` asks for.
pub(super) fn when(
    new: Itimerspec,
    flags: u32,
) -> core::result::Result<(When, u64), Errno> {
    let (value, interval) = (new.value.to_ns()?, new.interval.to_ns()?);
    let when = match (value, flags & ABSOLUTE) {
        (0, _) => When::Off,
        (_, 0) => When::In(value),
        _ => When::At(value),
    };
    Ok((when, interval))
}

/// Fails unless the caller may make timers of `clock`.
///
/// # Errors
/// `EPERM`: what wakes the system takes a capability.
pub(super) fn check_alarm(clock: &Clock) -> core::result::Result<(), Errno> {
    match clock.is_alarm() {
        true => authority::check(Capability::WAKE_ALARM),
        false => Ok(()),
    }
}

fn timer_create(args: &Args) -> Result {
    let clock = Clock::named(args.word(0))?;
    if !matches!(clock, Clock::Cpu(_)) {
        clock.deadline(0)?;
    }
    let notify = match args.x[1] {
        0 => Notify { signal: SIGALRM, thread: None, value: None },
        address => read_notify(address)?,
    };
    check_alarm(&clock)?;
    let process = current().process.clone();
    let place = process.take_timer()?;
    let id = process.timers.create(process.id, clock, notify, place)?;
    user::write_value(args.x[2], &id).inspect_err(|_| {
        let _ = process.timers.delete(id);
    })?;
    Ok(0)
}

/// The parts of `struct sigevent` that count.
fn read_notify(address: usize) -> core::result::Result<Notify, Errno> {
    const SIGNAL: u32 = 0;
    const NONE: u32 = 1;
    /// As [`SIGNAL`]: what a C library makes of it is its own.
    const THREAD: u32 = 2;
    const THREAD_ID: u32 = 4;
    let value: u64 = user::read_value(address)?;
    let [signal, how]: [u32; 2] = user::read_value(address + 8)?;
    let id: u32 = user::read_value(address + 16)?;
    if how != NONE && !(1..=SIGRTMAX).contains(&signal) {
        return Err(Errno::EINVAL);
    }
    let value = Some(value);
    match how {
        SIGNAL | THREAD => Ok(Notify { signal, thread: None, value }),
        NONE => Ok(Notify { signal: 0, thread: None, value }),
        THREAD_ID => {
            let thread = own_thread(id).ok_or(Errno::EINVAL)?;
            Ok(Notify { signal, thread: Some(thread), value })
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The thread `id` of the caller's process.
fn own_thread(id: u32) -> Option<Weak<Task>> {
    let task = find_task(id)?;
    let is_own = Arc::ptr_eq(&thread_of(&task)?.process, &current().process);
    is_own.then(|| Arc::downgrade(&task))
}

fn timer_settime(args: &Args) -> Result {
    if args.x[2] == 0 {
        return Err(Errno::EINVAL);
    }
    let timer = current().process.timers.get(args.word(0))?;
    let new: Itimerspec = user::read_value(args.x[2])?;
    let (when, interval) = when(new, args.word(1))?;
    let old = timer.set(when, interval)?;
    if args.x[3] != 0 {
        user::write_value(args.x[3], &to_itimerspec(old))?;
    }
    Ok(0)
}

fn timer_gettime(args: &Args) -> Result {
    let timer = current().process.timers.get(args.word(0))?;
    let setting = timer.setting();
    user::write_value(args.x[1], &to_itimerspec(setting))?;
    Ok(0)
}

fn timer_getoverrun(args: &Args) -> Result {
    let timer = current().process.timers.get(args.word(0))?;
    Ok(timer.overrun.load(Relaxed).min(i32::MAX as u32) as usize)
}

fn timer_delete(args: &Args) -> Result {
    current().process.timers.delete(args.word(0)).map(|()| 0)
}
