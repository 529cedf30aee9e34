//! The wall clock's discipline: `adjtimex(2)`, leap seconds, setting it. The
//! rules are `kernel_core::timex`'s.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::AtomicI32;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::time::{NS_PER_S, Timex};
use kernel_core::timex::{Discipline, Now, Step};

use kernel_files as files;
use kernel_machine::arch;
use kernel_task::alarm::Alarm;
use kernel_task::{Deadline, Mutex, clock, workqueue};

struct Clock {
    discipline: Discipline,
    /// Goes off at the next leap second.
    leap: Option<Arc<Alarm>>,
}

/// Changes of the clock take turns.
static CLOCK: Mutex<Clock> =
    Mutex::new(Clock { discipline: Discipline::new(), leap: None });

/// Seconds by which atomic time is ahead. Written under [`CLOCK`].
static TAI: AtomicI32 = AtomicI32::new(0);

/// Nanoseconds by which atomic time is ahead.
pub(super) fn tai_ns() -> i64 {
    i64::from(TAI.load(Relaxed)) * NS_PER_S as i64
}

fn now() -> Now {
    let monotonic_ns = arch::timer::now_ns();
    let wall_ns = clock::boot_time_ns().saturating_add(monotonic_ns);
    Now { monotonic_ns, wall_ns }
}

/// Does what `asked` says and fills in how things stand; the clock's state,
/// `TIME_*`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn adjust(asked: &mut Timex, may_set: bool) -> Result<usize, Errno> {
    Discipline::check(asked, may_set)?;
    let mut clock = CLOCK.lock();
    clock.step(Discipline::step(asked))?;
    let old = clock::course();
    let mut course = old;
    let state = clock.discipline.adjust(&mut course, asked, now());
    if course != old {
        files::clock::set_course(course);
    }
    clock.watch();
    Ok(state)
}

/// Sets real time.
///
/// # Errors
/// `EINVAL` for a time before the machine's start in 1970, or after 2232: real
/// time is never less than monotonic time (Linux `do_settimeofday64`).
pub fn set_realtime_ns(now: u64) -> Result<(), Errno> {
    check(now)?;
    let mut clock = CLOCK.lock();
    files::clock::set_now_ns(now);
    clock.discipline.clock_was_set();
    clock.watch();
    Ok(())
}

fn check(wall_ns: u64) -> Result<(), Errno> {
    /// Linux `TIME_SETTOD_SEC_MAX`: what is counted in signed nanoseconds,
    /// less thirty years that a machine may run on.
    const LAST_NS: u64 = i64::MAX as u64 - 30 * 365 * 24 * 3600 * NS_PER_S;
    match wall_ns < LAST_NS && wall_ns >= arch::timer::now_ns() {
        true => Ok(()),
        false => Err(Errno::EINVAL),
    }
}

impl Clock {
    fn step(&mut self, step: Step) -> Result<(), Errno> {
        let Step::By(ns) = step else { return Ok(()) };
        let there = now().wall_ns.checked_add_signed(ns);
        let there = there.ok_or(Errno::EINVAL)?;
        check(there)?;
        files::clock::set_now_ns(there);
        self.discipline.clock_was_set();
        Ok(())
    }

    /// Has the next leap second happen in its time.
    fn watch(&mut self) {
        TAI.store(self.discipline.tai(), Relaxed);
        let at = self.discipline.next_leap_ns();
        if at.is_none() && self.leap.is_none() {
            return;
        }
        let alarm = self.leap.get_or_insert_with(|| {
            // An alarm's own turn is no time to set it.
            let leap = || workqueue::system().queue_work(leap);
            Alarm::new(Box::new(move |_| leap()))
        });
        alarm.set(at.map(Deadline::Realtime), 0);
    }
}

/// The moment of a leap second has come.
fn leap() {
    let mut clock = CLOCK.lock();
    if let Step::By(ns) = clock.discipline.advance(now().wall_ns) {
        files::clock::shift(ns);
    }
    clock.watch();
}
