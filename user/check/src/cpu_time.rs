//! Clocks of CPU time, and what goes by them: timers, sleeps, a limit.

use user_lib::linux::{
    __NR_clock_getres, __NR_clock_nanosleep, __NR_clock_settime,
    __NR_prlimit64, __NR_rt_sigtimedwait, __NR_timer_create,
    __NR_timer_settime, CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME_ALARM, CLOCK_TAI, CLOCK_THREAD_CPUTIME_ID, RLIMIT_CPU,
    SIG_BLOCK, SIGALRM, SIGKILL, SIGXCPU, TIMER_ABSTIME,
};
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, process};

use crate::freezer::Spinner;
use crate::tool::{NOBODY, Outcome, ensure, ensure_eq, in_child, tests};

tests! {
    another_processes_time_can_be_read
    a_timer_counts_cpu_time
    a_sleep_lasts_as_long_as_another_runs
    time_on_a_cpu_is_limited
    clocks_that_cannot_be_used_so_are_refused
}

/// The clock of a process's CPU time.
fn clock_of(process: i32) -> u32 {
    const SCHEDULED: u32 = 2;
    (!process as u32) << 3 | SCHEDULED
}

fn another_processes_time_can_be_read() -> Outcome {
    let spinner = Spinner::start()?;
    let clock = clock_of(spinner.child.id());
    ensure_eq!(time::resolution(clock)?, Time::from_nanos(1));
    let start = time::read(clock)?;
    while time::read(clock)? - start < Time::from_millis(20) {
        spinner.wait_for_more();
    }
    let id = spinner.child.id();
    drop(spinner);
    ensure_eq!(time::read(clock_of(id)), Err(Errno::EINVAL));
    // As a thread of this process.
    let thread = clock_of(process::current_id()) | 4;
    ensure!(time::read(thread)? <= time::read(CLOCK_PROCESS_CPUTIME_ID)?);
    let parent = clock_of(process::parent_id()) | 4;
    ensure_eq!(time::read(parent), Err(Errno::EINVAL));
    Ok(())
}

/// Takes `SIGALRM`, which is blocked, within ten seconds.
fn take_alarm() -> Result<usize> {
    let (set, limit) = (bit(SIGALRM), Time::from_millis(10_000));
    let places = [&raw const set as usize, &raw const limit as usize];
    arbitrary(__NR_rt_sigtimedwait, [places[0], 0, places[1], 8, 0, 0])
}

fn a_timer_counts_cpu_time() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGALRM))?;
    let spinner = Spinner::start()?;
    let others = clock_of(spinner.child.id());
    for clock in [CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, others] {
        let mut id = 0_u32;
        let place = &raw mut id as usize;
        arbitrary(__NR_timer_create, [clock as usize, 0, place, 0, 0, 0])?;
        let start = time::read(clock)?;
        let setting = [Time::default(), Time::from_millis(15)];
        let place = setting.as_ptr() as usize;
        arbitrary(__NR_timer_settime, [id as usize, 0, place, 0, 0, 0])?;
        while signal::pending()? & bit(SIGALRM) == 0 {
            ensure!(time::read(clock)? - start < Time::from_millis(9_000));
        }
        ensure_eq!(take_alarm()?, SIGALRM as usize);
        ensure!(time::read(clock)? - start >= Time::from_millis(15));
        // A time that is over has expired at once, whoever runs.
        let setting = [Time::default(), Time::from_nanos(1)];
        let place = setting.as_ptr() as usize;
        let flags = TIMER_ABSTIME as usize;
        arbitrary(__NR_timer_settime, [id as usize, flags, place, 0, 0, 0])?;
        ensure_eq!(take_alarm()?, SIGALRM as usize);
    }
    Ok(())
}

fn sleep_on(clock: u32, flags: u32, time: Time) -> Result<usize> {
    let place = &raw const time as usize;
    let arguments = [clock as usize, flags as usize, place, 0, 0, 0];
    arbitrary(__NR_clock_nanosleep, arguments)
}

fn a_sleep_lasts_as_long_as_another_runs() -> Outcome {
    let spinner = Spinner::start()?;
    let clock = clock_of(spinner.child.id());
    let start = time::read(clock)?;
    sleep_on(clock, 0, Time::from_millis(20))?;
    ensure!(time::read(clock)? - start >= Time::from_millis(20));
    sleep_on(clock, TIMER_ABSTIME, start)?;
    // Nobody wakes who sleeps by its own time.
    let own = clock_of(process::current_id()) | 4;
    ensure_eq!(sleep_on(own, 0, start), Err(Errno::EINVAL));
    Ok(())
}

/// Limits CPU time, seconds.
fn limit(soft: u64, hard: u64) -> Result<()> {
    let limit = [soft, hard];
    let (which, place) = (RLIMIT_CPU as usize, limit.as_ptr() as usize);
    arbitrary(__NR_prlimit64, [0, which, place, 0, 0, 0]).map(drop)
}

fn time_on_a_cpu_is_limited() -> Outcome {
    let status = in_child(|| {
        limit(1, 2)?;
        signal::change_mask(SIG_BLOCK, bit(SIGXCPU))?;
        let used = || time::read(CLOCK_PROCESS_CPUTIME_ID);
        while signal::pending()? & bit(SIGXCPU) == 0 {
            ensure!(used()? < Time::from_millis(1900));
        }
        ensure!(used()? >= Time::from_millis(1000));
        loop {
            core::hint::spin_loop();
        }
    })?;
    ensure_eq!(status.killed_by(), Some(SIGKILL));
    // A child has the limit, too, but not the time that was used.
    let status = in_child(|| {
        limit(1, 60)?;
        in_child(|| {
            loop {
                core::hint::spin_loop();
            }
        })
        .map(|status| i32::from(status.killed_by() != Some(SIGXCPU)))
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn clocks_that_cannot_be_used_so_are_refused() -> Outcome {
    let nothing = Time::default();
    for clock in [CLOCK_MONOTONIC_RAW, CLOCK_THREAD_CPUTIME_ID] {
        ensure_eq!(sleep_on(clock, 0, nothing), Err(Errno::EOPNOTSUPP));
    }
    ensure_eq!(sleep_on(77, 0, nothing), Err(Errno::EINVAL));
    ensure_eq!(sleep_on(CLOCK_TAI, 0, nothing), Ok(0));
    ensure_eq!(sleep_on(CLOCK_REALTIME_ALARM, 0, nothing), Ok(0));
    let set = |clock: u32, place: usize| {
        arbitrary(__NR_clock_settime, [clock as usize, place, 0, 0, 0, 0])
    };
    let place = &raw const nothing as usize;
    let own = clock_of(process::current_id());
    ensure_eq!(set(own, place), Err(Errno::EPERM));
    ensure_eq!(set(CLOCK_PROCESS_CPUTIME_ID, place), Err(Errno::EINVAL));
    // A file's clock: there are no such files.
    let of_file = [(!0_u32 << 3 | 3) as usize, 0, 0, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_clock_getres, of_file), Err(Errno::EINVAL));
    let status = in_child(|| {
        process::set_user_id(NOBODY)?;
        let sleep = sleep_on(CLOCK_REALTIME_ALARM, 0, nothing);
        ensure_eq!(sleep, Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}
