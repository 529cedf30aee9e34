//! Waits until a time of the wall clock, while that is set.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clock_nanosleep, __NR_clock_settime, __NR_futex, __NR_rt_sigtimedwait,
    __NR_timer_create, __NR_timer_settime, __NR_timerfd_create,
    __NR_timerfd_settime, CLOCK_REALTIME, FUTEX_CLOCK_REALTIME,
    FUTEX_WAIT_BITSET, SIG_BLOCK, SIGALRM, TIMER_ABSTIME,
};
use user_lib::signal::{self, bit};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result, file};

use super::{Mount, pause};
use crate::freezer::{wait_for_state, words};
use crate::tool::{Outcome, ensure, ensure_eq, soon, tests};
use user_lib::child::Child;

tests! {
    waits_until_a_time_of_day_follow_the_clock
    frozen_waits_follow_the_clock_and_end_with_the_thaw
    a_relative_wait_does_not_follow_the_clock
    a_timer_tells_that_its_clock_was_set
}

const REALTIME: usize = CLOCK_REALTIME as usize;
const ABSOLUTE: usize = TIMER_ABSTIME as usize;
/// `TFD_TIMER_CANCEL_ON_SET`
const CANCEL_ON_SET: usize = 2;

/// Puts the clock forward, and back when dropped: what follows finds it as it
/// was.
struct Leap(Time);

impl Leap {
    fn ahead(by: Time) -> Result<Self> {
        time::set_wall_clock(time::read(CLOCK_REALTIME)? + by)?;
        Ok(Leap(by))
    }
}

impl Drop for Leap {
    fn drop(&mut self) {
        if let Ok(now) = time::read(CLOCK_REALTIME) {
            let _ = time::set_wall_clock(now - self.0);
        }
    }
}

/// A minute and a half from now.
fn later() -> Result<Time> {
    Ok(time::read(CLOCK_REALTIME)? + Time::from_millis(90_000))
}

fn sleeps() -> Result<usize> {
    let until = later()?;
    let place = &raw const until as usize;
    arbitrary(__NR_clock_nanosleep, [REALTIME, ABSOLUTE, place, 0, 0, 0])
}

fn waits_for_word() -> Result<usize> {
    let (word, until) = (AtomicU32::new(0), later()?);
    let what = (FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME) as usize;
    let places = [word.as_ptr() as usize, &raw const until as usize];
    let all = u32::MAX as usize;
    match arbitrary(__NR_futex, [places[0], what, 0, places[1], 0, all]) {
        Err(Errno::ETIMEDOUT) => Ok(0),
        other => other,
    }
}

fn takes_signal() -> Result<usize> {
    signal::change_mask(SIG_BLOCK, bit(SIGALRM))?;
    let mut id = 0_u32;
    let place = &raw mut id as usize;
    arbitrary(__NR_timer_create, [REALTIME, 0, place, 0, 0, 0])?;
    let setting = [Time::default(), later()?];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_timer_settime, [id as usize, ABSOLUTE, place, 0, 0, 0])?;
    let set = bit(SIGALRM);
    let place = &raw const set as usize;
    arbitrary(__NR_rt_sigtimedwait, [place, 0, 0, 8, 0, 0])
}

/// A timer to read from, set with these flags.
fn timer(flags: usize, value: Time) -> Result<i32> {
    let timer = arbitrary(__NR_timerfd_create, [REALTIME, 0, 0, 0, 0, 0])?;
    let setting = [Time::default(), value];
    let place = setting.as_ptr() as usize;
    arbitrary(__NR_timerfd_settime, [timer, flags, place, 0, 0, 0])?;
    Ok(timer as i32)
}

fn reads_timer() -> Result<usize> {
    let mut count = [0; 8];
    file::read(timer(ABSOLUTE, later()?)?, &mut count)
}

const WAITS: [fn() -> Result<usize>; 4] =
    [sleeps, waits_for_word, takes_signal, reads_timer];

/// Starts a child that notes the end of its wait: 1 if it went well.
fn start(wait: fn() -> Result<usize>, ended: &AtomicU32) -> Result<Child> {
    Child::start(move || {
        let result = 1 + u32::from(wait().is_err());
        ended.store(result, Ordering::SeqCst);
        0
    })
}

// spec: Y7
fn waits_until_a_time_of_day_follow_the_clock() -> Outcome {
    for wait in WAITS {
        let [ended] = words()?;
        let child = start(wait, ended)?;
        wait_for_state(child.id(), 'S')?;
        let _leap = Leap::ahead(Time::from_millis(200_000))?;
        ensure!(soon(|| ended.load(Ordering::SeqCst) == 1));
        child.wait()?;
    }
    Ok(())
}

// spec: Y7 X8
fn frozen_waits_follow_the_clock_and_end_with_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("clock")?;
    for wait in WAITS {
        let [ended] = words()?;
        let child = start(wait, ended)?;
        wait_for_state(child.id(), 'S')?;
        group.add(child.id())?;
        group.freeze()?;
        let _leap = Leap::ahead(Time::from_millis(200_000))?;
        pause(20);
        ensure_eq!(ended.load(Ordering::SeqCst), 0);
        ensure_eq!(group.state()?, "FROZEN");
        group.thaw()?;
        ensure!(soon(|| ended.load(Ordering::SeqCst) == 1));
        child.wait()?;
    }
    Ok(())
}

fn a_relative_wait_does_not_follow_the_clock() -> Outcome {
    let [ended] = words()?;
    let wait = || {
        let mut count = [0; 8];
        file::read(timer(0, Time::from_millis(90_000))?, &mut count)
    };
    let child = start(wait, ended)?;
    wait_for_state(child.id(), 'S')?;
    let _leap = Leap::ahead(Time::from_millis(200_000))?;
    pause(50);
    ensure_eq!(ended.load(Ordering::SeqCst), 0);
    Ok(())
}

// spec: Y7
fn a_timer_tells_that_its_clock_was_set() -> Outcome {
    let mut count = [0; 8];
    let flags = ABSOLUTE | CANCEL_ON_SET;
    let told = timer(flags, later()? + Time::from_millis(9_000_000))?;
    let _leap = Leap::ahead(Time::from_millis(200_000))?;
    ensure_eq!(file::read(told, &mut count), Err(Errno::ECANCELED));
    // It is told once for each time; what had expired goes with it.
    let again = Leap::ahead(Time::from_millis(9_000_000))?;
    ensure_eq!(file::read(told, &mut count), Err(Errno::ECANCELED));
    drop(again);
    // It is told when the timer is set anew, too, which is done.
    let setting = [Time::default(), later()?];
    let place = setting.as_ptr() as usize;
    let set = [told as usize, flags, place, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_timerfd_settime, set), Err(Errno::ECANCELED));
    ensure_eq!(arbitrary(__NR_timerfd_settime, set), Ok(0));
    let past = [REALTIME, 0, 0, 0, 0, 0];
    ensure_eq!(arbitrary(__NR_clock_settime, past), Err(Errno::EFAULT));
    Ok(())
}
