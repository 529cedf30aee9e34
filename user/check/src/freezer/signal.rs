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
    Frozen, Spinner, freeze, look_at, now_ms, wait_for, wait_for_state, words,
};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::Child;

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

/// How long after it is set an alarm goes off, in milliseconds.
const ALARM_MS: u32 = 700;

/// An alarm that a child sets, and between which times it is due.
struct Alarm {
    earliest: &'static AtomicU32,
    latest: &'static AtomicU32,
}

impl Alarm {
    fn new() -> user_lib::Result<Self> {
        let [earliest, latest] = words()?;
        Ok(Self { earliest, latest })
    }

    /// Sends this process `SIGALRM` after [`ALARM_MS`].
    fn set(&self) -> user_lib::Result<()> {
        // Interval and value, each in seconds and microseconds.
        let times = [0, 0, 0, ALARM_MS as i64 * 1000];
        let place = times.as_ptr() as usize;
        let timer = ITIMER_REAL as usize;
        self.earliest.store(now_ms() + ALARM_MS, Ordering::Relaxed);
        let set = arbitrary(__NR_setitimer, [timer, place, 0, 0, 0, 0]);
        // One more: milliseconds are cut off.
        self.latest.store(now_ms() + ALARM_MS + 1, Ordering::Release);
        set.map(drop)
    }

    fn wait_until_set(&self) {
        wait_for(self.latest, 1);
    }

    /// Whether it went off while everything was frozen.
    fn is_within(&self, freeze: &Frozen) -> bool {
        let latest = self.latest.load(Ordering::Acquire);
        freeze.covers(self.earliest.load(Ordering::Relaxed), latest)
    }
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
    in_some_round(alarm_is_taken_after_the_thaw)
}

/// Whether the alarm went off while everything was frozen.
fn alarm_is_taken_after_the_thaw() -> Result<bool, Failure> {
    let [calls, at] = words()?;
    let alarm = Alarm::new()?;
    let child = Child::start(|| {
        signal::set_mask(bit(SIGALRM));
        let is_set = signal::handle(SIGALRM, count).and_then(|()| alarm.set());
        // Taken nowhere else, so that none comes just before it.
        let _ = terminal::poll(&mut [], None, Some(0));
        time::sleep(Time::from_millis(100));
        calls.store(counted(), Ordering::Relaxed);
        at.store(LAST.load(Ordering::Relaxed), Ordering::Relaxed);
        i32::from(is_set.is_err())
    })?;
    alarm.wait_until_set();
    let freeze = Frozen::for_seconds(1)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(calls.load(Ordering::Relaxed), 1);
    if !alarm.is_within(&freeze) {
        return Ok(false);
    }
    ensure!(at.load(Ordering::Relaxed) >= freeze.to);
    Ok(true)
}

// spec: G3
fn an_alarm_ends_a_sleep_after_the_thaw() -> Outcome {
    in_some_round(alarm_ends_a_sleep_after_the_thaw)
}

/// Whether the alarm went off while everything was frozen. The sleep is so
/// short that one which begins after the alarm leaves time for more rounds.
fn alarm_ends_a_sleep_after_the_thaw() -> Result<bool, Failure> {
    let [woken] = words()?;
    let alarm = Alarm::new()?;
    let child = Child::start(|| {
        let action = Action::Handle(count);
        let is_set = signal::set_action(SIGALRM, action, 0, 0);
        let is_set = is_set.and_then(|()| alarm.set());
        let slept = time::try_sleep(Time::from_millis(5000));
        woken.store(1, Ordering::Release);
        let Err((Errno::EINTR, rest)) = slept else { return 1 };
        let is_early = rest > Time::from_millis(4000);
        i32::from(is_early || counted() != 1 || is_set.is_err())
    })?;
    alarm.wait_until_set();
    while look_at(child.id())?.0 != 'S' && woken.load(Ordering::Acquire) == 0 {
        time::sleep(Time::from_millis(1));
    }
    let freeze = Frozen::for_seconds(1)?;
    let code = child.wait()?.exit_code();
    if !alarm.is_within(&freeze) {
        return Ok(false);
    }
    ensure_eq!(code, Some(0));
    Ok(true)
}

// spec: G1 P6
fn a_deadly_alarm_kills_after_the_thaw() -> Outcome {
    let [last] = words()?;
    in_some_round(|| {
        last.store(0, Ordering::Relaxed);
        let alarm = Alarm::new()?;
        let child = Child::start(|| {
            let _ = alarm.set();
            loop {
                last.store(now_ms(), Ordering::Release);
            }
        })?;
        wait_for(last, 1);
        let freeze = Frozen::for_seconds(1)?;
        ensure_eq!(child.wait()?.killed_by(), Some(SIGALRM));
        // On a busy host the alarm may be so late that it comes after the
        // thaw.
        let has_stood = last.load(Ordering::Relaxed) <= freeze.from;
        Ok(has_stood && alarm.is_within(&freeze))
    })
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
    in_some_round(stopped_task_takes_an_alarm)
}

/// Whether the alarm went off while everything was frozen.
fn stopped_task_takes_an_alarm() -> Result<bool, Failure> {
    let [calls] = words()?;
    let alarm = Alarm::new()?;
    let child = Child::start(|| {
        let is_set = signal::handle(SIGALRM, count).and_then(|()| alarm.set());
        loop {
            calls.store(counted(), Ordering::Relaxed);
            if is_set.is_err() {
                return 1;
            }
        }
    })?;
    alarm.wait_until_set();
    stop(&child)?;
    let freeze = Frozen::for_seconds(1)?;
    ensure_eq!(look_at(child.id())?.0, 'T');
    if !alarm.is_within(&freeze) {
        return Ok(false);
    }
    ensure_eq!(calls.load(Ordering::Relaxed), 0);
    signal::send(child.id(), SIGCONT)?;
    wait_for(calls, 1);
    ensure_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(true)
}
