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
//! The wait freezes in place and its deadline is absolute (freezer-spec X2).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicBool, fence};

use kernel_abi::Errno;
use kernel_core::futex::WakeOperation;

use super::current;
use kernel_machine::arch;
use kernel_machine::mm::{AddressSpace, user};
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{WaitError, WaitQueue};

mod robust;

pub use robust::release_robust_list;

/// What a futex is: an address in one memory, or a place in shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Which memory, or which shared object.
    object: usize,
    /// Address, or offset in the object.
    offset: usize,
}

/// Whether other processes may share the word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Only threads of one memory (`FUTEX_PRIVATE_FLAG`).
    Private,
    /// Whoever maps the same memory.
    Shared,
}

/// One thread's place in a queue; every thread has its own.
pub struct Waiter {
    state: SpinLock<Place>,
    is_woken: AtomicBool,
    queue: WaitQueue,
}

#[derive(Clone, Copy)]
struct Place {
    key: Key,
    /// Wakers with a common bit wake it.
    bits: u32,
}

impl Waiter {
    /// For a new thread.
    pub fn new() -> Arc<Self> {
        let key = Key { object: 0, offset: 0 };
        let place = Place { key, bits: 0 };
        Arc::new(Self {
            state: SpinLock::with_rank(Rank::Freezer, place),
            is_woken: AtomicBool::new(false),
            queue: WaitQueue::new(),
        })
    }

    fn place(&self) -> Place {
        *self.state.lock()
    }
}

const BUCKETS: usize = 256;
/// Waiters that each bucket has room for from the start, so that waiting
/// hardly ever needs memory.
const ROOM: usize = 4;

type Bucket = SpinLock<Vec<Arc<Waiter>>>;

/// Waiters by key, in the order they came.
static TABLE: [Bucket; BUCKETS] =
    [const { SpinLock::with_rank(Rank::Object, Vec::new()) }; BUCKETS];

/// Makes room for waiters.
pub(super) fn init() {
    TABLE.iter().for_each(|bucket| bucket.lock().reserve(ROOM));
}

fn index(key: Key) -> usize {
    let mixed = (key.offset >> 2) ^ (key.object >> 6).wrapping_mul(31);
    (mixed ^ mixed >> 8) % BUCKETS
}

fn key_of(
    space: &Arc<AddressSpace>,
    address: usize,
    scope: Scope,
) -> Result<Key, Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    let private = Key { object: Arc::as_ptr(space).addr(), offset: address };
    if scope == Scope::Private {
        return Ok(private);
    }
    let shared = space.shared_location(address);
    Ok(shared.map_or(private, |(object, offset)| Key { object, offset }))
}

/// Waits until a waker with a bit of `bits` wakes the word at `address`, if
/// it holds `expected`.
///
/// # Errors
/// `EAGAIN` if it holds something else; `ETIMEDOUT` after `deadline_ns`;
/// `EFAULT`, `EINVAL` for a bad address; `ERESTARTNOHAND`,
/// `ERESTARTSYS` for a signal.
pub fn wait(
    address: usize,
    scope: Scope,
    expected: u32,
    bits: u32,
    deadline_ns: Option<u64>,
) -> Result<(), Errno> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let thread = current();
    let key = key_of(&thread.space()?, address, scope)?;
    let waiter = &thread.futex;
    enter(waiter, Place { key, bits });
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
    sleep(waiter, deadline_ns)
}

fn sleep(waiter: &Waiter, deadline_ns: Option<u64>) -> Result<(), Errno> {
    let result = waiter.queue.wait_until_deadline(
        "futex_wait_queue_me",
        deadline_ns,
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

fn enter(waiter: &Arc<Waiter>, place: Place) {
    waiter.is_woken.store(false, Relaxed);
    *waiter.state.lock() = place;
    TABLE[index(place.key)].lock().push(waiter.clone());
}

/// Takes the waiter out of its bucket. False if a waker has done so.
fn leave(waiter: &Waiter) -> bool {
    loop {
        let key = waiter.place().key;
        let mut bucket = TABLE[index(key)].lock();
        if waiter.is_woken.load(Acquire) {
            return false;
        }
        let is_it =
            |other: &Arc<Waiter>| core::ptr::eq(Arc::as_ptr(other), waiter);
        if let Some(at) = bucket.iter().position(is_it) {
            bucket.remove(at);
            return true;
        }
        // It is on its way to another word's bucket: look there.
        drop(bucket);
        arch::cpu::relax();
    }
}

/// Wakes up to `count` waiters of the word that have a bit of `bits`. How
/// many.
///
/// # Errors
/// `EINVAL` for an unaligned address or no bits.
pub fn wake(
    address: usize,
    scope: Scope,
    count: usize,
    bits: u32,
) -> Result<usize, Errno> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    let key = key_of(&current().space()?, address, scope)?;
    Ok(wake_key(key, count, bits))
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
    let first = key_of(&space, first, scope)?;
    let second_key = key_of(&space, second, scope)?;
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

fn wake_key(key: Key, count: usize, bits: u32) -> usize {
    fence(SeqCst);
    let mut woken = 0;
    let mut bucket = TABLE[index(key)].lock();
    let mut at = 0;
    while woken < count && at < bucket.len() {
        let place = bucket[at].place();
        if place.key == key && place.bits & bits != 0 {
            let waiter = bucket.remove(at);
            waiter.is_woken.store(true, Release);
            waiter.queue.wake_all();
            woken += 1;
        } else {
            at += 1;
        }
    }
    woken
}

/// Wakes one waiter of a word that the kernel has just cleared.
pub fn wake_one_at(space: &Arc<AddressSpace>, address: usize) {
    for scope in [Scope::Private, Scope::Shared] {
        if let Ok(key) = key_of(space, address, scope)
            && wake_key(key, 1, u32::MAX) != 0
        {
            return;
        }
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
    let from_key = key_of(&space, from, scope)?;
    let to_key = key_of(&space, to, scope)?;
    if let Some(expected) = expected
        && user::load_word(from)? != expected
    {
        return Err(Errno::EAGAIN);
    }
    let moved = move_waiters(from_key, to_key, wake, moved);
    let woken = wake_key(from_key, wake, u32::MAX);
    // Those that were to be woken may have given up: then others are.
    wake_key(to_key, moved.min(wake - woken), u32::MAX);
    Ok(woken + moved)
}

/// Moves waiters of `from` but for the first `kept`; no more than stand there
/// now: some may come back meanwhile, and those of a word that is moved to
/// itself do not even go.
fn move_waiters(from: Key, to: Key, kept: usize, count: usize) -> usize {
    let bucket = TABLE[index(from)].lock();
    let there = bucket.iter().filter(|it| it.place().key == from).count();
    drop(bucket);
    let most = count.min(there.saturating_sub(kept));
    if from == to {
        return most;
    }
    let mut moved = 0;
    while moved < most && move_one(from, to, kept) {
        moved += 1;
    }
    moved
}

/// Moves the first waiter of `from` after those `kept`. One lock at a time:
/// for a moment the waiter stands in neither bucket, and if it gives up then,
/// it looks again until it finds itself ([`leave`]).
fn move_one(from: Key, to: Key, kept: usize) -> bool {
    let mut bucket = TABLE[index(from)].lock();
    let waiters = bucket.iter().enumerate();
    let mut waiters = waiters.filter(|(_, it)| it.place().key == from);
    let Some((at, _)) = waiters.nth(kept) else { return false };
    if index(from) == index(to) {
        bucket[at].state.lock().key = to;
        return true;
    }
    let waiter = bucket.remove(at);
    drop(bucket);
    let mut target = TABLE[index(to)].lock();
    waiter.state.lock().key = to;
    target.push(waiter);
    true
}
