//! Timers of `timer_create(2)`.

use user_lib::linux::{
    __NR_getitimer, __NR_getrusage, __NR_rt_sigtimedwait, __NR_setitimer,
    __NR_timer_create, __NR_timer_delete, __NR_timer_getoverrun,
    __NR_timer_settime, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, SIG_BLOCK,
    SIGPROF, SIGUSR1, SIGVTALRM,
};
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result};

use crate::tool::{Outcome, ensure, ensure_eq, in_some_round, tests};

tests! {
    a_timer_has_one_signal_however_often_it_expires
    a_timer_that_is_off_sends_nothing_more
    two_timers_have_a_signal_each
    only_time_on_a_cpu_counts_for_a_timer_of_it
    neither_user_nor_system_time_goes_back
    a_timer_of_cpu_time_expires_again_and_again
}

/// The first real-time signal.
const SIGRTMIN: u32 = 34;
const MS: u64 = 1_000_000;

/// Makes a timer that sends `number`.
fn create(number: u32) -> Result<usize> {
    let event = [0x55_u64, u64::from(number), 0, 0, 0, 0, 0, 0];
    let mut id = 0_u32;
    let clock = CLOCK_MONOTONIC as usize;
    let places = [event.as_ptr() as usize, &raw mut id as usize];
    let arguments = [clock, places[0], places[1], 0, 0, 0];
    arbitrary(__NR_timer_create, arguments)?;
    Ok(id as usize)
}

/// Expires every `interval_ns` from now on; never for 0.
fn set(timer: usize, interval_ns: u64) -> Result<()> {
    let setting = [0, interval_ns, 0, interval_ns];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_timer_settime, [timer, 0, place, 0, 0, 0]).map(drop)
}

/// Takes a pending signal: its number, and the overrun it tells.
fn take(set: u64) -> Result<(u32, u32)> {
    let (mut info, timeout) = ([0_u32; 32], [0_u64; 2]);
    let (place, what) = (info.as_mut_ptr() as usize, &raw const set as usize);
    let limit = timeout.as_ptr() as usize;
    let arguments = [what, place, limit, 8, 0, 0];
    let number = arbitrary(__NR_rt_sigtimedwait, arguments)?;
    Ok((number as u32, info[5]))
}

/// The same, or `None` if no signal is pending.
fn take_if_any(set: u64) -> Result<Option<(u32, u32)>> {
    match take(set) {
        Err(Errno::EAGAIN) => Ok(None),
        taken => taken.map(Some),
    }
}

fn a_timer_has_one_signal_however_often_it_expires() -> Outcome {
    for number in [SIGUSR1, SIGRTMIN] {
        signal::change_mask(SIG_BLOCK, bit(number))?;
        let timer = create(number)?;
        let arguments = [timer, 0, 0, 0, 0, 0];
        // Whoever sends the signals may come late.
        in_some_round(|| {
            set(timer, 5 * MS)?;
            time::sleep(Time::from_millis(100));
            set(timer, 0)?;
            let Some((taken, overrun)) = take_if_any(bit(number))? else {
                return Ok(false);
            };
            ensure_eq!(taken, number);
            let told = arbitrary(__NR_timer_getoverrun, arguments)?;
            ensure_eq!(told, overrun as usize);
            ensure_eq!(take(bit(number)), Err(Errno::EAGAIN));
            // The first expiry is told by the signal itself.
            Ok(overrun >= 5)
        })?;
        arbitrary(__NR_timer_delete, arguments)?;
    }
    Ok(())
}

/// Whoever switches it off waits for an expiry that is under way.
fn a_timer_that_is_off_sends_nothing_more() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGRTMIN))?;
    for round in 0..2000 {
        let timer = create(SIGRTMIN)?;
        set(timer, MS / 20)?;
        // The expiry takes its time, on another CPU.
        spin(Time::from_nanos(50_000 + round / 2 % 300 * 1000));
        let delete =
            || arbitrary(__NR_timer_delete, [timer, 0, 0, 0, 0, 0]).map(drop);
        let is_off_first = round % 2 == 0;
        if is_off_first {
            set(timer, 0)?
        } else {
            delete()?
        }
        let _ = take(bit(SIGRTMIN));
        spin(Time::from_nanos(100_000));
        ensure_eq!(take(bit(SIGRTMIN)), Err(Errno::EAGAIN));
        if is_off_first {
            delete()?;
        }
    }
    Ok(())
}

/// Uses the CPU for so long.
fn spin(duration: Time) {
    let end = time::monotonic() + duration;
    while time::monotonic() < end {}
}

fn two_timers_have_a_signal_each() -> Outcome {
    signal::change_mask(SIG_BLOCK, bit(SIGRTMIN))?;
    let timers = [create(SIGRTMIN)?, create(SIGRTMIN)?];
    let set_both =
        |interval| timers.iter().try_for_each(|timer| set(*timer, interval));
    // Whoever sends the signals may come late.
    in_some_round(|| {
        set_both(2 * MS)?;
        time::sleep(Time::from_millis(50));
        set_both(0)?;
        let mut count = 0;
        while let Some((taken, _)) = take_if_any(bit(SIGRTMIN))? {
            ensure_eq!(taken, SIGRTMIN);
            count += 1;
        }
        // However often they expired.
        ensure!(count <= 2);
        Ok(count == 2)
    })
}

/// The kinds of `setitimer` that count CPU time, and their signals.
const VIRTUAL: (usize, u32) = (1, SIGVTALRM);
const PROFILE: (usize, u32) = (2, SIGPROF);

/// Sets a timer of CPU time, microseconds.
fn set_interval_timer(which: usize, first: u64, interval: u64) -> Result<()> {
    let setting = [0, interval, 0, first];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_setitimer, [which, place, 0, 0, 0, 0]).map(drop)
}

/// Microseconds until the timer expires.
fn left(which: usize) -> Result<u64> {
    let mut setting = [0_u64; 4];
    let place = setting.as_mut_ptr() as usize;
    arbitrary(__NR_getitimer, [which, place, 0, 0, 0, 0])?;
    Ok(setting[2] * 1_000_000 + setting[3])
}

/// Uses the CPU until a signal waits.
fn spin_until_pending(set: u64) -> Result<()> {
    while signal::pending()? & set == 0 {
        for turn in 0..20_000 {
            core::hint::black_box(turn);
        }
    }
    Ok(())
}

/// The time that this process has been on a CPU.
fn used() -> Result<Time> {
    time::read(CLOCK_PROCESS_CPUTIME_ID)
}

fn only_time_on_a_cpu_counts_for_a_timer_of_it() -> Outcome {
    for (which, number) in [VIRTUAL, PROFILE] {
        signal::change_mask(SIG_BLOCK, bit(number))?;
        in_some_round(|| {
            let before = used()?;
            set_interval_timer(which, 60_000, 0)?;
            time::sleep(Time::from_millis(150));
            let (pending, left_after) = (signal::pending()?, left(which)?);
            // What the sleep itself costs is little, but for a CPU that the
            // host holds up.
            if used()? - before >= Time::from_millis(20) {
                set_interval_timer(which, 0, 0)?;
                take_if_any(bit(number))?;
                return Ok(false);
            }
            ensure_eq!(pending, 0);
            ensure!((40_000..=60_000).contains(&left_after));
            spin_until_pending(bit(number))?;
            ensure!(used()? - before >= Time::from_millis(60));
            ensure_eq!(left(which)?, 0);
            ensure_eq!(take(bit(number))?.0, number);
            Ok(true)
        })?;
    }
    let wrong = arbitrary(__NR_setitimer, [3, 0, 0, 0, 0, 0]);
    ensure_eq!(wrong, Err(Errno::EINVAL));
    Ok(())
}

/// Microseconds in user mode and in the kernel.
fn usage() -> Result<[u64; 2]> {
    let mut usage = [0_u64; 18];
    let place = usage.as_mut_ptr() as usize;
    arbitrary(__NR_getrusage, [0, place, 0, 0, 0, 0])?;
    Ok([usage[0] * 1_000_000 + usage[1], usage[2] * 1_000_000 + usage[3]])
}

fn neither_user_nor_system_time_goes_back() -> Outcome {
    let end = time::read(CLOCK_MONOTONIC)? + Time::from_millis(300);
    let mut before = usage()?;
    while time::read(CLOCK_MONOTONIC)? < end {
        let now = usage()?;
        ensure!(before[0] <= now[0] && before[1] <= now[1]);
        before = now;
    }
    // Ticks found this in both.
    ensure!(before[0] > 0 && before[1] > 0);
    Ok(())
}

fn a_timer_of_cpu_time_expires_again_and_again() -> Outcome {
    let (which, number) = PROFILE;
    signal::change_mask(SIG_BLOCK, bit(number))?;
    set_interval_timer(which, 10_000, 10_000)?;
    for _ in 0..3 {
        spin_until_pending(bit(number))?;
        ensure_eq!(take(bit(number))?.0, number);
    }
    set_interval_timer(which, 0, 0)?;
    ensure_eq!(left(which)?, 0);
    Ok(())
}
