//! Waiting for any of several objects (`ppoll`, `pselect6`).
//!
//! A [`PollTable`] stands in any number of wait queues at once, without
//! using up wake-ups. The caller registers, then looks at every object, then
//! waits; what happens after registering ends the wait at once.
//!
//! ```text
//!  poller                              waker
//!  ------                              -----
//!  [queue's lock] stand in it          event := true
//!  look at the object: nothing         [queue's lock]
//!  state := INTERRUPTIBLE                wake the poller, or find it awake
//!  [queue's lock] still in it?           take it out of the queue
//!    no: look again
//! ```
//!
//! Nothing here is lock-free. If the waker's section comes before the last one
//! of the poller, the poller is out and looks again; if after, the waker
//! sees the announced state through the lock, and wakes it. If it comes
//! before the first, the look sees the event.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::clock::Deadline;
use super::sleep::{Sleep, WaitError};
use super::wait::Share;
use super::{WaitQueue, state};

/// How many of those that look at an object an event wakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wakes {
    /// All.
    #[default]
    All,
    /// All who do not share it, and one of those that do (`EPOLLEXCLUSIVE`).
    /// The number tells which set looks.
    One(usize),
    /// None: the place is taken away with that of the one of its set, or if no
    /// set of those that share the object has one that sleeps.
    None(usize),
}

/// The current task's places in wait queues; dropping it leaves them all.
#[derive(Default)]
pub struct PollTable {
    places: Vec<Place>,
    /// For places from now on.
    wakes: Wakes,
}

struct Place {
    queue: Arc<WaitQueue>,
    ticket: u64,
    wakes: Wakes,
}

impl PollTable {
    /// A table in no queue.
    pub const fn new() -> Self {
        Self { places: Vec::new(), wakes: Wakes::All }
    }

    /// Stands in `queue` too.
    pub fn add(&mut self, queue: &Arc<WaitQueue>) {
        let wakes = self.wakes;
        let ticket = queue.enter(match wakes {
            Wakes::All => Share::Shared,
            Wakes::One(set) => Share::Elected(set),
            Wakes::None(set) => Share::Noted(set),
        });
        self.places.push(Place { queue: queue.clone(), ticket, wakes });
    }

    /// Events wake as `wakes` says where `look` registers.
    pub fn stand<T>(
        &mut self,
        wakes: Wakes,
        look: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = core::mem::replace(&mut self.wakes, wakes);
        let result = look(self);
        self.wakes = before;
        result
    }

    /// Leaves all queues, to register anew for the next look.
    pub fn clear(&mut self) {
        for Place { queue, ticket, .. } in self.places.drain(..) {
            queue.leave(ticket);
        }
    }

    /// Leaves all queues; an event that was for this task alone goes to the
    /// next that shares the object. The task is about to freeze.
    fn step_aside(&mut self) {
        for Place { queue, ticket, wakes } in self.places.drain(..) {
            let was_woken = !queue.leave(ticket);
            if was_woken && matches!(wakes, Wakes::One(_)) {
                queue.wake_elected();
            }
        }
    }

    /// Registers by `look` and sleeps, until `look` gives a value. `look`
    /// runs first with a table to register in; it may take sleeping locks.
    ///
    /// # Errors
    /// [`WaitError::Interrupted`] by a signal, [`WaitError::TimedOut`] after
    /// `deadline_ns`; the value is looked for once more before either.
    pub fn wait<T>(
        place: &'static str,
        deadline_ns: Option<u64>,
        mut look: impl FnMut(&mut PollTable) -> Option<T>,
    ) -> Result<T, WaitError> {
        let deadline = deadline_ns.map(Deadline::Monotonic);
        let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, deadline);
        let mut table = PollTable::new();
        loop {
            table.clear();
            if let Some(value) = look(&mut table) {
                return Ok(value);
            }
            sleep.announce();
            if table.was_woken() {
                sleep.cancel();
                continue;
            }
            let slept = sleep.sleep_and(&mut || table.step_aside());
            if let Err(error) = slept {
                return look(&mut PollTable::new()).ok_or(error);
            }
        }
    }

    /// True if an event came since the places were taken. A waker that finds
    /// the task awake leaves its place and marks it.
    pub fn was_woken(&self) -> bool {
        self.places.iter().any(|it| !it.queue.holds(it.ticket))
    }
}

impl Drop for PollTable {
    fn drop(&mut self) {
        self.clear();
    }
}
