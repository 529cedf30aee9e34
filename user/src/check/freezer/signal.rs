//! A freeze is no signal, and signals that come meanwhile wait for the thaw.
//!
//! While all else is frozen nobody can send a signal but a timer, so these
//! tests set alarms that expire in the middle of a freeze.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_setitimer, ITIMER_REAL, SIGALRM, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP,
    SIGUSR2, WCONTINUED, WNOHANG, WUNTRACED,
};
use user_lib::signal::{self, Action, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, process, terminal};

use super::{
    Spinner, freeze, look_at, now_ms, wait_for, wait_for_state, words,
};
use crate::check::tool::{Outcome, ensure, ensure_eq, tests};
use crate::child::Child;

tests! {
    no_handler_runs_over_a_freeze
    a_parent_hears_nothing_of_a_freeze
    an_alarm_is_taken_after_the_thaw_and_once
    an_alarm_ends_a_sleep_after_the_thaw
    a_deadly_alarm_kills_after_the_thaw
    a_stopped_task_stays_stopped
    a_stopped_task_takes_an_alarm_when_it_continues
}

/// Calls of [`count`] in this process.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// When the last one was, in milliseconds.
static LAST: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    LAST.store(now_ms(), Ordering::Relaxed);
    COUNT.fetch_add(1, Ordering::Relaxed);
}

fn counted() -> u32 {
    COUNT.load(Ordering::Relaxed)
}

/// Sends this process `SIGALRM` after some milliseconds.
fn set_alarm(milliseconds: i64) -> user_lib::Result<()> {
    // Interval and value, each in seconds and microseconds.
    let times = [0, 0, 0, milliseconds * 1000];
    let place = times.as_ptr() as usize;
    let timer = ITIMER_REAL as usize;
    arbitrary(__NR_setitimer, [timer, place, 0, 0, 0, 0]).map(drop)
}

/// Handles every signal that can be handled.
fn handle_all() -> user_lib::Result<()> {
    for number in (1..=64).filter(|number| ![SIGKILL, SIGSTOP].contains(number))
    {
        signal::handle(number, count)?;
    }
    Ok(())
}

/// Looks at its pending signals all the time.
fn watch_pending(ready: &AtomicU32, pending: u64) -> i32 {
    loop {
        if counted() != 0 || signal::pending() != Ok(pending) {
            return 1;
        }
        ready.fetch_add(1, Ordering::Release);
    }
}

// spec: U1 U5
fn no_handler_runs_over_a_freeze() -> Outcome {
    let [ready] = words()?;
    handle_all()?;
    signal::set_mask(bit(SIGUSR2));
    let watcher = Child::start(|| {
        let _ = signal::send(process::current_id(), SIGUSR2);
        watch_pending(ready, bit(SIGUSR2))
    })?;
    let sleeper = Child::start(|| {
        let _ = terminal::poll(&mut [], None, None);
        1
    })?;
    wait_for(ready, 1);
    wait_for_state(sleeper.id(), 'S')?;
    for _ in 0..10 {
        freeze(0)?;
        let before = ready.load(Ordering::Relaxed);
        wait_for(ready, before + 2);
    }
    ensure_eq!(process::wait(watcher.id(), WNOHANG), Ok(None));
    ensure_eq!(process::wait(sleeper.id(), WNOHANG), Ok(None));
    ensure_eq!((counted(), signal::pending()), (0, Ok(0)));
    Ok(())
}

// spec: G7
fn a_parent_hears_nothing_of_a_freeze() -> Outcome {
    signal::handle(SIGCHLD, count)?;
    let _spinner = Spinner::start()?;
    let _sleeper = Child::start(|| {
        time::sleep(Time::from_millis(1 << 40));
        0
    })?;
    for _ in 0..3 {
        freeze(0)?;
        let changes = WNOHANG | WUNTRACED | WCONTINUED;
        ensure_eq!(process::wait(-1, changes), Ok(None));
    }
    ensure_eq!(counted(), 0);
    Ok(())
}

// spec: X7 G3
fn an_alarm_is_taken_after_the_thaw_and_once() -> Outcome {
    let [ready, calls, at] = words()?;
    let child = Child::start(|| {
        signal::set_mask(bit(SIGALRM));
        let is_set = signal::handle(SIGALRM, count).and(set_alarm(400));
        ready.store(1, Ordering::Release);
        // Taken nowhere else, so that none comes just before it.
        let _ = terminal::poll(&mut [], None, Some(0));
        time::sleep(Time::from_millis(100));
        calls.store(counted(), Ordering::Relaxed);
        at.store(LAST.load(Ordering::Relaxed), Ordering::Relaxed);
        i32::from(is_set.is_err())
    })?;
    wait_for(ready, 1);
    let start = now_ms();
    freeze(1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(calls.load(Ordering::Relaxed), 1);
    ensure!(at.load(Ordering::Relaxed) >= start + 1000);
    Ok(())
}

// spec: G3
fn an_alarm_ends_a_sleep_after_the_thaw() -> Outcome {
    let [ready] = words()?;
    let child = Child::start(|| {
        let action = Action::Handle(count);
        let is_set = signal::set_action(SIGALRM, action, 0, 0);
        let is_set = is_set.and(set_alarm(800));
        ready.store(1, Ordering::Release);
        let slept = time::try_sleep(Time::from_millis(60_000));
        let Err((Errno::EINTR, rest)) = slept else { return 1 };
        let is_late = rest > Time::from_millis(59_000);
        i32::from(is_late || counted() != 1 || is_set.is_err())
    })?;
    wait_for(ready, 1);
    wait_for_state(child.id(), 'S')?;
    freeze(1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

// spec: G1 P6
fn a_deadly_alarm_kills_after_the_thaw() -> Outcome {
    let [last] = words()?;
    let child = Child::start(|| {
        let _ = set_alarm(400);
        loop {
            last.store(now_ms(), Ordering::Release);
        }
    })?;
    wait_for(last, 1);
    freeze(1)?;
    let end = now_ms();
    ensure_eq!(child.wait()?.killed_by(), Some(SIGALRM));
    // One more: milliseconds are cut off.
    ensure!(last.load(Ordering::Relaxed) <= end - 1000 + 1);
    Ok(())
}

const CHANGES: u32 = WNOHANG | WUNTRACED | WCONTINUED;

/// Stops a child and takes the report of it.
fn stop(child: &Child) -> Outcome {
    signal::send(child.id(), SIGSTOP)?;
    let report = process::wait(child.id(), WUNTRACED)?;
    let stopped = report.and_then(|(_, status)| status.stopped_by());
    ensure_eq!(stopped, Some(SIGSTOP));
    Ok(())
}

// spec: G4 G7 S4
fn a_stopped_task_stays_stopped() -> Outcome {
    let spinner = Spinner::start()?;
    stop(&spinner.child)?;
    let rounds = spinner.rounds.load(Ordering::Relaxed);
    for _ in 0..3 {
        freeze(0)?;
        ensure_eq!(look_at(spinner.child.id())?.0, 'T');
        ensure_eq!(process::wait(spinner.child.id(), CHANGES), Ok(None));
    }
    ensure_eq!(spinner.rounds.load(Ordering::Relaxed), rounds);
    signal::send(spinner.child.id(), SIGCONT)?;
    spinner.wait_for_more();
    Ok(())
}

// spec: G4 G6
fn a_stopped_task_takes_an_alarm_when_it_continues() -> Outcome {
    let [ready, calls] = words()?;
    let child = Child::start(|| {
        let is_set = signal::handle(SIGALRM, count).and(set_alarm(400));
        ready.store(1, Ordering::Release);
        loop {
            calls.store(counted(), Ordering::Relaxed);
            if is_set.is_err() {
                return 1;
            }
        }
    })?;
    wait_for(ready, 1);
    stop(&child)?;
    freeze(1)?;
    ensure_eq!(look_at(child.id())?.0, 'T');
    ensure_eq!(calls.load(Ordering::Relaxed), 0);
    signal::send(child.id(), SIGCONT)?;
    wait_for(calls, 1);
    ensure_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(())
}
