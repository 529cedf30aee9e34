//! Whole-system freezes while workers of every kind run.
//!
//! The kernel tells from when to when everything stood still, on the clock
//! that the workers note down whenever they run. No worker may have run in
//! between, and all must run after. Some cycles last a second, and some are
//! made to fail: by a time-out of no time, or by an alarm if there is one.

use alloc::format;

use user_lib::time::{Time, monotonic};
use user_lib::{Errno, file, println};

use super::crew::{Crew, settle};
use super::slot::SHORTEST;
use super::usage::{ensure_none_lost, in_child_outcome};
use crate::tool::{Failure, Outcome, ensure, ensure_eq};

const STATE: &str = "/sys/power/state";
const TEST_LEVEL: &str = "/sys/power/pm_test";
const TIMEOUT: &str = "/sys/power/pm_freeze_timeout";
const COUNT: &str = "/sys/power/wakeup_count";
const FIGURES: &str = "/sys/power/freeze_stats";
const DELAY: &str = "/sys/module/suspend/parameters/pm_test_delay";
const ALARM: &str = "/sys/class/rtc/rtc0/wakealarm";

/// Every so many cycles the system stays frozen for a second.
const LONG: u32 = 500;
/// Every so many cycles an alarm comes between.
const ALARMED: u32 = 250;
/// Every so many cycles there is no time to freeze in.
const HURRIED: u32 = 10;

/// What came of the cycles.
#[derive(Default)]
struct Tally {
    has_alarm: bool,
    frozen: u32,
    failed: u32,
    aborted: u32,
    /// Freezes long enough to judge, and their time in all.
    judged: u32,
    still_ns: u64,
}

/// Freezes and thaws so many times, in two runs.
pub fn cycles(rounds: u32) -> Outcome {
    let half = rounds.div_ceil(2);
    with_test_level(|| {
        in_child_outcome(|| with_crew(half))?;
        in_child_outcome(|| with_crew(half))
    })
}

/// Freezes and thaws so many times, in two runs or more, and judges whether
/// any memory is lost by it.
pub fn losses(rounds: u32) -> Outcome {
    let half = rounds.div_ceil(2);
    with_test_level(|| ensure_none_lost(|| with_crew(half)))
}

/// Runs `work` while a suspend stops after freezing, and does not wait.
fn with_test_level(work: impl FnOnce() -> Outcome) -> Outcome {
    file::overwrite(DELAY, b"0")?;
    file::overwrite(TEST_LEVEL, b"freezer")?;
    let result = work();
    file::overwrite(DELAY, b"5")?;
    file::overwrite(TIMEOUT, b"20000")?;
    file::overwrite(TEST_LEVEL, b"none")?;
    result
}

fn with_crew(rounds: u32) -> Outcome {
    let crew = Crew::start()?;
    settle();
    let start = monotonic();
    let has_alarm = file::status(ALARM).is_ok();
    if !has_alarm {
        println!("this machine has no alarm: none cuts a freeze short");
    }
    let mut tally = Tally { has_alarm, ..Tally::default() };
    for round in 1..=rounds {
        tally.cycle(&crew, round).map_err(|Failure(why)| {
            Failure(format!("cycle {round} of {rounds}: {why}"))
        })?;
        crew.wait_for_progress(2)?;
    }
    println!(
        "{} ms: {} freezes, {} judged over {} ms, {} failed, {} aborted, \
         workers ran {} times",
        (monotonic() - start).as_nanos() / 1_000_000,
        tally.frozen,
        tally.judged,
        tally.still_ns / 1_000_000,
        tally.failed,
        tally.aborted,
        crew.rounds(),
    );
    Ok(())
}

impl Tally {
    fn cycle(&mut self, crew: &Crew, round: u32) -> Outcome {
        if round % LONG == LONG / 2 {
            file::overwrite(DELAY, b"1")?;
            let result = self.freeze(crew, &[]);
            file::overwrite(DELAY, b"0")?;
            result
        } else if self.has_alarm && round % ALARMED == ALARMED / 3 {
            self.freeze_until_alarm(crew)
        } else if round % HURRIED == HURRIED / 2 {
            let timeout: &[u8] = if round % 20 < 10 { b"0" } else { b"1" };
            file::overwrite(TIMEOUT, timeout)?;
            let result = self.freeze(crew, &["failed"]);
            file::overwrite(TIMEOUT, b"20000")?;
            result
        } else {
            self.freeze(crew, &[])
        }
    }

    /// One cycle; besides success it may end in one of `allowed`.
    fn freeze(&mut self, crew: &Crew, allowed: &[&str]) -> Outcome {
        let result = file::overwrite(STATE, b"mem");
        let text = file::text(FIGURES)?;
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
        };
        let outcome = value("outcome").unwrap_or("");
        match result {
            Ok(()) => {
                ensure_eq!(outcome, "frozen");
                let time = |key| value(key).and_then(|it| it.parse().ok());
                let from = time("frozen_at_ns").unwrap_or(0);
                let to = time("thawed_at_ns").unwrap_or(0);
                ensure!(0 < from && from <= to);
                self.frozen += 1;
                self.judge(crew, from, to)
            }
            Err(Errno::EBUSY) if allowed.contains(&outcome) => {
                match outcome {
                    "aborted" => self.aborted += 1,
                    _ => self.failed += 1,
                }
                Ok(())
            }
            Err(error) => {
                Err(Failure(format!("{error}, outcome {outcome}: {text}")))
            }
        }
    }

    /// Nobody may have run in that time.
    fn judge(&mut self, crew: &Crew, from: u64, to: u64) -> Outcome {
        let (from, to) = (from + crew.clock_error, to - crew.clock_error);
        if to < from + SHORTEST {
            return Ok(());
        }
        self.judged += 1;
        self.still_ns += to - from;
        crew.ensure_still(from, to)
    }

    /// Freezes with detection of wakeup events armed until the alarm, a
    /// second from now, has cut one short or come between two.
    fn freeze_until_alarm(&mut self, crew: &Crew) -> Outcome {
        let aborted = self.aborted;
        let start = file::text(COUNT)?;
        file::overwrite(ALARM, b"+1")?;
        let deadline = monotonic() + Time::from_millis(20_000);
        while self.aborted == aborted && file::text(COUNT)? == start {
            ensure!(monotonic() < deadline);
            match file::overwrite(COUNT, start.trim().as_bytes()) {
                Ok(()) => self.freeze(crew, &["aborted"])?,
                Err(Errno::EINVAL) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
