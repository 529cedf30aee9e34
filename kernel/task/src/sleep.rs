//! One task's sleep: what may end it, its deadline, its name, and the freeze
//! that it sleeps through. Sleeping for a time, with nobody to be woken by, and
//! giving way are here, too.
//!
//! Next to read: `wait.rs`, sleeping in a queue.

use kernel_abi::Errno;

use super::clock::{Deadline, Place};
use super::refrigerator::{FREEZER, FreezerHost, try_to_freeze};
use super::{Current, current, scheduler, state, stretch, timer};
use kernel_machine::arch::thread::work;

/// A signal ended the wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// Why a wait with a deadline ended without its condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitError {
    /// A signal came.
    Interrupted,
    /// The deadline passed.
    TimedOut,
}

impl From<Interrupted> for WaitError {
    fn from(_: Interrupted) -> Self {
        WaitError::Interrupted
    }
}

/// One task's sleep, possibly in several stretches: its depth, its deadline,
/// its name for `wchan`. Dropping it ends the timer.
pub(super) struct Sleep {
    task: Current,
    depth: u32,
    deadline: Option<Deadline>,
    timer: Option<timer::Handle>,
    /// Where it hears that the clock of its deadline is set.
    place: Option<Place>,
}

impl Sleep {
    #[inline]
    pub(super) fn new(
        place: &'static str,
        depth: u32,
        deadline: Option<Deadline>,
    ) -> Self {
        let task = current();
        task.set_waits_in(place);
        Self { task, depth, deadline, timer: None, place: None }
    }

    /// Announces the sleep. Test the condition once more, then call
    /// [`Sleep::sleep`] or [`Sleep::cancel`].
    #[inline]
    pub(super) fn announce(&self) {
        self.task.set_state(self.depth);
    }

    /// Takes the announcement back.
    #[inline]
    pub(super) fn cancel(&self) {
        self.task.run_on();
    }

    /// Sleeps until woken, and through any freeze that holds then.
    ///
    /// # Errors
    /// What else ended the sleep. `Ok` says only: test the condition.
    pub(super) fn sleep(&mut self) -> Result<(), WaitError> {
        self.sleep_and(&mut || {})
    }

    /// As [`Sleep::sleep`]; calls `before_freeze` if it then freezes. Made once
    /// for all waits, each of which has a condition of its own type.
    #[inline(never)]
    pub(super) fn sleep_and(
        &mut self,
        before_freeze: &mut dyn FnMut(),
    ) -> Result<(), WaitError> {
        if let Some(Deadline::Realtime(_)) = self.deadline {
            self.follow_clock();
        }
        if self.has_expired() {
            self.cancel();
            return Err(WaitError::TimedOut);
        }
        if let Err(error) = self.start_timer() {
            self.cancel();
            return Err(error);
        }
        if self.depth == state::UNINTERRUPTIBLE {
            scheduler::schedule();
        } else {
            freezable_schedule(before_freeze);
        }
        if self.has_expired() {
            return Err(WaitError::TimedOut);
        }
        if self.is_interrupted() {
            return Err(WaitError::Interrupted);
        }
        Ok(())
    }

    fn has_expired(&self) -> bool {
        self.deadline.is_some_and(Deadline::has_passed)
    }

    /// From now on, whoever sets the clock wakes the task. The sleep is
    /// announced, and its deadline is looked at after this.
    #[cold]
    fn follow_clock(&mut self) {
        if self.place.is_none() {
            self.place = Some(Place::new(self.task.to_arc()));
        }
    }

    fn is_interrupted(&self) -> bool {
        match self.depth {
            state::INTERRUPTIBLE => self.task.signal_pending(),
            state::KILLABLE => self.task.fatal_signal_pending(),
            _ => false,
        }
    }

    /// Starts the timer of the deadline if it does not run. Room is kept for
    /// one timer of each task, so failure is a bug of the count.
    fn start_timer(&mut self) -> Result<(), WaitError> {
        let Some(deadline) = self.deadline else {
            return Ok(());
        };
        if let Some(handle) = self.timer.take() {
            timer::cancel(handle);
        }
        let handle = timer::start(deadline.monotonic_ns(), self.task.to_arc());
        self.timer = Some(handle.map_err(|_| WaitError::TimedOut)?);
        Ok(())
    }
}

impl Drop for Sleep {
    #[inline]
    fn drop(&mut self) {
        if let Some(handle) = self.timer.take() {
            timer::cancel(handle);
        }
        self.task.set_waits_in("");
    }
}

/// Sleeps as the announced state says, counting as frozen meanwhile if the
/// task is a user task; afterwards stays in the refrigerator while freezing
/// holds, and calls `before_freeze` before that. The caller tests its condition
/// again (SPECIFICATION.md S1, R5).
#[inline]
fn freezable_schedule(before_freeze: &mut dyn FnMut()) {
    let task = current();
    if !task.is_user() {
        scheduler::schedule();
        return;
    }
    FREEZER.freezer_do_not_count(&FreezerHost, &*task);
    scheduler::schedule();
    FREEZER.freezer_count_after(&FreezerHost, &*task, before_freeze);
    stretch::point();
}

/// Sleeps until `deadline`. A freeze meanwhile changes nothing but that the
/// task goes on only after the thaw.
///
/// # Errors
/// [`Interrupted`] if a signal came first.
pub fn sleep_until(
    place: &'static str,
    deadline: Deadline,
) -> Result<(), Interrupted> {
    let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, Some(deadline));
    loop {
        sleep.announce();
        match sleep.sleep() {
            Ok(()) => {}
            Err(WaitError::TimedOut) => return Ok(()),
            Err(WaitError::Interrupted) => return Err(Interrupted),
        }
    }
}

/// Sleeps until a signal comes (`pause(2)`, `rt_sigsuspend(2)`).
pub fn sleep_until_signal(place: &'static str) -> Interrupted {
    let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, None);
    loop {
        sleep.announce();
        if sleep.sleep().is_err() {
            return Interrupted;
        }
    }
}

/// Sleeps until `deadline_ns` whatever signals come, as a kernel thread does.
pub fn sleep_uninterruptible(place: &'static str, deadline_ns: u64) {
    let depth = state::UNINTERRUPTIBLE;
    let deadline = Deadline::Monotonic(deadline_ns);
    let mut sleep = Sleep::new(place, depth, Some(deadline));
    loop {
        sleep.announce();
        if sleep.sleep().is_err() {
            return;
        }
    }
}

/// Sleeps as deep as `depth` says while `stay` holds, counting as frozen: a
/// stopped task. Every wake asks `stay` again. Before it all comes `begin`,
/// which says whether to sleep at all, and tells others: they see the task in
/// this state already. Neither may sleep itself.
pub fn sleep_while(
    place: &'static str,
    depth: u32,
    begin: impl FnOnce() -> bool,
    mut stay: impl FnMut() -> bool,
) {
    let mut sleep = Sleep::new(place, depth, None);
    sleep.announce();
    if !begin() {
        sleep.cancel();
        return;
    }
    loop {
        sleep.announce();
        if !stay() {
            sleep.cancel();
            return;
        }
        if sleep.sleep().is_err() {
            return;
        }
    }
}

/// Between two pieces of a system call that takes long: lets others have the
/// CPU, and freezes here if it should.
///
/// # Errors
/// `ERESTARTSYS` if a signal waits: the call is to end with what it has done.
///
/// # Locks
/// None may be held.
#[inline]
pub fn give_way() -> Result<(), Errno> {
    stretch::point();
    match current().pending_work() & !work::STEP {
        0 => Ok(()),
        pending => give_way_to(pending),
    }
}

#[cold]
fn give_way_to(pending: u32) -> Result<(), Errno> {
    if pending & work::RESCHEDULE != 0 {
        scheduler::schedule();
    }
    if pending & work::FREEZE != 0 {
        try_to_freeze();
    }
    match current().signal_pending() {
        true => Err(Errno::ERESTARTSYS),
        false => Ok(()),
    }
}

/// As [`give_way`], in a call that only the end of its task ends, as Linux's
/// calls on plain files and memory.
///
/// # Errors
/// `EINTR` if the task is to end.
///
/// # Locks
/// None may be held.
#[inline]
pub fn give_way_until_killed() -> Result<(), Errno> {
    give_way_and_go_on();
    match current().fatal_signal_pending() {
        true => Err(Errno::EINTR),
        false => Ok(()),
    }
}

/// As [`give_way`], in what must not be left half done: goes on whatever
/// signals come. A task that is about to end gets no fake signal any more, and
/// looks for itself whether it should freeze.
///
/// # Locks
/// None may be held.
pub fn give_way_and_go_on() {
    stretch::point();
    let task = current();
    if !task.is_user() {
        return;
    }
    if task.pending_work() & work::RESCHEDULE != 0 {
        scheduler::schedule();
    }
    let is_marked = task.pending_work() & work::FREEZE != 0;
    if is_marked || FREEZER.freezing(&task.freezer) {
        try_to_freeze();
    }
}
