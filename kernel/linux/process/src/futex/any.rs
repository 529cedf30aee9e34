//! Waiting for any of several words (`futex_waitv(2)`).
//!
//! The thread stands in a bucket for each word, with a waiter of its own for
//! each; all of them wake the first one's queue, in which it sleeps. The wait
//! freezes in place, and its deadline is absolute.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, SeqCst};
use core::sync::atomic::fence;

use kernel_abi::Errno;

use super::table::{checked_key, enter, leave};
use super::waiter::{Place, Scope, Waiter};
use crate::thread::current;
use kernel_machine::mm::{frame, user};
use kernel_task::{Deadline, WaitError};

/// A word to wait for.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Where it is.
    pub address: usize,
    /// Whether other processes may share it.
    pub scope: Scope,
    /// What it must hold.
    pub expected: u32,
}

/// Waits until the first of `words` is woken, if all hold what they must:
/// which one.
///
/// # Errors
/// `EAGAIN` if one holds something else; `ETIMEDOUT`; `EFAULT`, `EINVAL` for a
/// bad address; `ENOMEM`; `ERESTARTSYS` for a signal.
pub fn wait(
    words: &[Word],
    deadline: Option<Deadline>,
) -> Result<usize, Errno> {
    if frame::is_short() {
        return Err(Errno::ENOMEM);
    }
    let space = current().space()?;
    let mut places = Vec::with_capacity(words.len());
    for word in words {
        let key = checked_key(&space, word.address, word.scope)?;
        places.push(Place { key, bits: u32::MAX, target: None });
    }
    let first = Waiter::new();
    let mut waiters = Vec::from([first.clone()]);
    let others = (1..words.len()).map(|_| Waiter::led_by(&first));
    waiters.extend(others);
    let result = stand(words, &places, &waiters);
    let slept = result.and_then(|()| sleep(&waiters, deadline));
    let woken = leave_all(&waiters);
    match (woken, slept) {
        (Some(at), _) => Ok(at),
        (None, Ok(())) => Err(Errno::EAGAIN),
        (None, Err(error)) => Err(error),
    }
}

fn stand(
    words: &[Word],
    places: &[Place],
    waiters: &[Arc<Waiter>],
) -> Result<(), Errno> {
    for (waiter, place) in waiters.iter().zip(places) {
        enter(waiter, *place);
    }
    fence(SeqCst);
    for word in words {
        if user::load_word(word.address)? != word.expected {
            return Err(Errno::EAGAIN);
        }
    }
    Ok(())
}

fn sleep(
    waiters: &[Arc<Waiter>],
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    let is_woken = |waiter: &Arc<Waiter>| waiter.is_woken.load(Acquire);
    let any = || waiters.iter().any(is_woken).then_some(());
    let queue = &waiters[0].queue;
    let result =
        queue.wait_until_deadline("futex_wait_multiple", deadline, any);
    result.map_err(|error| match error {
        WaitError::TimedOut => Errno::ETIMEDOUT,
        WaitError::Interrupted => Errno::ERESTARTSYS,
    })
}

/// Takes the waiters out of all buckets: the last that was woken.
fn leave_all(waiters: &[Arc<Waiter>]) -> Option<usize> {
    let mut woken = None;
    for (at, waiter) in waiters.iter().enumerate() {
        if !leave(waiter) {
            woken = Some(at);
        }
    }
    woken
}
