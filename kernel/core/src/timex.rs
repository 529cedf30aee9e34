//! The rules of `adjtimex(2)`: what may be asked, what it changes of the
//! clock's [`Course`], and leap seconds (Linux kernel/time/ntp.c).
//!
//! ```text
//!             STA_INS, STA_DEL            midnight
//!   TIME_OK ------------------> TIME_INS ---------> TIME_OOP
//!      ^                        TIME_DEL ----.          | a second later
//!      |   neither flag                       '-> TIME_WAIT
//!      '------------------------------------------------'
//! ```
//!
//! What goes on by itself is done when somebody looks ([`Discipline::advance`]);
//! the kernel looks at midnight.

use kernel_abi::Errno;
use kernel_abi::time::{NS_PER_S, Timeval, Timex};

use crate::wall_clock::{Cause, Course};

mod mode;
#[cfg(test)]
mod tests;

use mode::{Modes, Status};

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Ticks in a second as programs see them (`USER_HZ`).
const TICKS: i64 = 100;
/// The usual `tick`, µs.
const USUAL_TICK: i64 = 1_000_000 / TICKS;
/// Most that the frequency can be off: 500 millionths.
const TOLERANCE: i64 = 500 << 16;
/// Errors are no larger, µs.
const WORST_ERROR: i64 = 16_000_000;
/// By so much a clock may be off more with each second, µs.
const ERROR_A_SECOND: i64 = 500;
/// Largest time constant.
const SLOWEST: i64 = 10;
/// Most seconds between atomic time and this one.
const MOST_TAI: i64 = 100_000;
/// Largest offset that the loop takes, ns.
const MOST_OFFSET: i64 = 500_000_000;

/// What the clock is about to do; the result of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// `TIME_OK`.
    Fine,
    /// `TIME_INS`: a second is inserted at this time.
    Insert(u64),
    /// `TIME_DEL`: a second is left out at this time.
    Delete(u64),
    /// `TIME_OOP`: the inserted second runs, until this time.
    Inserted(u64),
    /// `TIME_WAIT`: it is over, and the flag still set.
    Wait,
}

impl State {
    /// `TIME_*`.
    fn number(self) -> usize {
        match self {
            State::Fine => 0,
            State::Insert(_) => 1,
            State::Delete(_) => 2,
            State::Inserted(_) => 3,
            State::Wait => 4,
        }
    }
}

/// `TIME_ERROR`.
const UNSYNCHRONIZED: usize = 5;

/// What disciplines the clock.
#[derive(Clone, Debug)]
pub struct Discipline {
    status: Status,
    state: State,
    /// 65,536ths of a millionth.
    frequency: i64,
    tick: i64,
    max_error: i64,
    /// Monotonic time at which that was told, ns.
    told_ns: u64,
    estimated_error: i64,
    constant: i64,
    tai: i32,
}

/// A change of the clock beside that of its course.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// None.
    Nothing,
    /// It is put forward or back, ns.
    By(i64),
}

/// The moment of a call.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Monotonic time, ns.
    pub monotonic_ns: u64,
    /// Wall time, ns.
    pub wall_ns: u64,
}

impl Discipline {
    /// An undisciplined clock.
    pub const fn new() -> Self {
        Self {
            status: Status::UNSYNCHRONIZED,
            state: State::Fine,
            frequency: 0,
            tick: USUAL_TICK,
            max_error: WORST_ERROR,
            told_ns: 0,
            estimated_error: WORST_ERROR,
            constant: 2,
            tai: 0,
        }
    }

    /// Seconds by which atomic time is ahead.
    pub fn tai(&self) -> i32 {
        self.tai
    }

    /// The wall time at which the clock is to be looked at, ns.
    pub fn next_leap_ns(&self) -> Option<u64> {
        match self.state {
            State::Insert(at) | State::Delete(at) | State::Inserted(at) => {
                Some(at * NS_PER_S)
            }
            State::Fine | State::Wait => None,
        }
    }

    /// Fails unless `asked` is well formed, and the asker may do it.
    ///
    /// # Errors
    /// `EINVAL`, `EPERM`.
    pub fn check(asked: &Timex, may_set: bool) -> Result<(), Errno> {
        let modes = Modes::from_bits_retain(asked.modes);
        let require = |holds: bool| holds.then_some(()).ok_or(Errno::EINVAL);
        let privilege = may_set.then_some(()).ok_or(Errno::EPERM);
        if modes.contains(Modes::ADJTIME) {
            require(modes.contains(Modes::OFFSET))?;
            if !modes.contains(Modes::READ_ONLY) {
                privilege?;
            }
        } else {
            if !modes.is_empty() {
                privilege?;
            }
            let ticks = USUAL_TICK * 9 / 10..=USUAL_TICK * 11 / 10;
            require(
                !modes.contains(Modes::TICK) || ticks.contains(&asked.tick),
            )?;
        }
        if modes.contains(Modes::SET_OFFSET) {
            privilege?;
            let most = if modes.contains(Modes::NANO) { 1000 } else { 1 };
            require((0..1_000_000 * most).contains(&asked.time.usec))?;
        }
        /// Linux `PPM_SCALE`.
        const SCALE: i64 = 1000 << 16;
        let frequencies = i64::MIN / SCALE..=i64::MAX / SCALE;
        let is_known = frequencies.contains(&asked.freq);
        require(!modes.contains(Modes::FREQUENCY) || is_known)
    }

    /// How far `asked` puts the clock at once.
    pub fn step(asked: &Timex) -> Step {
        let modes = Modes::from_bits_retain(asked.modes);
        if !modes.contains(Modes::SET_OFFSET) {
            return Step::Nothing;
        }
        let unit = if modes.contains(Modes::NANO) { 1 } else { 1000 };
        let seconds = asked.time.sec.saturating_mul(NS_PER_S as i64);
        Step::By(seconds.saturating_add(asked.time.usec * unit))
    }

    /// Does what `asked` says, which was checked, and fills in how things
    /// stand. The result of the call.
    pub fn adjust(
        &mut self,
        course: &mut Course,
        asked: &mut Timex,
        now: Now,
    ) -> usize {
        let modes = Modes::from_bits_retain(asked.modes);
        let at = now.monotonic_ns;
        let once = course.left_ns(Cause::Once, at) / 1000;
        if modes.contains(Modes::ADJTIME) {
            if !modes.contains(Modes::READ_ONLY) {
                let total_ns = asked.offset.saturating_mul(1000);
                course.slew(Cause::Once, at, total_ns);
            }
        } else if !modes.is_empty() {
            self.change(course, asked, modes, now);
        }
        self.settle_state(now.wall_ns);
        self.tell(course, asked, now);
        if modes.contains(Modes::ADJTIME) {
            asked.offset = once;
        }
        if self.status.is_error() {
            UNSYNCHRONIZED
        } else {
            self.state.number()
        }
    }

    fn change(
        &mut self,
        course: &mut Course,
        asked: &Timex,
        modes: Modes,
        now: Now,
    ) {
        let at = now.monotonic_ns;
        if modes.contains(Modes::STATUS) {
            self.change_status(asked.status);
        }
        if modes.contains(Modes::NANO) {
            self.status |= Status::NANO;
        }
        if modes.contains(Modes::MICRO) {
            self.status -= Status::NANO;
        }
        if modes.contains(Modes::FREQUENCY) {
            self.frequency = asked.freq.clamp(-TOLERANCE, TOLERANCE);
        }
        if modes.contains(Modes::MAX_ERROR) {
            self.max_error = asked.maxerror.clamp(0, WORST_ERROR);
            self.told_ns = at;
        }
        if modes.contains(Modes::ESTIMATED_ERROR) {
            self.estimated_error = asked.esterror.clamp(0, WORST_ERROR);
        }
        if modes.contains(Modes::CONSTANT) {
            let more = if self.status.contains(Status::NANO) { 0 } else { 4 };
            let constant = asked.constant.clamp(0, SLOWEST);
            self.constant = (constant + more).min(SLOWEST);
        }
        if modes.contains(Modes::TAI)
            && (1..=MOST_TAI).contains(&asked.constant)
        {
            self.tai = asked.constant as i32;
        }
        if modes.contains(Modes::OFFSET) && self.status.contains(Status::LOOP) {
            let total_ns = asked.offset.saturating_mul(self.unit_ns());
            let total_ns = total_ns.clamp(-MOST_OFFSET, MOST_OFFSET);
            course.slew(Cause::Loop, at, total_ns);
        }
        if modes.contains(Modes::TICK) {
            self.tick = asked.tick;
        }
        if modes.intersects(Modes::TICK | Modes::FREQUENCY) {
            course.set_rate(at, self.rate_ppb());
        }
    }

    /// As flags that programs may change say.
    fn change_status(&mut self, status: i32) {
        let asked = Status::from_bits_retain(status as u32);
        if self.status.contains(Status::LOOP) && !asked.contains(Status::LOOP) {
            self.state = State::Fine;
            self.status = Status::UNSYNCHRONIZED;
        }
        let fixed = self.status & Status::READ_ONLY;
        self.status = fixed | (asked - Status::READ_ONLY);
    }

    /// What frequency and tick make together.
    fn rate_ppb(&self) -> i64 {
        let by_tick = (self.tick - USUAL_TICK) * TICKS * 1000;
        by_tick + self.frequency * 1000 / (1 << 16)
    }

    /// Of `offset` and `time`.
    fn unit_ns(&self) -> i64 {
        if self.status.contains(Status::NANO) { 1 } else { 1000 }
    }

    fn tell(&self, course: &Course, told: &mut Timex, now: Now) {
        let unit = self.unit_ns();
        let left = course.left_ns(Cause::Loop, now.monotonic_ns);
        let past = now.monotonic_ns.saturating_sub(self.told_ns) / NS_PER_S;
        let grown = (past as i64).saturating_mul(ERROR_A_SECOND);
        *told = Timex {
            modes: told.modes,
            offset: left / unit,
            freq: self.frequency,
            maxerror: self.max_error.saturating_add(grown).min(WORST_ERROR),
            esterror: self.estimated_error,
            status: self.status.bits() as i32,
            constant: self.constant,
            precision: 1,
            tolerance: TOLERANCE,
            time: Timeval {
                sec: (now.wall_ns / NS_PER_S) as i64,
                usec: (now.wall_ns % NS_PER_S) as i64 / unit,
            },
            tick: self.tick,
            tai: self.tai,
            ..Timex::default()
        };
    }

    /// Goes on with leap seconds: how far the clock is put for one.
    #[must_use]
    pub fn advance(&mut self, wall_ns: u64) -> Step {
        let seconds = wall_ns / NS_PER_S;
        self.settle_state(wall_ns);
        match self.state {
            State::Insert(at) if seconds >= at => {
                self.state = State::Inserted(at);
                self.tai += 1;
                Step::By(-(NS_PER_S as i64))
            }
            State::Delete(at) if seconds >= at => {
                self.state = State::Wait;
                self.tai -= 1;
                Step::By(NS_PER_S as i64)
            }
            State::Inserted(at) if seconds >= at => {
                self.state = State::Wait;
                Step::Nothing
            }
            _ => Step::Nothing,
        }
    }

    /// As the flags that ask for a leap second say.
    fn settle_state(&mut self, wall_ns: u64) {
        let [inserts, deletes] = [Status::INSERT, Status::DELETE]
            .map(|flag| self.status.contains(flag));
        let seconds = wall_ns / NS_PER_S;
        self.state = match self.state {
            State::Fine if inserts => State::Insert((seconds / DAY + 1) * DAY),
            // The last second of the day is left out.
            State::Fine if deletes => {
                State::Delete(((seconds + 1) / DAY + 1) * DAY - 1)
            }
            State::Insert(_) if !inserts => State::Fine,
            State::Delete(_) if !deletes => State::Fine,
            State::Wait if !inserts && !deletes => State::Fine,
            state => state,
        };
    }

    /// The clock was set: nothing is known of it any more.
    pub fn clock_was_set(&mut self) {
        self.status |= Status::UNSYNCHRONIZED;
        self.max_error = WORST_ERROR;
        self.estimated_error = WORST_ERROR;
        if let State::Insert(_) | State::Delete(_) = self.state {
            self.state = State::Fine;
        }
    }
}

impl Default for Discipline {
    fn default() -> Self {
        Self::new()
    }
}
