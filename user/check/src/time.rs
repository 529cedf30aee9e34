//! Clocks and sleep.

use user_lib::linux::{
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, SIGUSR1,
};
use user_lib::signal::{self, Action};
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, process};

use crate::tool::{Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::{Child, signal_again_and_again};

tests! {
    the_monotonic_clock_only_rises
    all_clocks_can_be_read
    an_unknown_clock_is_refused
    a_sleep_is_never_too_short
    a_sleep_of_nothing_returns
    a_sleep_until_the_past_returns
    an_interrupted_sleep_tells_the_rest
    a_wrong_time_is_refused
    sleepers_wake_at_their_times
    clocks_have_nanoseconds
    processor_time_counts_work_and_no_sleep
}

fn the_monotonic_clock_only_rises() -> Outcome {
    let mut before = monotonic();
    for _ in 0..10_000 {
        let now = monotonic();
        ensure!(now >= before);
        before = now;
    }
    Ok(())
}

fn all_clocks_can_be_read() -> Outcome {
    let clocks = [
        CLOCK_REALTIME,
        CLOCK_MONOTONIC,
        CLOCK_MONOTONIC_RAW,
        CLOCK_MONOTONIC_COARSE,
        CLOCK_BOOTTIME,
        CLOCK_PROCESS_CPUTIME_ID,
    ];
    for clock in clocks {
        let now = time::read(clock)?;
        ensure!((0..1_000_000_000).contains(&now.nanoseconds));
        ensure!(now.as_nanos() > 0);
    }
    Ok(())
}

fn an_unknown_clock_is_refused() -> Outcome {
    ensure_eq!(time::read(77), Err(Errno::EINVAL));
    ensure_eq!(time::resolution(77), Err(Errno::EINVAL));
    Ok(())
}

fn a_sleep_is_never_too_short() -> Outcome {
    for micros in [0, 1, 10, 100, 500, 1000, 3000, 20_000] {
        let wanted = Time::from_nanos(micros * 1000);
        let start = monotonic();
        ensure_eq!(time::try_sleep(wanted), Ok(()));
        ensure!(monotonic() - start >= wanted);
    }
    Ok(())
}

fn a_sleep_of_nothing_returns() -> Outcome {
    ensure_eq!(time::try_sleep(Time::default()), Ok(()));
    Ok(())
}

fn a_sleep_until_the_past_returns() -> Outcome {
    ensure_eq!(time::sleep_until(Time::from_nanos(1)), Ok(()));
    let later = monotonic() + Time::from_millis(10);
    ensure_eq!(time::sleep_until(later), Ok(()));
    ensure!(monotonic() >= later);
    Ok(())
}

extern "C" fn nothing(_: i32) {}

fn an_interrupted_sleep_tells_the_rest() -> Outcome {
    signal::set_action(SIGUSR1, Action::Handle(nothing), 0, 0)?;
    let parent = process::current_id();
    let _child = signal_again_and_again(parent)?;
    let (error, rest) = match time::try_sleep(Time::from_millis(5000)) {
        Ok(()) => (Errno(0), Time::default()),
        Err(interrupted) => interrupted,
    };
    ensure_eq!(error, Errno::EINTR);
    ensure!(rest > Time::default());
    ensure!(rest < Time::from_millis(5000));
    Ok(())
}

fn a_wrong_time_is_refused() -> Outcome {
    let sleep = |seconds, nanoseconds| {
        time::try_sleep(Time { seconds, nanoseconds }).map_err(|(e, _)| e)
    };
    ensure_eq!(sleep(0, 1_000_000_000), Err(Errno::EINVAL));
    ensure_eq!(sleep(0, -1), Err(Errno::EINVAL));
    ensure_eq!(sleep(-1, 0), Err(Errno::EINVAL));
    Ok(())
}

fn sleepers_wake_at_their_times() -> Outcome {
    let start = monotonic() + Time::from_millis(20);
    let mut children = alloc::vec::Vec::new();
    for index in [3i64, 0, 4, 1, 2] {
        let wake = start + Time::from_millis(index * 20);
        let child = Child::start(|| {
            if time::sleep_until(wake).is_err() {
                return 2;
            }
            // The host may hold the machine up for a while.
            let late = (monotonic() - wake).as_nanos();
            i32::from(!(0..1_000_000_000).contains(&late))
        })?;
        children.push(child);
    }
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

fn clocks_have_nanoseconds() -> Outcome {
    ensure_eq!(time::resolution(CLOCK_MONOTONIC)?, Time::from_nanos(1));
    ensure_eq!(time::resolution(CLOCK_REALTIME)?, Time::from_nanos(1));
    Ok(())
}

fn processor_time_counts_work_and_no_sleep() -> Outcome {
    let used = || time::read(CLOCK_PROCESS_CPUTIME_ID);
    // A CPU that the host holds up works, for all that it knows.
    in_some_round(|| {
        let before = used()?;
        time::sleep(Time::from_millis(100));
        Ok(used()? - before < Time::from_millis(90))
    })?;
    let start = monotonic();
    let goal = used()? + Time::from_millis(20);
    while used()? < goal {
        ensure!(monotonic() - start < Time::from_millis(20_000));
    }
    ensure!(monotonic() - start >= Time::from_millis(19));
    Ok(())
}
