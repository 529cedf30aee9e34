//! Futexes: waiting for a word of user memory to change.
//!
//! A waiter stands in the bucket of its key before it reads the word; a
//! waker changes the word before it looks into the bucket. So one of the two
//! sees the other:
//!
//! ```text
//! waiter                          waker
//! enter the bucket                word := new      (user mode)
//! full barrier                    full barrier
//! word == expected?               somebody in the bucket?
//!   no: leave, EAGAIN               yes: mark woken, wake
//!   yes: sleep until marked
//! ```
//!
//! Unlike Linux the word is read without the bucket's lock, so that the read
//! may fault in a page and sleep. A waiter that was marked before it gave up
//! counts as woken: no wake-up is lost to one that did not wait.
//!
//! Read next: `futex/table.rs` (the buckets), `futex/robust.rs`, `futex/pi.rs`
//! (locks with an owner), `futex/any.rs` (several words).
//!
//! The wait freezes in place and its deadline is absolute, on the monotonic
//! clock or the wall clock (SPECIFICATION.md X2, Y7).

use core::sync::atomic::Ordering::{Acquire, SeqCst};
use core::sync::atomic::fence;

use kernel_abi::Errno;
use kernel_core::futex::WakeOperation;

use super::current;
use kernel_machine::mm::user;
use kernel_task::{Deadline, WaitError};

pub mod any;
pub mod pi;
pub mod pi_requeue;
mod robust;
mod table;
mod waiter;

pub(super) use robust::release_robust_list;
pub(super) use table::{init, wake_one_at};
pub(crate) use waiter::{Contended, End};
pub use waiter::{Scope, Waiter};

use table::{
    checked_key, enter, is_bound_for_lock, leave, move_waiters, wake_key,
};
use waiter::Place;

/// Waits until a waker with a bit of `bits` wakes the word at `address`, if
/// it holds `expected`.
///
/// # Errors
/// `EAGAIN` if it holds something else; `ETIMEDOUT` after `deadline`;
/// `EFAULT`, `EINVAL` for a bad address; `ERESTARTNOHAND`,
/// `ERESTARTSYS` for a signal.
pub fn wait(
    address: usize,
    scope: Scope,
    expected: u32,
    bits: u32,
    deadline: Option<Deadline>,
) -> Result<(), Errno> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let thread = current();
    let key = checked_key(&thread.space()?, address, scope)?;
    let waiter = &thread.futex;
    enter(waiter, Place { key, bits, target: None });
    fence(SeqCst);
    match user::load_word(address) {
        Ok(value) if value == expected => {}
        other => {
            let is_woken = !leave(waiter);
            return match other {
                _ if is_woken => Ok(()),
                Ok(_) => Err(Errno::EAGAIN),
                Err(error) => Err(error),
            };
        }
    }
    sleep(waiter, deadline)
}

fn sleep(waiter: &Waiter, deadline: Option<Deadline>) -> Result<(), Errno> {
    let result = waiter.queue.wait_until_deadline(
        "futex_wait_queue_me",
        deadline,
        || waiter.is_woken.load(Acquire).then_some(()),
    );
    let Err(error) = result else { return Ok(()) };
    if !leave(waiter) {
        return Ok(());
    }
    Err(match error {
        WaitError::TimedOut => Errno::ETIMEDOUT,
        WaitError::Interrupted => Errno::ERESTARTSYS,
    })
}

/// Wakes up to `count` waiters of the word that have a bit of `bits`. How
/// many.
///
/// # Errors
/// `EINVAL` for an unaligned address or no bits, and if who waits is to be
/// moved to a lock; `EFAULT`.
pub fn wake(
    address: usize,
    scope: Scope,
    count: usize,
    bits: u32,
) -> Result<usize, Errno> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let key = checked_key(&current().space()?, address, scope)?;
    match wake_key(key, count, bits) {
        0 if is_bound_for_lock(key) => Err(Errno::EINVAL),
        woken => Ok(woken),
    }
}

/// Changes the second word, wakes up to `count` waiters of the first, and up
/// to `more` of the second if its old value was as `operation` asks. How many
/// of both.
///
/// # Errors
/// `EFAULT`, `EINVAL` for a bad address.
pub fn wake_and_change(
    [first, second]: [usize; 2],
    scope: Scope,
    [count, more]: [usize; 2],
    operation: WakeOperation,
) -> Result<usize, Errno> {
    let space = current().space()?;
    let first = checked_key(&space, first, scope)?;
    let second_key = checked_key(&space, second, scope)?;
    let mut old = user::load_word(second)?;
    loop {
        let new = operation.apply(old);
        match user::compare_exchange_word(second, old, new)? {
            found if found == old => break,
            found => old = found,
        }
    }
    let woken = wake_key(first, count, u32::MAX);
    match operation.holds(old) {
        true => Ok(woken + wake_key(second_key, more, u32::MAX)),
        false => Ok(woken),
    }
}

/// Wakes up to `wake` waiters of one word and moves up to `moved` others to
/// another. How many of both. With `expected`, only if the word holds it.
///
/// The others move first: one that is woken may find the second word's mutex
/// free, take it, give it up and wake the next, who must stand there by then.
///
/// # Errors
/// `EAGAIN` if it holds something else; as [`wake`].
pub fn requeue(
    [from, to]: [usize; 2],
    scope: Scope,
    [wake, moved]: [usize; 2],
    expected: Option<u32>,
) -> Result<usize, Errno> {
    let space = current().space()?;
    let from_key = checked_key(&space, from, scope)?;
    let to_key = checked_key(&space, to, scope)?;
    if let Some(expected) = expected
        && user::load_word(from)? != expected
    {
        return Err(Errno::EAGAIN);
    }
    if is_bound_for_lock(from_key) {
        return Err(Errno::EINVAL);
    }
    let moved = move_waiters(from_key, to_key, wake, moved);
    let woken = wake_key(from_key, wake, u32::MAX);
    // Those that were to be woken may have given up: then others are.
    wake_key(to_key, moved.min(wake - woken), u32::MAX);
    Ok(woken + moved)
}
