//! Tests of the rules of `adjtimex(2)`.

use kernel_abi::Errno;
use kernel_abi::time::{NS_PER_S, Timeval, Timex};

use super::{Discipline, Now, Step};
use crate::wall_clock::Course;

const OFFSET: u32 = 1;
const FREQUENCY: u32 = 2;
const STATUS: u32 = 16;
const TICK: u32 = 0x4000;
const SET_OFFSET: u32 = 0x100;
const NANO: u32 = 0x2000;
const SINGLESHOT: u32 = 0x8001;
const SS_READ: u32 = 0xa001;
const PLL: i32 = 1;
const INSERT: i32 = 16;
const MIDNIGHT: u64 = 20_000 * 86_400;

fn at(wall_s: u64) -> Now {
    Now { monotonic_ns: 5 * NS_PER_S, wall_ns: wall_s * NS_PER_S }
}

fn asked(modes: u32) -> Timex {
    Timex { modes, ..Timex::default() }
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |asked: &Timex| Discipline::check(asked, true);
    assert_eq!(check(&asked(0x8000)), Err(Errno::EINVAL));
    for (tick, result) in [
        (8999, Err(Errno::EINVAL)),
        (9000, Ok(())),
        (11_000, Ok(())),
        (11_001, Err(Errno::EINVAL)),
    ] {
        assert_eq!(check(&Timex { tick, ..asked(TICK) }), result);
    }
    let by = |modes, usec| {
        let time = Timeval { sec: -1, usec };
        check(&Timex { time, ..asked(modes | SET_OFFSET) })
    };
    assert_eq!(by(0, 999_999), Ok(()));
    assert_eq!(by(0, 1_000_000), Err(Errno::EINVAL));
    assert_eq!(by(NANO, 1_000_000), Ok(()));
    assert_eq!(by(NANO, -1), Err(Errno::EINVAL));
    let freq = i64::MAX;
    let far = Timex { freq, ..asked(FREQUENCY) };
    assert_eq!(check(&far), Err(Errno::EINVAL));
}

#[test]
fn only_who_may_changes_anything() {
    let check = |modes| Discipline::check(&asked(modes), false);
    assert_eq!(check(0), Ok(()));
    assert_eq!(check(SS_READ), Ok(()));
    for modes in [SINGLESHOT, STATUS, SET_OFFSET, OFFSET] {
        assert_eq!(check(modes), Err(Errno::EPERM));
    }
}

#[test]
fn an_adjtime_tells_what_was_left_of_the_last() {
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let mut first = Timex { offset: 1000, ..asked(SINGLESHOT) };
    assert_eq!(ntp.adjust(&mut course, &mut first, at(10)), 5);
    assert_eq!(first.offset, 0);
    let later = Now { monotonic_ns: 6 * NS_PER_S, ..at(11) };
    let mut read = asked(SS_READ);
    ntp.adjust(&mut course, &mut read, later);
    assert_eq!(read.offset, 500);
}

#[test]
fn offsets_are_worked_off_only_in_the_loop() {
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let mut plain = Timex { offset: 1000, ..asked(OFFSET) };
    ntp.adjust(&mut course, &mut plain, at(10));
    assert_eq!(plain.offset, 0);
    let (offset, status) = (1000, PLL);
    let mut with = Timex { offset, status, ..asked(OFFSET | STATUS) };
    assert_eq!(ntp.adjust(&mut course, &mut with, at(10)), 0);
    assert_eq!((with.offset, with.status), (1000, PLL));
}

#[test]
fn frequency_and_tick_make_the_rate() {
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let (freq, tick) = (100 << 16, 10_001);
    let mut both = Timex { freq, tick, ..asked(FREQUENCY | TICK) };
    ntp.adjust(&mut course, &mut both, at(10));
    assert_eq!((both.freq, both.tick), (100 << 16, 10_001));
    let later = 5 * NS_PER_S + 10 * NS_PER_S;
    assert_eq!(course.distance_at(later), 10 * (100_000 + 100_000));
}

#[test]
fn a_second_is_inserted_at_midnight() {
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let mut flag = Timex { status: INSERT, ..asked(STATUS) };
    assert_eq!(ntp.adjust(&mut course, &mut flag, at(MIDNIGHT - 2)), 1);
    assert_eq!(ntp.next_leap_ns(), Some(MIDNIGHT * NS_PER_S));
    assert_eq!(ntp.advance((MIDNIGHT - 1) * NS_PER_S), Step::Nothing);
    let back = Step::By(-(NS_PER_S as i64));
    assert_eq!(ntp.advance(MIDNIGHT * NS_PER_S), back);
    assert_eq!(ntp.adjust(&mut course, &mut asked(0), at(MIDNIGHT - 1)), 3);
    assert_eq!(ntp.tai(), 1);
    assert_eq!(ntp.advance(MIDNIGHT * NS_PER_S), Step::Nothing);
    assert_eq!(ntp.adjust(&mut course, &mut asked(0), at(MIDNIGHT)), 4);
    let mut off = asked(STATUS);
    assert_eq!(ntp.adjust(&mut course, &mut off, at(MIDNIGHT)), 0);
}

#[test]
fn the_last_second_of_a_day_is_left_out() {
    const DELETE: i32 = 32;
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let mut flag = Timex { status: DELETE, ..asked(STATUS) };
    assert_eq!(ntp.adjust(&mut course, &mut flag, at(MIDNIGHT - 2)), 2);
    assert_eq!(ntp.advance((MIDNIGHT - 2) * NS_PER_S), Step::Nothing);
    let forward = Step::By(NS_PER_S as i64);
    assert_eq!(ntp.advance((MIDNIGHT - 1) * NS_PER_S), forward);
    assert_eq!(ntp.adjust(&mut course, &mut asked(0), at(MIDNIGHT)), 4);
    assert_eq!(ntp.tai(), -1);
}

#[test]
fn a_clock_that_is_set_is_not_relied_on() {
    let (mut ntp, mut course) = (Discipline::new(), Course::new(0));
    let mut fine = Timex { status: 0, ..asked(STATUS) };
    assert_eq!(ntp.adjust(&mut course, &mut fine, at(10)), 0);
    ntp.clock_was_set();
    assert_eq!(ntp.adjust(&mut course, &mut asked(0), at(10)), 5);
}
