//! Wait queues: sleeping until something holds.
//!
//! A wait names a condition; whoever may have made it true wakes the queue;
//! the sleeper tests again. The protocol that loses no wake-up is in
//! `wake.rs`; here is its sleeper half, for every wait in a queue.
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
//! deadlines are absolute, and `EINTR` comes from signals only
//! (SPECIFICATION.md S1, R5, X8).
//!
//! A freeze does not end or change what others wait for, either (but for a
//! futex, whose wake-up is its waiter's own, frozen or not). A task that parks
//! so leaves the queue first and hands a wake-up that was meant for it to the
//! next:
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

use super::clock::Deadline;
use super::sleep::{Interrupted, Sleep, WaitError};
use super::{Task, current, state, table, wake};
use kernel_machine::sync::{IrqSpinLock, Rank};

/// Whether one wake-up serves one waiter or all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// The waiter takes what it was woken for: others sleep on.
    Exclusive,
    /// The waiter only looks: it does not use up a wake-up. A wake-up that
    /// finds it awake takes it out of the queue, so once it has announced its
    /// sleep it asks whether it still stands there ([`WaitQueue::holds`]).
    Shared,
    /// As [`Share::Shared`], but of several such tasks that sleep a wake-up
    /// takes one. A task's places in one queue are one. The number names the
    /// set of files for which it looks.
    Elected(usize),
    /// A set's place that stays while nobody waits for the set: it wakes nobody.
    /// A wake-up takes it with the elected one of its set; if none is elected,
    /// with all of them, so that each set finds what happened.
    Noted(usize),
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

impl Waiters {
    /// Takes the places of the set away that wake nobody, or those of all.
    #[cold]
    fn note(&mut self, elected: Option<usize>) {
        let mut at = 0;
        while let Some(waiter) = self.list.get(at) {
            let is_meant = match waiter.share {
                Share::Noted(set) => elected.is_none_or(|it| it == set),
                _ => false,
            };
            if !is_meant {
                at += 1;
            } else if let Some(waiter) = self.list.remove(at) {
                table::defer_drop(waiter.task);
            }
        }
    }
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
    #[inline]
    pub fn wake_one(&self) -> bool {
        self.wake(1) != 0
    }

    /// Wakes every waiter; the number woken.
    pub fn wake_all(&self) -> usize {
        self.wake(usize::MAX)
    }

    /// Wakes one of those that share the object, and those that only look.
    pub(super) fn wake_elected(&self) -> usize {
        self.wake(1)
    }

    fn wake(&self, mut exclusive: usize) -> usize {
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        let mut waiters = self.waiters.lock();
        let mut woken = 0;
        let mut at = 0;
        let mut elected = None;
        let mut is_noted = false;
        while exclusive != 0 && at < waiters.list.len() {
            let waiter = &waiters.list[at];
            let is_left = match waiter.share {
                Share::Noted(_) => {
                    is_noted = true;
                    true
                }
                Share::Elected(_) => {
                    elected.is_some_and(|(it, _)| it != waiter.task.id())
                }
                Share::Exclusive | Share::Shared => false,
            };
            if is_left {
                at += 1;
                continue;
            }
            let was_asleep = wake::wake_up(&waiter.task);
            if !was_asleep && waiter.share == Share::Exclusive {
                // It is awake on its own account and will look again.
                at += 1;
                continue;
            }
            if let Share::Elected(set) = waiter.share
                && was_asleep
            {
                elected = Some((waiter.task.id(), set));
            }
            woken += usize::from(was_asleep);
            // One that looks at many objects learns here that it must look
            // again: its place is gone.
            let gone = match at {
                // Mostly the first, which goes without a search.
                0 => waiters.list.pop_front(),
                at => waiters.list.remove(at),
            };
            if let Some(waiter) = gone {
                exclusive -= usize::from(waiter.share == Share::Exclusive);
                table::defer_drop(waiter.task);
            }
        }
        if is_noted {
            waiters.note(elected.map(|(_, set)| set));
        }
        woken
    }

    /// Puts the current task at the end of the queue.
    #[inline]
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
        waiter.map(|waiter| table::defer_drop(waiter.task)).is_some()
    }

    fn take_off(&self, ticket: u64) -> Option<Waiter> {
        let mut waiters = self.waiters.lock();
        let at = waiters.list.iter().position(|it| it.ticket == ticket)?;
        waiters.list.remove(at)
    }

    /// Takes an exclusive waiter off that will not use a wake-up. `hand_on` is
    /// told whether it was given one already.
    #[inline(never)]
    fn step_aside(&self, ticket: u64, hand_on: &dyn Fn(bool)) {
        hand_on(!self.leave(ticket));
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

    /// As [`WaitQueue::wait_until`], until `deadline` at the latest, which
    /// runs on during a freeze.
    ///
    /// # Errors
    /// As there, and [`WaitError::TimedOut`].
    #[inline]
    pub fn wait_until_deadline<T>(
        &self,
        place: &'static str,
        deadline: Option<Deadline>,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait(place, state::INTERRUPTIBLE, deadline, condition)
    }

    /// As [`WaitQueue::wait_until_deadline`], in a queue of the waiter's own:
    /// what others do to wake it is their business, and so is a wake-up that it
    /// was given and does not use. `hand_on` tells them whenever it freezes,
    /// woken or not, since nobody finds it in the queue then, and when it
    /// gives up.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Locks
    /// None held on entry; takes those of the condition and of `hand_on`.
    pub fn wait_for_turn<T>(
        &self,
        place: &'static str,
        deadline: Option<Deadline>,
        condition: impl FnMut() -> Option<T>,
        hand_on: impl Fn(),
    ) -> Result<T, WaitError> {
        let depth = state::INTERRUPTIBLE;
        self.wait_with(place, depth, deadline, condition, |_| hand_on())
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
        let deadline = Some(Deadline::Monotonic(deadline_ns));
        self.wait(place, state::KILLABLE, deadline, condition)
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
        let deadline = Some(Deadline::Monotonic(deadline_ns));
        self.wait(place, depth, deadline, condition)
    }

    pub(super) fn wait<T>(
        &self,
        place: &'static str,
        depth: u32,
        deadline: Option<Deadline>,
        condition: impl FnMut() -> Option<T>,
    ) -> Result<T, WaitError> {
        self.wait_with(place, depth, deadline, condition, |was_woken| {
            if was_woken {
                self.wake_one();
            }
        })
    }

    #[inline(always)]
    fn wait_with<T>(
        &self,
        place: &'static str,
        depth: u32,
        deadline: Option<Deadline>,
        mut condition: impl FnMut() -> Option<T>,
        hand_on: impl Fn(bool),
    ) -> Result<T, WaitError> {
        if let Some(value) = condition() {
            return Ok(value);
        }
        let mut sleep = Sleep::new(place, depth, deadline);
        loop {
            let ticket = self.enter(Share::Exclusive);
            sleep.announce();
            if let Some(value) = condition() {
                sleep.cancel();
                // Another's event may have been meant, and its wake-up.
                self.step_aside(ticket, &hand_on);
                return Ok(value);
            }
            let mut stands = true;
            let ended = sleep.sleep_and(&mut || {
                self.step_aside(ticket, &hand_on);
                stands = false;
            });
            let was_woken = stands && !self.leave(ticket);
            if let Some(value) = condition() {
                return Ok(value);
            }
            if let Err(error) = ended {
                if was_woken {
                    // The wake-up was meant for somebody who wants it.
                    hand_on(true);
                }
                return Err(error);
            }
        }
    }
}
