//! Calls about time: clocks and sleeping.

use alloc::boxed::Box;

use kernel_abi::time::{Timespec, Timeval, Timex, Tms};
use kernel_abi::{Errno, syscall as number};
use kernel_core::power::wakeup::Source;

use super::call::{Args, Handler, Numbered, Result};
use super::timer::check_alarm;
use kernel_core::capability::Capability;
use kernel_machine::arch;
use kernel_machine::mm::user;
use kernel_process::authority;
use kernel_process::clock::Clock;
use kernel_process::clock::cpu::CpuClock;
use kernel_process::signal::restart;
use kernel_process::timer::cpu_alarm;
use kernel_process::usage::{TICK_NS, Usage};
use kernel_process::{clock, current};
use kernel_task::alarm::Alarm;
use kernel_task::freezer::wakeup;
use kernel_task::{Deadline, sleep};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::NANOSLEEP, Handler::Plain(nanosleep)),
    (number::CLOCK_NANOSLEEP, Handler::Plain(clock_nanosleep)),
    (number::CLOCK_GETTIME, Handler::Plain(clock_gettime)),
    (number::CLOCK_GETRES, Handler::Plain(clock_getres)),
    (number::CLOCK_SETTIME, Handler::Plain(clock_settime)),
    (number::GETTIMEOFDAY, Handler::Plain(gettimeofday)),
    (number::SETTIMEOFDAY, Handler::Plain(settimeofday)),
    (number::TIMES, Handler::Plain(times)),
    (number::ADJTIMEX, Handler::Plain(adjtimex)),
    (number::CLOCK_ADJTIME, Handler::Plain(clock_adjtime)),
];

fn nanosleep(args: &Args) -> Result {
    let time: Timespec = user::read_value(args.x[0])?;
    sleep_for(time.to_ns()?, args.x[1])
}

fn clock_nanosleep(args: &Args) -> Result {
    const ABSOLUTE: usize = 1;
    if args.word(0) == clock::THREAD_TIME {
        return Err(Errno::EOPNOTSUPP);
    }
    let clock = Clock::named(args.word(0))?;
    let read = || user::read_value::<Timespec>(args.x[2])?.to_ns();
    let is_absolute = args.x[1] & ABSOLUTE != 0;
    let remaining = if is_absolute { 0 } else { args.x[3] };
    let clock = match clock {
        Clock::Cpu(clock) => {
            return sleep_on_cpu(clock, read, is_absolute, remaining);
        }
        clock => clock,
    };
    clock.deadline(0)?;
    check_alarm(&clock)?;
    let time_ns = read()?;
    let deadline = match is_absolute {
        true => clock.deadline(time_ns)?,
        false => Deadline::Monotonic(restart::deadline_after(time_ns)),
    };
    // What wakes the sleeper thaws it only after it has woken the system.
    let _wakes = clock.is_alarm().then(|| {
        let event = Box::new(|_| wakeup::event(Source::Clock));
        let alarm = Alarm::new(event);
        alarm.set(Some(deadline), 0);
        alarm
    });
    sleep_until(deadline, is_absolute, remaining)
}

fn sleep_for(time_ns: u64, remaining: usize) -> Result {
    let at = restart::deadline_after(time_ns);
    sleep_until(Deadline::Monotonic(at), false, remaining)
}

/// Sleeps; a signal with a handler ends the sleep and leaves the remaining
/// time at `remaining`. Anything else, a stop or a freeze, changes neither
/// the deadline nor the caller's memory.
fn sleep_until(
    deadline: Deadline,
    is_absolute: bool,
    remaining: usize,
) -> Result {
    if sleep::sleep_until("hrtimer_nanosleep", deadline).is_ok() {
        return Ok(0);
    }
    match is_absolute {
        true => Err(Errno::ERESTARTNOHAND),
        false => interrupted(
            deadline.monotonic_ns(),
            arch::timer::now_ns(),
            remaining,
        ),
    }
}

/// A signal came at `now` before `deadline`, ns on one clock.
fn interrupted(deadline: u64, now: u64, remaining: usize) -> Result {
    if remaining != 0 {
        let left = deadline.saturating_sub(now);
        user::write_value(remaining, &Timespec::from_ns(left))?;
    }
    restart::keep_deadline(deadline);
    Err(Errno::ERESTARTNOHAND)
}

/// Sleeps until another thread or process, or the caller's own threads, have
/// used so much CPU time.
fn sleep_on_cpu(
    clock: CpuClock,
    read: impl Fn() -> core::result::Result<u64, Errno>,
    is_absolute: bool,
    remaining: usize,
) -> Result {
    let time_ns = read()?;
    if clock.is_own_thread() {
        return Err(Errno::EINVAL);
    }
    let deadline = match is_absolute {
        true => time_ns,
        false => restart::deadline_after_on(clock.read(), time_ns),
    };
    match (cpu_alarm::sleep_until(clock.clone(), deadline), is_absolute) {
        (Ok(()), _) => Ok(0),
        (Err(_), true) => Err(Errno::ERESTARTNOHAND),
        (Err(_), false) => interrupted(deadline, clock.read(), remaining),
    }
}

fn clock_gettime(args: &Args) -> Result {
    let now = Timespec::from_ns(clock::read(args.word(0))?);
    user::write_value(args.x[1], &now)?;
    Ok(0)
}

fn clock_getres(args: &Args) -> Result {
    let resolution = Clock::named(args.word(0))?.resolution();
    if args.x[1] != 0 {
        user::write_value(args.x[1], &Timespec::from_ns(resolution))?;
    }
    Ok(0)
}

fn clock_settime(args: &Args) -> Result {
    // A clock of another process can be named, but not set.
    let other = (args.int(0) < 0).then(|| Clock::named(args.word(0)));
    if args.word(0) != clock::REALTIME && !matches!(other, Some(Ok(_))) {
        return Err(Errno::EINVAL);
    }
    let time: Timespec = user::read_value(args.x[1])?;
    match other {
        None => set_time(time.to_ns()?),
        Some(_) => Err(Errno::EPERM),
    }
}

fn settimeofday(args: &Args) -> Result {
    if args.x[0] == 0 {
        return Ok(0);
    }
    let time: Timeval = user::read_value(args.x[0])?;
    set_time(time.to_ns()?)
}

fn set_time(time_ns: u64) -> Result {
    authority::check(Capability::SYS_TIME)?;
    clock::timex::set_realtime_ns(time_ns)?;
    Ok(0)
}

fn adjtimex(args: &Args) -> Result {
    adjust(args.x[0], clock::REALTIME)
}

fn clock_adjtime(args: &Args) -> Result {
    adjust(args.x[1], args.word(0))
}

fn adjust(address: usize, clock: u32) -> Result {
    let mut timex: Timex = user::read_value(address)?;
    if clock != clock::REALTIME {
        return Err(Clock::named(clock)
            .map_or_else(|error| error, |_| Errno::EOPNOTSUPP));
    }
    let may_set = authority::has(Capability::SYS_TIME);
    let state = clock::timex::adjust(&mut timex, may_set)?;
    user::write_value(address, &timex)?;
    Ok(state)
}

fn gettimeofday(args: &Args) -> Result {
    if args.x[0] != 0 {
        let now = Timeval::from_ns(clock::realtime_ns());
        user::write_value(args.x[0], &now)?;
    }
    if args.x[1] != 0 {
        // `struct timezone`: Greenwich, no summer time.
        user::write_value(args.x[1], &[0_u32; 2])?;
    }
    Ok(0)
}

fn times(args: &Args) -> Result {
    let ticks = |ns: u64| (ns / TICK_NS) as i64;
    if args.x[0] != 0 {
        let thread = current();
        let process = &thread.process;
        let own = process.usage();
        let children: Usage = *process.children_usage.lock();
        let times = Tms {
            utime: ticks(own.user_ns),
            stime: ticks(own.system_ns),
            cutime: ticks(children.user_ns),
            cstime: ticks(children.system_ns),
        };
        user::write_value(args.x[0], &times)?;
    }
    Ok(ticks(arch::timer::now_ns()) as usize)
}
