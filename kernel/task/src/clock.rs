//! The wall clock: monotonic time and an offset, which programs may set.
//!
//! A wait until a time of this clock ([`Deadline::Realtime`]) follows it: who
//! sleeps so stands in a list, and whoever sets the clock wakes all of them.
//! Each computes its deadline anew, frozen ones right after the thaw
//! (SPECIFICATION.md Y7).
//!
//! ```text
//!  sleeper                             who sets the clock
//!  -------                             ------------------
//!  state := INTERRUPTIBLE              offset := new
//!  [list's lock] stand in it           [list's lock] who stands in it?
//!  deadline by the offset                wake each of them
//!  passed: do not sleep
//! ```
//!
//! Who sets the clock and does not find the sleeper came to the list first,
//! so the sleeper computes with the new offset. If it finds it, this is the
//! handshake of `kernel_core::wake` with the offset as the condition: either
//! the announced state is seen, or the new offset.
//!
//! Next to read: `sleep.rs`.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::ops::Bound::{Excluded, Unbounded};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Task, table, wake};
use kernel_machine::arch;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// Nanoseconds since 1970 at the moment when the monotonic clock was 0.
static OFFSET: AtomicU64 = AtomicU64::new(0);

/// How often the clock was set.
static TIMES_SET: AtomicU64 = AtomicU64::new(0);

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
            Deadline::Realtime(at) => at.saturating_sub(boot_time_ns()),
        }
    }

    /// Whether it has passed.
    #[inline]
    pub fn has_passed(self) -> bool {
        arch::timer::now_ns() >= self.monotonic_ns()
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
    OFFSET.load(Relaxed)
}

/// How often the clock was set.
pub fn times_set() -> u64 {
    TIMES_SET.load(Relaxed)
}

/// Sets the clock to `now`, nanoseconds since 1970, and wakes who sleeps by
/// it.
///
/// # Locks
/// No spin lock may be held.
pub fn set_now_ns(now: u64) {
    OFFSET.store(now.saturating_sub(arch::timer::now_ns()), Relaxed);
    TIMES_SET.fetch_add(1, Relaxed);
    let mut last = 0;
    while let Some((place, task)) = sleeper_after(last) {
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
