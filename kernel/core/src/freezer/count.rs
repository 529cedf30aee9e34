//! Counting awake tasks: the one protocol under everything else.
//!
//! A task is *awake* unless its word says that it sleeps in a skip wait, is
//! in the refrigerator, is not freezable, or is the one that freezes the
//! others. Each task stands in one system-wide counter (users or kernel
//! threads) and, outside the root group, in its group's. "Everybody is
//! frozen" is then a counter that reads zero.
//!
//! ```text
//!  waking sleeper                      freezer
//!  --------------                      -------
//!  awake += 1                          freezing := 1
//!  SKIP := 0                           full barrier  (RaiseBarrier)
//!  full barrier  (WakeBarrier)         read awake == 0: all frozen
//!  read freezing -> refrigerator
//! ```
//!
//! This is Dekker's pattern: with both barriers, at least one of the two
//! reads sees the other side's write. So either the freezer counts the
//! sleeper, or the sleeper sees the freeze and goes to the refrigerator.
//! Model `a_waking_sleeper_is_counted_or_freezes`.
//!
//! ```text
//!  last task to park                   freezer
//!  -----------------                   -------
//!  awake -= 1 (now 0)                  freezing := 1
//!  full barrier  (ParkBarrier)         full barrier  (RaiseBarrier)
//!  read freezing -> quiet()            read awake != 0: sleep until quiet()
//! ```
//!
//! The same pattern keeps the freezer from sleeping for ever. Only the task
//! that brings the counter to zero pays for the barrier. Model
//! `the_last_to_park_wakes_the_freezer`.
//!
//! ```text
//!  parking task (group A)              another CPU moves it from A to B
//!  ----------------------              --------------------------------
//!                                      B.awake += 1       (CountUpFirst)
//!  word: SKIP := 1, reads group        word: group := B, reads SKIP
//!  that group's awake -= 1             was awake: A.awake -= 1
//!                                      was asleep: B.awake -= 1
//! ```
//!
//! Both changes are one atomic step on one word, so they have an order, and
//! each takes from the counter that the other left. Counting up first means
//! that a counter may read too much for a moment, never too little. Model
//! `moving_a_parking_task_never_loses_a_count`.
//!
//! Read next: `gate.rs`.

use super::host::{Host, Step, barrier};
use super::state::{FREEZING_BITS, Freezer};
use super::task::{Flags, Groups, TaskFreezer, Word};
use crate::sync::Ordering;

impl Freezer {
    /// Sets `flag` in the task's word; the task stops counting as awake if
    /// it did.
    #[inline]
    pub(super) fn set<H: Host>(
        &self,
        host: &H,
        task: &TaskFreezer,
        flag: Flags,
    ) {
        let bit = u64::from(flag.bits());
        let old = Word(task.word.fetch_or(bit, Ordering::Relaxed));
        if old.is_awake() && !Word(old.0 | bit).is_awake() {
            self.count_down(host, old);
        }
    }

    /// Clears `flags` in the task's word; the task counts as awake from here
    /// on if no other flag speaks against it.
    #[inline]
    pub(super) fn clear<H: Host>(
        &self,
        host: &H,
        task: &TaskFreezer,
        flags: Flags,
    ) {
        let bits = u64::from(flags.bits());
        self.change(host, task, |word| Word(word.0 & !bits));
    }

    /// Replaces the task's word and moves the task between counters, so that
    /// none ever reads less than the truth.
    #[inline]
    pub(super) fn change<H: Host>(
        &self,
        host: &H,
        task: &TaskFreezer,
        to: impl Fn(Word) -> Word,
    ) {
        let mut old = task.load();
        loop {
            let new = to(old);
            let moves = old.groups() != new.groups();
            if moves {
                self.members_up(old, new);
            }
            if H::WITHOUT != Some(Step::CountUpFirst) {
                self.count_up(new);
            }
            let swap = task.word.compare_exchange_weak(
                old.0,
                new.0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            if H::WITHOUT == Some(Step::CountUpFirst) && swap.is_ok() {
                self.count_up(new);
            }
            match swap {
                Ok(_) => {
                    if moves {
                        self.members_down(host, old, new);
                    }
                    return self.count_down(host, old);
                }
                Err(now) => {
                    if moves {
                        self.members_down(host, new, old);
                    }
                    if H::WITHOUT != Some(Step::CountUpFirst) {
                        self.count_down(host, new);
                    }
                    old = Word(now);
                }
            }
        }
    }

    /// Counts a task with this word, if it is awake.
    #[inline]
    fn count_up(&self, word: Word) {
        if !word.is_awake() {
            return;
        }
        self.awake(word).fetch_add(1, Ordering::Relaxed);
        if word.groups() != Groups::ROOT {
            for (_, group) in word.groups().each() {
                let slot = &self.groups[group as usize];
                slot.awake.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Undoes [`Freezer::count_up`], and wakes whoever waits for the last.
    #[inline]
    fn count_down<H: Host>(&self, host: &H, word: Word) {
        if !word.is_awake() {
            return;
        }
        if word.groups() != Groups::ROOT {
            for (_, group) in word.groups().each() {
                self.group_down(host, group);
            }
        }
        if self.awake(word).fetch_sub(1, release::<H>()) == 1 {
            self.none_awake(host);
        }
    }

    /// The task that was the last one awake tells a waiting freezer.
    #[cold]
    pub(super) fn none_awake<H: Host>(&self, host: &H) {
        barrier::<H>(Step::ParkBarrier);
        if self.pm_freezing.load(Ordering::Relaxed) {
            host.quiet();
        }
    }

    /// A task with the word `old` joins the groups of `new`.
    #[cold]
    fn members_up(&self, old: Word, new: Word) {
        for (_, group) in new.groups().each() {
            if !old.groups().contains(group) {
                let slot = &self.groups[group as usize];
                slot.members.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A task with the word `old`, which is now `new`, leaves the groups that
    /// it stands in no more.
    #[cold]
    fn members_down<H: Host>(&self, host: &H, old: Word, new: Word) {
        for (_, group) in old.groups().each() {
            if new.groups().contains(group) {
                continue;
            }
            let slot = &self.groups[group as usize];
            if slot.members.fetch_sub(1, Ordering::Release) == 1 {
                host.group_empty(group);
            }
        }
    }

    fn group_down<H: Host>(&self, host: &H, index: u32) {
        let group = &self.groups[index as usize];
        if group.awake.fetch_sub(1, release::<H>()) == 1 {
            barrier::<H>(Step::ParkBarrier);
            if group.bits.load(Ordering::Relaxed) & FREEZING_BITS != 0 {
                host.group_quiet(index);
            }
        }
    }
}

/// What a task did before it parked must be visible to who finds it parked.
fn release<H: Host>() -> Ordering {
    match H::WITHOUT {
        Some(Step::ParkRelease) => Ordering::Relaxed,
        _ => Ordering::Release,
    }
}
