//! The wall clock: monotonic time and a distance, which programs may set, or
//! let grow and shrink bit by bit (`kernel_core::wall_clock`).
//!
//! A wait until a time of this clock ([`Deadline::Realtime`]) follows it: who
//! sleeps so stands in a list, and whoever sets the clock wakes all of them.
//! Each computes its deadline anew, frozen ones right after the thaw
//! (SPECIFICATION.md Y7).
//!
//! ```text
//!  sleeper                             who sets the clock
//!  -------                             ------------------
//!  state := INTERRUPTIBLE              distance := new
//!  [list's lock] stand in it           [list's lock] who stands in it?
//!  deadline by the distance               wake each of them
//!  passed: do not sleep
//! ```
//!
//! Who sets the clock and does not find the sleeper came to the list first,
//! so the sleeper computes with the new distance. If it finds it, this is the
//! handshake of `kernel_core::wake` with the distance as the condition: either
//! the announced state is seen, or the new distance.
//!
//! Next to read: `sleep.rs`.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ops::Bound::{Excluded, Unbounded};

use kernel_core::wall_clock::{Change, Course, Distance};

use super::{Task, table, wake};
use kernel_machine::arch;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// Nanoseconds since 1970 at the moment when the monotonic clock was 0;
/// [`BENT`] while that changes. It is written under the lock of [`COURSE`].
static DISTANCE: Distance = Distance::new();

/// The clock gains or loses: [`COURSE`] knows how far it is.
const BENT: u64 = u64::MAX;

static COURSE: IrqSpinLock<Course> =
    IrqSpinLock::with_rank(Rank::Device, Course::new(0));

/// Tasks that sleep until a time of this clock, by the order they came.
static SLEEPERS: IrqSpinLock<Sleepers> = IrqSpinLock::with_rank(
    Rank::Wait,
    Sleepers { tasks: BTreeMap::new(), next: 1 },
);

struct Sleepers {
    tasks: BTreeMap<u64, Arc<Task>>,
    next: u64,
}

/// When a wait ends at the latest, ns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// On the monotonic clock.
    Monotonic(u64),
    /// Since 1970, whatever the clock is set to meanwhile.
    Realtime(u64),
}

impl Deadline {
    /// The time on the monotonic clock at which it passes, as things stand.
    #[inline]
    pub fn monotonic_ns(self) -> u64 {
        match self {
            Deadline::Monotonic(at) => at,
            Deadline::Realtime(at) => match DISTANCE.ns() {
                BENT => COURSE.lock().monotonic_of(at, arch::timer::now_ns()),
                distance => at.saturating_sub(distance),
            },
        }
    }

    /// Whether it has passed.
    #[inline]
    pub fn has_passed(self) -> bool {
        match self {
            Deadline::Monotonic(at) => arch::timer::now_ns() >= at,
            Deadline::Realtime(at) => now_ns() >= at,
        }
    }
}

/// Nanoseconds since 1970.
#[inline]
pub fn now_ns() -> u64 {
    boot_time_ns().saturating_add(arch::timer::now_ns())
}

/// Nanoseconds since 1970 at boot.
#[inline]
pub fn boot_time_ns() -> u64 {
    match DISTANCE.ns() {
        BENT => bent_distance(),
        distance => distance,
    }
}

/// The distance of a clock that gains or loses; once it does not any more,
/// nobody comes here again.
#[cold]
fn bent_distance() -> u64 {
    let course = COURSE.lock();
    let now = arch::timer::now_ns();
    let settled = course.settled(now);
    DISTANCE.settle(settled.unwrap_or(BENT));
    course.distance_at(now)
}

/// How often the clock was set. Whoever reads a new number reads the new time
/// after it.
pub fn times_set() -> u64 {
    DISTANCE.times_set()
}

/// How often the clock was changed in any way: set, or its course. As
/// [`times_set`].
pub fn changes() -> u64 {
    DISTANCE.changes()
}

/// Sets the clock to `now`, nanoseconds since 1970, and wakes who sleeps by
/// it.
///
/// # Locks
/// No spin lock may be held.
pub fn set_now_ns(now: u64) {
    change(Change::Set, |course, monotonic_ns| course.set(monotonic_ns, now));
}

/// As [`set_now_ns`], so far ahead of what it is.
///
/// # Locks
/// No spin lock may be held.
pub fn shift(by_ns: i64) {
    change(Change::Set, |course, monotonic_ns| {
        course.shift(monotonic_ns, by_ns)
    });
}

/// How the clock goes on.
pub fn course() -> Course {
    *COURSE.lock()
}

/// Lets the clock go on otherwise, and wakes who sleeps by it. Callers take
/// turns.
///
/// # Locks
/// No spin lock may be held.
pub fn set_course(new: Course) {
    change(Change::Course, |course, _| *course = new);
}

fn change(kind: Change, change: impl FnOnce(&mut Course, u64)) {
    let mut course = COURSE.lock();
    let now = arch::timer::now_ns();
    change(&mut course, now);
    DISTANCE.change(course.settled(now).unwrap_or(BENT), kind);
    drop(course);
    wake_sleepers();
}

/// Wakes who stands in the list by now. Who comes later has the new distance,
/// and those that stand there once more are not to be woken again and again.
fn wake_sleepers() {
    let end = SLEEPERS.lock().next;
    let mut last = 0;
    while let Some((place, task)) = sleeper_after(last)
        && place < end
    {
        wake::wake_up(&task);
        table::defer_drop(task);
        last = place;
    }
}

/// One at a time: there may be many, and the lock masks interrupts.
fn sleeper_after(last: u64) -> Option<(u64, Arc<Task>)> {
    let sleepers = SLEEPERS.lock();
    let mut behind = sleepers.tasks.range((Excluded(last), Unbounded));
    behind.next().map(|(place, task)| (*place, task.clone()))
}

/// A sleeper's place in the list; dropping it leaves it.
pub(super) struct Place(u64);

impl Place {
    /// `task` is told when the clock is set.
    pub(super) fn new(task: Arc<Task>) -> Self {
        let mut sleepers = SLEEPERS.lock();
        let place = sleepers.next;
        sleepers.next += 1;
        sleepers.tasks.insert(place, task);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let task = SLEEPERS.lock().tasks.remove(&self.0);
        if let Some(task) = task {
            table::defer_drop(task);
        }
    }
}
