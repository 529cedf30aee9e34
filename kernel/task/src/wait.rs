//! Wait queues: sleeping until something holds.
//!
//! A wait names a condition; whoever may have made it true wakes the queue;
//! the sleeper tests again. The protocol that loses no wake-up is in
//! `wake.rs`; here is its sleeper half, once, for every kind of wait.
//!
//! The verbs differ by what may end the sleep early:
//!
//! | verb | a signal | a fatal signal | freezes in place |
//! |---|---|---|---|
//! | [`WaitQueue::wait_until`] | yes | yes | yes |
//! | [`WaitQueue::wait_killable`] | no | yes | yes |
//! | [`WaitQueue::wait_uninterruptible`] | no | no | no |
//!
//! *Freezes in place*: a user task that sleeps so counts as frozen where it
//! sleeps and is not woken by the freezer (`PF_FREEZER_SKIP`). If an event
//! wakes it while freezing holds, it parks in the refrigerator before it
//! tests its condition again. So a freeze ends no wait and changes no result:
//! deadlines are absolute, and `EINTR` comes from signals only (freezer-spec
//! S1, R5, X8).
//!
//! Nor does it end or change what others wait for (but for a futex, whose
//! wake-up is its waiter's own, frozen or not). A task that parks so leaves
//! the queue first and hands a wake-up that was meant for it to the next:
//!
//! ```text
//!  reader A, its group frozen   writer              reader B
//!  --------------------------   ------              --------
//!  sleeps first in the queue                        sleeps behind A
//!                               puts a byte
//!                               wakes one: A
//!  leaves; was woken: wakes B
//!  parks                                            reads the byte
//! ```
//!
//! Nobody wakes A in its stead while it is parked: it stands in no queue, and
//! after the thaw it tests its condition before it enters one again.
//!
//! Next to read: `poll.rs`, waiting on several queues.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use super::wake;
use super::{
    Current, Task, current, refrigerator, scheduler, state, table, timer,
};
use kernel_machine::arch;
use kernel_machine::sync::{IrqSpinLock, Rank};

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

/// Whether one wake-up serves one waiter or all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// The waiter takes what it was woken for: others sleep on.
    Exclusive,
    /// The waiter only looks: it does not use up a wake-up. A wake-up that
    /// finds it awake takes it out of the queue, so once it has announced its
    /// sleep it asks whether it still stands there ([`WaitQueue::holds`]).
    Shared,
}

struct Waiter {
    task: Arc<Task>,
    ticket: u64,
    share: Share,
}

struct Waiters {
    list: VecDeque<Waiter>,
    next_ticket: u64,
}

/// Tasks that wait for one kind of event, first come first served.
pub struct WaitQueue {
    waiters: IrqSpinLock<Waiters>,
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl WaitQueue {
    /// A queue in which nobody waits.
    pub const fn new() -> Self {
        let waiters = Waiters { list: VecDeque::new(), next_ticket: 0 };
        Self { waiters: IrqSpinLock::with_rank(Rank::Wait, waiters) }
    }

    /// Wakes the waiter that came first, and those that only look. True if
    /// somebody was woken. Call after making the condition true.
    pub fn wake_one(&self) -> bool {
        self.wake(1) != 0
    }

    /// Wakes every waiter; the number woken.
    pub fn wake_all(&self) -> usize {
        self.wake(usize::MAX)
    }

    fn wake(&self, mut exclusive: usize) -> usize {
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        let mut waiters = self.waiters.lock();
        let mut woken = 0;
        let mut at = 0;
        while exclusive != 0 && at < waiters.list.len() {
            let waiter = &waiters.list[at];
            let was_asleep = wake::wake_up(&waiter.task);
            if !was_asleep && waiter.share == Share::Exclusive {
                // It is awake on its own account and will look again.
                at += 1;
                continue;
            }
            woken += usize::from(was_asleep);
            // One that looks at many objects learns here that it must look
            // again: its place is gone.
            if let Some(waiter) = waiters.list.remove(at) {
                exclusive -= usize::from(waiter.share == Share::Exclusive);
                table::bury(waiter.task);
            }
        }
        woken
    }

    /// Puts the current task at the end of the queue.
    pub(super) fn enter(&self, share: Share) -> u64 {
        let task = current().to_arc();
        let mut waiters = self.waiters.lock();
        waiters.next_ticket += 1;
        let ticket = waiters.next_ticket;
        waiters.list.push_back(Waiter { task, ticket, share });
        ticket
    }

    /// True if the waiter still stands in the queue.
    pub(super) fn holds(&self, ticket: u64) -> bool {
        let waiters = self.waiters.lock();
        waiters.list.iter().any(|it| it.ticket == ticket)
    }

    /// Takes the waiter off. False if a wake-up has done so.
    #[inline(never)]
    pub(super) fn leave(&self, ticket: u64) -> bool {
        let waiter = self.take_off(ticket);
        // An epoll instance keeps places of tasks that have ended since.
        waiter.map(|waiter| table::bury(waiter.task)).is_some()
    }

    fn take_off(&self, ticket: u64) -> Option<Waiter> {
        let mut waiters = self.waiters.lock();
        let at = waiters.list.iter().position(|it| it.ticket == ticket)?;
        waiters.list.remove(at)
    }

    /// Takes an exclusive waiter off that will not use a wake-up; one that it
    /// was given already goes to the next.
    #[inline(never)]
    fn step_aside(&self, ticket: u64) {
        if !self.leave(ticket) {
            self.wake_one();
        }
    }

    /// Sleeps until `condition` gives a value. A signal ends the sleep; a
    /// freeze does not. `place` is what `wchan` shows.
    ///
    /// The condition must not sleep and not touch user memory.
    ///
    /// # Errors
    /// [`Interrupted`] if a signal is pending and the condition does not
    /// hold.
    ///
    /// # Locks
    /// None held on entry; takes those of the condition.
    #[inline]
    pub fn wait_until<T>(
        &self,
        place: &'static str,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, Interrupted> {
        let depth = state::INTERRUPTIBLE;
        let result = self.wait(place, depth, None, condition);
        result.map_err(|_| Interrupted)
    }

    /// As [`WaitQueue::wait_until`], until `deadline_ns` on the monotonic
    /// clock at the latest. The deadline runs on during a freeze.
    ///
    /// # Errors
    /// As there, and [`WaitError::TimedOut`].
    #[inline]
    pub fn wait_until_deadline<T>(
        &self,
        place: &'static str,
        deadline_ns: Option<u64>,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait(place, state::INTERRUPTIBLE, deadline_ns, condition)
    }

    /// As [`WaitQueue::wait_until`], but only a fatal signal ends the sleep.
    ///
    /// # Errors
    /// [`Interrupted`] if a fatal signal is pending.
    #[inline]
    pub fn wait_killable<T>(
        &self,
        place: &'static str,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, Interrupted> {
        let result = self.wait(place, state::KILLABLE, None, condition);
        result.map_err(|_| Interrupted)
    }

    /// As [`WaitQueue::wait_killable`], until `deadline_ns` at the latest.
    ///
    /// # Errors
    /// As there, and [`WaitError::TimedOut`].
    pub fn wait_killable_until<T>(
        &self,
        place: &'static str,
        deadline_ns: u64,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait(place, state::KILLABLE, Some(deadline_ns), condition)
    }

    /// Sleeps until `condition` gives a value, whatever happens. The task
    /// counts as awake for the freezer: only for waits that end by
    /// themselves and soon.
    #[inline]
    pub fn wait_uninterruptible<T>(
        &self,
        place: &'static str,
        condition: impl FnMut() -> Option<T>,
    ) -> T {
        match self.wait(place, state::UNINTERRUPTIBLE, None, condition) {
            Ok(value) => value,
            Err(_) => unreachable!("nothing ends such a wait early"),
        }
    }

    /// As [`WaitQueue::wait_uninterruptible`], until `deadline_ns` at the
    /// latest.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`].
    pub(super) fn wait_until_there<T>(
        &self,
        place: &'static str,
        deadline_ns: u64,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        let depth = state::UNINTERRUPTIBLE;
        self.wait(place, depth, Some(deadline_ns), condition)
    }

    pub(super) fn wait<T>(
        &self,
        place: &'static str,
        depth: u32,
        deadline_ns: Option<u64>,
        mut condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        if let Some(value) = condition() {
            return Ok(value);
        }
        let mut sleep = Sleep::new(place, depth, deadline_ns);
        loop {
            let ticket = self.enter(Share::Exclusive);
            sleep.announce();
            if let Some(value) = condition() {
                sleep.cancel();
                // Another's event may have been meant, and its wake-up.
                self.step_aside(ticket);
                return Ok(value);
            }
            let mut stands = true;
            let ended = sleep.sleep_and(&mut || {
                self.step_aside(ticket);
                stands = false;
            });
            let was_woken = stands && !self.leave(ticket);
            if let Some(value) = condition() {
                return Ok(value);
            }
            if let Err(error) = ended {
                if was_woken {
                    // The wake-up was meant for somebody who wants it.
                    self.wake_one();
                }
                return Err(error);
            }
        }
    }
}

/// One task's sleep, possibly in several stretches: its depth, its deadline,
/// its name for `wchan`. Dropping it ends the timer.
pub(super) struct Sleep {
    task: Current,
    depth: u32,
    deadline_ns: Option<u64>,
    timer: Option<timer::Handle>,
}

impl Sleep {
    pub(super) fn new(
        place: &'static str,
        depth: u32,
        deadline_ns: Option<u64>,
    ) -> Self {
        let task = current();
        task.set_waits_in(place);
        Self { task, depth, deadline_ns, timer: None }
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
    fn sleep_and(
        &mut self,
        before_freeze: &mut dyn FnMut(),
    ) -> Result<(), WaitError> {
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
            refrigerator::freezable_schedule(before_freeze);
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
        self.deadline_ns
            .is_some_and(|deadline| arch::timer::now_ns() >= deadline)
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
        let Some(deadline) = self.deadline_ns else {
            return Ok(());
        };
        if let Some(handle) = self.timer.take() {
            timer::cancel(handle);
        }
        let handle = timer::start(deadline, self.task.to_arc());
        self.timer = Some(handle.map_err(|_| WaitError::TimedOut)?);
        Ok(())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(handle) = self.timer.take() {
            timer::cancel(handle);
        }
        self.task.set_waits_in("");
    }
}
