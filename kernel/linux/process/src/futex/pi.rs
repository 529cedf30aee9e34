//! Futexes that know their owner (`FUTEX_LOCK_PI` and its relatives).
//!
//! The word holds the owner's number, so that a free lock is taken and given
//! back without the kernel. Once somebody waits, the word says so, and the
//! kernel keeps the lock's owner and its waiters; who gives it back gives it
//! to the first of them. An owner that ends leaves its locks to their first
//! waiters, which write the word themselves: the owner's memory may be gone.
//!
//! ```text
//!  owner                        waiter
//!  -----                        ------
//!                               [LOCKS] word := word | WAITERS
//!                                 stand in the queue, unless owner ENDED
//!  ends: contended := ENDED       owner's contended := WAITED
//!  was WAITED: [LOCKS]
//!    hand over what it owns     woken: the lock is its own
//! ```
//!
//! `contended` is changed by exchanges only, so one of the two is first: the
//! owner finds WAITED, and then the waiter, under the lock that it takes next;
//! or the waiter finds ENDED, and the lock without an owner.
//!
//! A sleeping lock guards all of it, since the word is read and changed under
//! it. The wait freezes in place, and its deadline is absolute.
//!
//! Waiters come in the order of [`Claim`]: where there are classes of
//! priority, it is here that a better one goes first, and [`Lock::owner`] is
//! whom it lends its own.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::ops::Bound::{self, Excluded, Unbounded};
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use kernel_abi::Errno;

use super::table::checked_key;
use super::waiter::{End, Key, Scope, Waiter};
use crate::lookup::find_task;
use crate::thread::{CurrentThread, Thread, current, thread_of};
use kernel_machine::mm::{frame, user};
use kernel_task::sleep::give_way;
use kernel_task::{Deadline, Mutex, Task, TaskId, WaitError};

/// Bit of the word: somebody waits.
const WAITERS: u32 = 0x8000_0000;
/// Bit of the word: its owner died.
const OWNER_DIED: u32 = 0x4000_0000;
/// The owner's number.
const OWNER: u32 = 0x3fff_ffff;

/// Whom something is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    /// Its task's number, which nobody else has while it lives.
    pub(super) task: TaskId,
    /// Its number as the word has it.
    pub(super) visible: TaskId,
}

impl Owner {
    fn of(task: &Task, thread: &Thread) -> Self {
        Self { task: task.id(), visible: thread.id() }
    }

    pub(super) fn current(thread: &CurrentThread) -> Self {
        Self::of(&thread.task(), thread)
    }
}

/// Who waits, and the thread's place to sleep in.
struct Claim {
    who: Owner,
    waiter: Arc<Waiter>,
}

/// A lock that somebody waits for, or that its owner has still to write its
/// number into.
struct Lock {
    owner: Owner,
    /// The owner has it from one that ended, and the word is not written yet.
    is_inherited: bool,
    claims: VecDeque<Claim>,
}

pub(super) struct Locks {
    locks: BTreeMap<Key, Lock>,
    /// What each waiting task waits for.
    pub(super) waits: BTreeMap<TaskId, Key>,
}

pub(super) static LOCKS: Mutex<Locks> =
    Mutex::new(Locks { locks: BTreeMap::new(), waits: BTreeMap::new() });

/// What to do where the lock is not free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// Fail.
    None,
    /// Wait until then, or for ever.
    Until(Option<Deadline>),
}

/// What a look at the lock came to.
#[derive(PartialEq, Eq)]
pub(super) enum Look {
    Taken,
    Queued,
    /// The word was changed meanwhile.
    Changed,
}

/// Takes the lock at `address`.
///
/// # Errors
/// `EDEADLK` if the caller has it, or its owner waits for the caller; `EAGAIN`
/// if it is not free and the caller has no patience; `ETIMEDOUT`; `ESRCH` if
/// its owner is no more, `EPERM` if that is no thread of a program; `EINVAL`
/// if the word and the kernel do not agree; `EFAULT`, `ENOMEM`;
/// `ERESTARTNOINTR` for a signal.
pub fn lock(
    address: usize,
    scope: Scope,
    patience: Patience,
) -> Result<(), Errno> {
    let thread = current();
    let key = checked_key(&thread.space()?, address, scope)?;
    let own = Owner::current(&thread);
    let looked = loop {
        let mut locks = LOCKS.lock();
        match locks.look(own, &thread.futex, address, key, patience)? {
            Look::Changed => {}
            looked => break looked,
        }
        drop(locks);
        give_way().map_err(|_| Errno::ERESTARTNOINTR)?;
    };
    match (looked, patience) {
        (Look::Queued, Patience::Until(deadline)) => {
            wait(&thread, address, key, deadline)
        }
        _ => Ok(()),
    }
}

impl Locks {
    /// Takes the lock for `own`, or stands in its queue with `waiter`.
    pub(super) fn look(
        &mut self,
        own: Owner,
        waiter: &Arc<Waiter>,
        address: usize,
        key: Key,
        patience: Patience,
    ) -> Result<Look, Errno> {
        let word = user::load_word(address)?;
        if word & OWNER == own.visible {
            return Err(Errno::EDEADLK);
        }
        if word & OWNER == 0 && !self.locks.contains_key(&key) {
            let new = own.visible | word & OWNER_DIED;
            let found = user::compare_exchange_word(address, word, new)?;
            return Ok(if found == word { Look::Taken } else { Look::Changed });
        }
        let Some(owner) = self.owner(key, word, address)? else {
            return Ok(Look::Changed);
        };
        self.check_deadlock(owner, own)?;
        if patience == Patience::None {
            return Err(Errno::EAGAIN);
        }
        let new = word | WAITERS;
        if user::compare_exchange_word(address, word, new)? != word {
            return Ok(Look::Changed);
        }
        self.stand(own, waiter.clone(), key, owner)?;
        Ok(Look::Queued)
    }

    /// Whose the lock is; `None` if the word has changed.
    fn owner(
        &self,
        key: Key,
        word: u32,
        address: usize,
    ) -> Result<Option<Owner>, Errno> {
        if let Some(lock) = self.locks.get(&key) {
            let is_known = lock.is_inherited
                || word & OWNER_DIED != 0
                || word & OWNER == lock.owner.visible;
            return is_known.then_some(Some(lock.owner)).ok_or(Errno::EINVAL);
        }
        if let Some(task) = find_task(word & OWNER) {
            let owner = thread_of(&task).ok_or(Errno::EPERM)?;
            if owner.contended.wait() {
                return Ok(Some(Owner::of(&task, owner)));
            }
        }
        match user::load_word(address)? {
            now if now == word => Err(Errno::ESRCH),
            _ => Ok(None),
        }
    }

    /// Fails if `owner` waits, directly or not, for what `own` has.
    fn check_deadlock(&self, owner: Owner, own: Owner) -> Result<(), Errno> {
        let mut at = owner.task;
        loop {
            if at == own.task {
                return Err(Errno::EDEADLK);
            }
            let waits_for = self.waits.get(&at);
            let lock = waits_for.and_then(|key| self.locks.get(key));
            let Some(lock) = lock else { return Ok(()) };
            at = lock.owner.task;
        }
    }

    fn stand(
        &mut self,
        who: Owner,
        waiter: Arc<Waiter>,
        key: Key,
        owner: Owner,
    ) -> Result<(), Errno> {
        if frame::is_short() {
            return Err(Errno::ENOMEM);
        }
        waiter.is_woken.store(false, Relaxed);
        let lock = self.locks.entry(key).or_insert(Lock {
            owner,
            is_inherited: false,
            claims: VecDeque::new(),
        });
        lock.claims.push_back(Claim { who, waiter });
        self.waits.insert(who.task, key);
        Ok(())
    }

    /// The first waiter has the lock now, if there is one.
    fn hand_over(&mut self, key: Key, is_inherited: bool) -> Option<()> {
        let lock = self.locks.get_mut(&key)?;
        let claim = lock.claims.pop_front()?;
        lock.owner = claim.who;
        lock.is_inherited = is_inherited;
        self.waits.remove(&claim.who.task);
        let stays = is_inherited || !lock.claims.is_empty();
        if stays && let Some(task) = find_task(claim.who.visible) {
            // It has not ended: it looks here first. Whoever comes while it
            // has still to write the word finds the lock here, and does not
            // tell it.
            thread_of(&task).map(|thread| thread.contended.wait());
        }
        self.forget_unused(key);
        claim.waiter.wake();
        Some(())
    }

    /// False if the word was changed meanwhile.
    fn unlock(
        &mut self,
        own: Owner,
        address: usize,
        key: Key,
    ) -> Result<bool, Errno> {
        let word = user::load_word(address)?;
        if word & OWNER != own.visible {
            return Err(Errno::EPERM);
        }
        let next = match self.locks.get(&key) {
            Some(lock) if lock.owner != own => return Err(Errno::EINVAL),
            Some(lock) => lock.claims.front().map(|it| it.who.visible),
            None => None,
        };
        let new = next.map_or(0, |next| next | WAITERS);
        if user::compare_exchange_word(address, word, new)? != word {
            return Ok(false);
        }
        self.hand_over(key, false);
        Ok(true)
    }

    /// `own` does not wait any more.
    pub(super) fn give_up(&mut self, own: Owner, key: Key) {
        self.waits.remove(&own.task);
        if let Some(lock) = self.locks.get_mut(&key) {
            lock.claims.retain(|claim| claim.who != own);
        }
        self.forget_unused(key);
    }

    /// The first lock of `owner` from there on.
    fn first_of(&self, owner: Owner, from: Bound<Key>) -> Option<Key> {
        let mut later = self.locks.range((from, Unbounded));
        later.find(|(_, lock)| lock.owner == owner).map(|it| *it.0)
    }

    fn forget_unused(&mut self, key: Key) {
        let lock = self.locks.get(&key);
        if lock.is_some_and(|it| it.claims.is_empty() && !it.is_inherited) {
            self.locks.remove(&key);
        }
    }

    /// The current thread, which has slept, has the lock: it writes the word if
    /// that is still to be done.
    pub(super) fn inherit(
        &mut self,
        thread: &CurrentThread,
        address: usize,
        key: Key,
    ) -> Result<(), Errno> {
        let own = Owner::current(thread);
        let Some(lock) = self.locks.get_mut(&key) else { return Ok(()) };
        if lock.owner != own || !lock.is_inherited {
            return Ok(());
        }
        lock.is_inherited = false;
        self.forget_unused(key);
        let new = own.visible | WAITERS | OWNER_DIED;
        let mut word = user::load_word(address)?;
        loop {
            match user::compare_exchange_word(address, word, new)? {
                found if found == word => return Ok(()),
                found => word = found,
            }
        }
    }
}

/// Sleeps until the lock is the thread's own.
fn wait(
    thread: &CurrentThread,
    address: usize,
    key: Key,
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    let result = sleep(&thread.futex, deadline);
    let mut locks = LOCKS.lock();
    if thread.futex.is_woken.load(Acquire) {
        return locks.inherit(thread, address, key);
    }
    locks.give_up(Owner::current(thread), key);
    Err(match result {
        Err(WaitError::TimedOut) => Errno::ETIMEDOUT,
        _ => Errno::ERESTARTNOINTR,
    })
}

pub(super) fn sleep(
    waiter: &Waiter,
    deadline: Option<Deadline>,
) -> Result<(), WaitError> {
    waiter.queue.wait_until_deadline("futex_lock_pi", deadline, || {
        waiter.is_woken.load(Acquire).then_some(())
    })
}

/// Gives the lock at `address` to its first waiter, or back.
///
/// # Errors
/// `EPERM` if it is not the caller's; `EINVAL` if the word and the kernel do
/// not agree; `EFAULT`.
pub fn unlock(address: usize, scope: Scope) -> Result<(), Errno> {
    let thread = current();
    let key = checked_key(&thread.space()?, address, scope)?;
    while !LOCKS.lock().unlock(Owner::current(&thread), address, key)? {
        give_way().map_err(|_| Errno::ERESTARTNOINTR)?;
    }
    Ok(())
}

/// The thread ends: what it owns and others wait for goes to them.
pub(crate) fn release(thread: &CurrentThread, end: End) {
    if !thread.contended.end(end) {
        return;
    }
    let own = Owner::current(thread);
    let mut locks = LOCKS.lock();
    let mut next = locks.first_of(own, Unbounded);
    while let Some(key) = next {
        if locks.hand_over(key, true).is_none() {
            // Nobody waits any more.
            locks.locks.remove(&key);
        }
        next = locks.first_of(own, Excluded(key));
    }
}
