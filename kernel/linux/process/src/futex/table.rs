//! All waiters, in buckets by the key of their word.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use core::sync::atomic::fence;

use kernel_abi::Errno;

use super::waiter::{Key, Place, Scope, Waiter};
use kernel_machine::arch;
use kernel_machine::mm::AddressSpace;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_machine::sync::{Rank, SpinLock};

const BUCKETS: usize = 256;
/// Waiters that each bucket has room for from the start, so that waiting
/// hardly ever needs memory.
const ROOM: usize = 4;

type Bucket = SpinLock<Vec<Arc<Waiter>>>;

/// Waiters by key, in the order they came.
static TABLE: [Bucket; BUCKETS] =
    [const { SpinLock::with_rank(Rank::Object, Vec::new()) }; BUCKETS];

/// Makes room for waiters.
pub(crate) fn init() {
    TABLE.iter().for_each(|bucket| bucket.lock().reserve(ROOM));
}

fn index(key: Key) -> usize {
    let mixed = (key.offset >> 2) ^ (key.object >> 6).wrapping_mul(31);
    (mixed ^ mixed >> 8) % BUCKETS
}

#[inline(always)]
pub(super) fn key_of(
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

/// As [`key_of`] for the current program, of a word that it can read.
///
/// # Errors
/// `EINVAL` for an unaligned address, `EFAULT`.
pub(super) fn checked_key(
    space: &Arc<AddressSpace>,
    address: usize,
    scope: Scope,
) -> Result<Key, Errno> {
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL);
    }
    match scope {
        Scope::Private => UserSlice::new(address, 4).map(drop)?,
        // What is shared is known by what is there.
        Scope::Shared => drop(user::load_word(address)?),
    }
    key_of(space, address, scope)
}

#[inline(always)]
pub(super) fn enter(waiter: &Arc<Waiter>, place: Place) {
    waiter.is_woken.store(false, Relaxed);
    *waiter.state.lock() = place;
    TABLE[index(place.key)].lock().push(waiter.clone());
}

/// Takes the waiter out of its bucket. False if a waker has done so.
pub(super) fn leave(waiter: &Waiter) -> bool {
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

/// The first waiter of `key`, which stays in its bucket.
pub(super) fn first(key: Key) -> Option<(Arc<Waiter>, Place)> {
    let bucket = TABLE[index(key)].lock();
    let mut places = bucket.iter().map(|it| (it, it.place()));
    let (waiter, place) = places.find(|(_, place)| place.key == key)?;
    Some((waiter.clone(), place))
}

/// Waiters that are to be moved to a lock, not woken.
pub(super) static BOUND_FOR_LOCKS: AtomicU32 = AtomicU32::new(0);

/// Whether one who waits for `key` is to be moved to a lock, not woken.
pub(super) fn is_bound_for_lock(key: Key) -> bool {
    if BOUND_FOR_LOCKS.load(Relaxed) == 0 {
        return false;
    }
    let bucket = TABLE[index(key)].lock();
    let places = bucket.iter().map(|it| it.place());
    places.filter(|it| it.key == key).any(|it| it.target.is_some())
}

pub(super) fn wake_key(key: Key, count: usize, bits: u32) -> usize {
    fence(SeqCst);
    let mut woken = 0;
    let mut bucket = TABLE[index(key)].lock();
    let mut at = 0;
    while woken < count && at < bucket.len() {
        let place = bucket[at].place();
        let is_meant = place.key == key && place.bits & bits != 0;
        if is_meant && place.target.is_none() {
            let waiter = bucket.remove(at);
            waiter.wake();
            woken += 1;
        } else {
            at += 1;
        }
    }
    woken
}

/// Wakes one waiter of a word that the kernel has just cleared.
pub(crate) fn wake_one_at(space: &Arc<AddressSpace>, address: usize) {
    for scope in [Scope::Private, Scope::Shared] {
        if let Ok(key) = key_of(space, address, scope)
            && wake_key(key, 1, u32::MAX) != 0
        {
            return;
        }
    }
}

/// Moves waiters of `from` but for the first `kept`; no more than stand there
/// now: some may come back meanwhile, and those of a word that is moved to
/// itself do not even go.
pub(super) fn move_waiters(
    from: Key,
    to: Key,
    kept: usize,
    count: usize,
) -> usize {
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
