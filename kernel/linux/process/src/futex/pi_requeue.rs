//! From a word that is waited for to a lock with an owner
//! (`FUTEX_WAIT_REQUEUE_PI`, `FUTEX_CMP_REQUEUE_PI`): the condition variable
//! of such a mutex wakes nobody who would only wait for the mutex.
//!
//! A waiter that is moved goes from its bucket to the lock's queue under the
//! lock over all locks, under which it also gives up: so it is in one of the
//! two places.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::fence;

use kernel_abi::Errno;

use super::pi::{LOCKS, Locks, Look, Owner, Patience, sleep};
use super::table::{BOUND_FOR_LOCKS, checked_key, enter, first, leave};
use super::waiter::{Key, Place, Scope, Target, Waiter};
use crate::thread::current;
use kernel_machine::mm::user;
use kernel_task::sleep::give_way;
use kernel_task::{Deadline, WaitError};

/// Waits for the word at `from`, if it holds `expected`, to be moved to the
/// lock at `to`, and for that lock.
///
/// # Errors
/// `EAGAIN` if it holds something else, or a signal came after it was moved;
/// `ETIMEDOUT`; `EINVAL`, `EFAULT` for bad addresses; `ERESTARTNOINTR`.
pub fn wait_requeue(
    [from, to]: [usize; 2],
    scope: Scope,
    expected: u32,
    bits: u32,
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    if from == to || bits == 0 {
        return Err(Errno::EINVAL);
    }
    let thread = current();
    let own = Owner::current(&thread);
    let space = thread.space()?;
    let lock = checked_key(&space, to, scope)?;
    let key = checked_key(&space, from, scope)?;
    let waiter = &thread.futex;
    let target = Target { lock, task: own.task, visible: own.visible };
    BOUND_FOR_LOCKS.fetch_add(1, Relaxed);
    enter(waiter, Place { key, bits, target: Some(target) });
    fence(SeqCst);
    let found = user::load_word(from);
    let result = match found {
        Ok(value) if value == expected => sleep(waiter, deadline),
        _ => Ok(()),
    };
    let mut locks = LOCKS.lock();
    BOUND_FOR_LOCKS.fetch_sub(1, Relaxed);
    if waiter.is_woken.load(Acquire) {
        return locks.inherit(&thread, to, lock);
    }
    let was_moved = locks.waits.get(&own.task) == Some(&lock);
    if was_moved {
        locks.give_up(own, lock);
    } else {
        leave(waiter);
    }
    Err(match (found, result) {
        (Err(error), _) => error,
        (Ok(value), _) if value != expected => Errno::EAGAIN,
        (_, Err(WaitError::TimedOut)) => Errno::ETIMEDOUT,
        _ if was_moved => Errno::EAGAIN,
        _ => Errno::ERESTARTNOINTR,
    })
}

/// Moves the first waiter of the word at `from`, if that holds `expected`,
/// and up to `moved` others, to the lock at `to`; or gives the lock to the
/// first one, if it is free. How many.
///
/// # Errors
/// `EAGAIN` if the word holds something else; `EINVAL` for equal words, and if
/// one of the waiters does not wait for this lock; as `lock`.
pub fn requeue(
    [from, to]: [usize; 2],
    scope: Scope,
    moved: usize,
    expected: u32,
) -> Result<usize, Errno> {
    let space = current().space()?;
    let key = checked_key(&space, from, scope)?;
    let lock = checked_key(&space, to, scope)?;
    if key == lock {
        return Err(Errno::EINVAL);
    }
    let mut done = 0;
    while done <= moved {
        let mut locks = LOCKS.lock();
        if done == 0 && user::load_word(from)? != expected {
            return Err(Errno::EAGAIN);
        }
        match locks.move_first(key, lock, to) {
            Ok(None) => break,
            Ok(Some(Look::Changed)) => {
                drop(locks);
                let interrupted = give_way().is_err();
                if interrupted && done == 0 {
                    return Err(Errno::ERESTARTNOINTR);
                }
                if interrupted {
                    break;
                }
            }
            Ok(Some(_)) => done += 1,
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl Locks {
    /// Moves the first waiter of `key`; `None` if there is none. It leaves its
    /// bucket only if it goes on: who stays keeps its turn.
    fn move_first(
        &mut self,
        key: Key,
        lock: Key,
        address: usize,
    ) -> Result<Option<Look>, Errno> {
        let Some((waiter, place)) = first(key) else { return Ok(None) };
        let looked = self.move_one(&waiter, &place, lock, address)?;
        if looked != Look::Changed {
            leave(&waiter);
        }
        if looked == Look::Taken {
            waiter.wake();
        }
        Ok(Some(looked))
    }

    fn move_one(
        &mut self,
        waiter: &Arc<Waiter>,
        place: &Place,
        lock: Key,
        address: usize,
    ) -> Result<Look, Errno> {
        let target = place.target.filter(|target| target.lock == lock);
        let target = target.ok_or(Errno::EINVAL)?;
        let who = Owner { task: target.task, visible: target.visible };
        self.look(who, waiter, address, lock, Patience::Until(None))
    }
}
