//! No system call ends, fails or takes longer because of a freeze.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{__NR_pselect6, SIGUSR1, WNOHANG};
use user_lib::schedule::{futex_wait, futex_wake};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, Result, file, process, signal, terminal};

use super::{Frozen, freeze, now_ms, wait_for, words};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::Child;

tests! {
    time_outs_are_not_stretched_by_a_freeze
    time_outs_within_a_freeze_end_after_it
    data_and_children_survive_a_freeze
    a_futex_never_loses_a_wake_up
    a_pipe_never_loses_a_byte
}

/// A wait for some time, and what it gives when the time is over.
type Wait = (&'static str, fn(Time) -> Result<usize>, Result<usize>);

const WAITS: [Wait; 6] = [
    ("nanosleep", |wait| sleep(wait), Ok(0)),
    ("clock_nanosleep", |wait| sleep_until(monotonic() + wait), Ok(0)),
    ("futex", |wait| futex(wait), Err(Errno::ETIMEDOUT)),
    ("rt_sigtimedwait", |wait| signal_wait(wait), Err(Errno::EAGAIN)),
    ("ppoll", |wait| terminal::poll(&mut [], Some(wait), None), Ok(0)),
    ("pselect6", |wait| select(wait), Ok(0)),
];

fn sleep(wait: Time) -> Result<usize> {
    time::try_sleep(wait).map(|()| 0).map_err(|(error, _)| error)
}

fn sleep_until(end: Time) -> Result<usize> {
    time::sleep_until(end).map(|()| 0)
}

fn futex(wait: Time) -> Result<usize> {
    futex_wait(&AtomicU32::new(0), 0, Some(wait)).map(|()| 0)
}

fn signal_wait(wait: Time) -> Result<usize> {
    signal::set_mask(signal::bit(SIGUSR1));
    signal::wait(signal::bit(SIGUSR1), Some(wait)).map(|_| 0)
}

fn select(wait: Time) -> Result<usize> {
    let place = &raw const wait as usize;
    arbitrary(__NR_pselect6, [0, 0, 0, 0, place, 0])
}

/// A child in a wait.
struct Waiter {
    name: &'static str,
    child: Child,
    /// When it began and when it ended, in milliseconds.
    start: &'static AtomicU32,
    end: &'static AtomicU32,
}

impl Waiter {
    fn start(wait: Wait, length: Time) -> Result<Self> {
        let (name, wait, expected) = wait;
        let [start, end] = words()?;
        let child = Child::start(|| {
            start.store(now_ms(), Ordering::Release);
            let result = wait(length);
            end.store(now_ms(), Ordering::Release);
            i32::from(result != expected)
        })?;
        wait_for(start, 1);
        Ok(Self { name, child, start, end })
    }

    /// Name, start and end; fails if the wait had another result.
    fn finish(self) -> core::result::Result<(&'static str, u32, u32), Failure> {
        let status = self.child.wait()?;
        if status.exit_code() != Some(0) {
            let text = alloc::format!("{} gave something else", self.name);
            return Err(Failure(text));
        }
        let [start, end] =
            [self.start, self.end].map(|word| word.load(Ordering::Acquire));
        Ok((self.name, start, end))
    }
}

fn start_all(length: Time) -> Result<Vec<Waiter>> {
    WAITS.into_iter().map(|wait| Waiter::start(wait, length)).collect()
}

/// How late a wait may end on a slow machine, in milliseconds. A wait
/// stretched by the freeze would be a second late, in every round.
const SLACK_MS: u32 = 600;

// spec: X1 X2 X3 X4 X8
fn time_outs_are_not_stretched_by_a_freeze() -> Outcome {
    in_some_round(|| {
        let waiters = start_all(Time::from_millis(2000))?;
        freeze(1)?;
        let mut are_in_time = true;
        for waiter in waiters {
            let (name, start, end) = waiter.finish()?;
            let taken = end - start;
            ensure!((name, taken) >= (name, 1999));
            are_in_time &= taken <= 2000 + SLACK_MS;
        }
        Ok(are_in_time)
    })
}

// spec: X1 X2 X3 X4 X8 S4
fn time_outs_within_a_freeze_end_after_it() -> Outcome {
    in_some_round(|| {
        let waiters = start_all(Time::from_millis(1500))?;
        let freeze = Frozen::for_seconds(2)?;
        let mut are_in_time = true;
        for waiter in waiters {
            let (name, start, end) = waiter.finish()?;
            let due = start + 1500;
            if due >= freeze.from {
                ensure!((name, end) >= (name, freeze.to));
            }
            are_in_time &= freeze.covers(due, due);
            are_in_time &= end <= freeze.thawed + SLACK_MS;
        }
        Ok(are_in_time)
    })
}

const PIECES: usize = 20;

/// Writes pieces to a pipe while a freeze comes.
fn write_pieces(to: i32) -> Result<()> {
    for piece in 0..PIECES {
        file::write_all(to, &[piece as u8; 5000])?;
        time::sleep(Time::from_millis(20));
    }
    Ok(())
}

// spec: X6 P3 P6
fn data_and_children_survive_a_freeze() -> Outcome {
    let [ready] = words()?;
    let reader = Child::start(|| {
        let Ok([from, to]) = file::pipe(0) else { return 1 };
        let writer = Child::start(|| i32::from(write_pieces(to).is_err()));
        let _ = file::close(to);
        ready.store(1, Ordering::Release);
        let Ok(bytes) = file::read_to_end(from) else { return 2 };
        let is_right = |(at, byte): (usize, &u8)| at / 5000 == *byte as usize;
        let is_whole = bytes.len() == PIECES * 5000;
        let is_right = bytes.iter().enumerate().all(is_right);
        let status = writer.and_then(Child::wait).map(|end| end.exit_code());
        i32::from(!is_whole || !is_right || status != Ok(Some(0)))
    })?;
    let runner = Child::start(|| {
        let words = ["sh", "-c", "sleep 0.3; exit 7"];
        let child = process::spawn("/bin/sh", &words, &[""; 0]);
        let status = child.and_then(process::wait_for);
        i32::from(status.map(|end| end.exit_code()) != Ok(Some(7)))
    })?;
    wait_for(ready, 1);
    freeze(1)?;
    ensure_eq!(reader.wait()?.exit_code(), Some(0));
    ensure_eq!(runner.wait()?.exit_code(), Some(0));
    Ok(())
}

/// Takes turns with the other side: even values are one's, odd the other's.
fn take_turns(turn: &AtomicU32, side: u32) -> i32 {
    loop {
        let now = turn.load(Ordering::Acquire);
        if now % 2 == side {
            turn.store(now + 1, Ordering::Release);
            if futex_wake(turn, 1).is_err() {
                return 1;
            }
        } else if let Err(error) = futex_wait(turn, now, None)
            && error != Errno::EAGAIN
        {
            return 2;
        }
    }
}

/// Freezes some times while children work; they must go on each time.
fn freeze_while(children: &[Child], progress: &AtomicU32) -> Outcome {
    wait_for(progress, 10);
    for _ in 0..20 {
        freeze(0)?;
        let before = progress.load(Ordering::Relaxed);
        wait_for(progress, before + 10);
    }
    for child in children {
        ensure_eq!(process::wait(child.id(), WNOHANG), Ok(None));
    }
    Ok(())
}

// spec: R5 N2 N3 S2
fn a_futex_never_loses_a_wake_up() -> Outcome {
    let [turn] = words()?;
    let even = Child::start(|| take_turns(turn, 0))?;
    let odd = Child::start(|| take_turns(turn, 1))?;
    freeze_while(&[even, odd], turn)
}

/// Sends every byte back.
fn echo(from: i32, to: i32, count: &AtomicU32) -> i32 {
    let mut byte = [0];
    while file::read(from, &mut byte) == Ok(1) {
        if file::write(to, &byte) != Ok(1) {
            return 1;
        }
        count.fetch_add(1, Ordering::Release);
    }
    2
}

// spec: R5 N3 X6
fn a_pipe_never_loses_a_byte() -> Outcome {
    let [count] = words()?;
    let ([from, to], [back_from, back_to]) = (file::pipe(0)?, file::pipe(0)?);
    let there = Child::start(|| echo(from, back_to, count))?;
    let back = Child::start(|| echo(back_from, to, count))?;
    ensure_eq!(file::write(to, b"x"), Ok(1));
    freeze_while(&[there, back], count)
}
