//! Calls about time: clocks and sleeping.

use kernel_abi::time::{Timespec, Timeval, Tms};
use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::arch;
use kernel_machine::mm::user;
use kernel_process::signal::restart;
use kernel_process::usage::{TICK_NS, Usage};
use kernel_process::{clock, current};
use kernel_task::sleep;

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
];

fn nanosleep(args: &Args) -> Result {
    let time: Timespec = user::read_value(args.x[0])?;
    sleep_for(time.to_ns()?, args.x[1])
}

fn clock_nanosleep(args: &Args) -> Result {
    const ABSOLUTE: usize = 1;
    let clock = args.word(0);
    clock::to_monotonic(clock, 0)?;
    let time: Timespec = user::read_value(args.x[2])?;
    let time_ns = time.to_ns()?;
    if args.x[1] & ABSOLUTE == 0 {
        return sleep_for(time_ns, args.x[3]);
    }
    let deadline = clock::to_monotonic(clock, time_ns)?;
    match sleep::sleep_until("hrtimer_nanosleep", deadline) {
        Ok(()) => Ok(0),
        Err(_) => Err(Errno::ERESTARTNOHAND),
    }
}

/// Sleeps; a signal with a handler ends the sleep and leaves the remaining
/// time at `remaining`. Anything else, a stop or a freeze, changes neither
/// the deadline nor the caller's memory.
fn sleep_for(time_ns: u64, remaining: usize) -> Result {
    let deadline = restart::deadline_after(time_ns);
    if sleep::sleep_until("hrtimer_nanosleep", deadline).is_ok() {
        return Ok(0);
    }
    if remaining != 0 {
        let left = deadline.saturating_sub(arch::timer::now_ns());
        user::write_value(remaining, &Timespec::from_ns(left))?;
    }
    restart::keep_deadline(deadline);
    Err(Errno::ERESTARTNOHAND)
}

fn clock_gettime(args: &Args) -> Result {
    let now = Timespec::from_ns(clock::read(args.word(0))?);
    user::write_value(args.x[1], &now)?;
    Ok(0)
}

fn clock_getres(args: &Args) -> Result {
    let resolution = clock::resolution(args.word(0))?;
    if args.x[1] != 0 {
        user::write_value(args.x[1], &Timespec::from_ns(resolution))?;
    }
    Ok(0)
}

fn clock_settime(args: &Args) -> Result {
    if args.word(0) != clock::REALTIME {
        return Err(Errno::EINVAL);
    }
    let time: Timespec = user::read_value(args.x[1])?;
    set_time(time.to_ns()?)
}

fn settimeofday(args: &Args) -> Result {
    if args.x[0] == 0 {
        return Ok(0);
    }
    let time: Timeval = user::read_value(args.x[0])?;
    set_time(time.to_ns()?)
}

fn set_time(time_ns: u64) -> Result {
    if !current().process.credentials.lock().is_privileged() {
        return Err(Errno::EPERM);
    }
    clock::set_realtime_ns(time_ns);
    Ok(0)
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
