//! Advisory locks: `flock(2)` and `fcntl(2)`'s record locks.
//!
//! Both are entries in one list by inode, and differ by owner: an open file
//! for `flock` and `F_OFD_*`, a table of descriptors for `F_SETLK`. Owners
//! are told apart by their address; each gives its locks back before it ends,
//! so no address means two.
//!
//! A wait for a lock freezes in place.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use kernel_abi::Errno;

use super::file::{Blocking, interrupted};
use super::inode::InodeId;
use super::room::has_room;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

/// Who holds a lock, and of which of the two kinds it is: they do not see
/// each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// `flock`: an open file.
    Whole(usize),
    /// Record locks of a table of descriptors, or of an open file.
    Record(usize),
}

impl Owner {
    fn sees(self, other: Owner) -> bool {
        matches!(
            (self, other),
            (Owner::Whole(_), Owner::Whole(_))
                | (Owner::Record(_), Owner::Record(_))
        )
    }
}

/// What a lock allows others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LockKind {
    /// They may lock it shared, too.
    Shared,
    /// They may not lock it.
    Exclusive,
}

/// A lock on a part of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// Who holds it.
    pub owner: Owner,
    /// See [`LockKind`].
    pub kind: LockKind,
    /// Its bytes; the end of a lock to the end of the file is `u64::MAX`.
    pub range: Range<u64>,
    /// The process that is told to those who ask; 0 for nobody's.
    pub process: u32,
}

/// More locks than this are refused.
const MOST: usize = 4096;

static LOCKS: SpinLock<BTreeMap<InodeId, Vec<Lock>>> =
    SpinLock::with_rank(Rank::Object, BTreeMap::new());
/// Number of locks: most of the time there is none.
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// Where those wait who want a lock that somebody else has.
static RELEASED: WaitQueue = WaitQueue::new();

fn conflicts(one: &Lock, other: &Lock) -> bool {
    one.owner.sees(other.owner)
        && one.owner != other.owner
        && (one.kind == LockKind::Exclusive
            || other.kind == LockKind::Exclusive)
        && one.range.start < other.range.end
        && other.range.start < one.range.end
}

/// The lock that keeps `wanted` from being taken.
pub fn find_conflict(inode: InodeId, wanted: &Lock) -> Option<Lock> {
    let locks = LOCKS.lock();
    locks.get(&inode)?.iter().find(|it| conflicts(it, wanted)).cloned()
}

/// Takes a lock; where the owner has one already, it changes.
///
/// # Errors
/// `EAGAIN` if another owner's is in the way, and with [`Blocking::Sleep`]
/// `ERESTARTSYS` by a signal; `ENOLCK` if there are too many.
pub fn take(
    inode: InodeId,
    wanted: &Lock,
    blocking: Blocking,
) -> Result<(), Errno> {
    if COUNT.load(Relaxed) >= MOST || !has_room() {
        return Err(Errno::ENOLCK);
    }
    let attempt = || try_take(inode, wanted);
    match (attempt(), blocking) {
        (Some(()), _) => Ok(()),
        (None, Blocking::Fail) => Err(Errno::EAGAIN),
        (None, Blocking::Sleep) => {
            RELEASED.wait_until("locks_lock", attempt).map_err(interrupted)
        }
    }
}

fn try_take(inode: InodeId, wanted: &Lock) -> Option<()> {
    let mut all = LOCKS.lock();
    let locks = all.entry(inode).or_default();
    if locks.iter().any(|it| conflicts(it, wanted)) {
        return None;
    }
    let before = locks.len();
    cut(locks, wanted.owner, &wanted.range);
    locks.push(wanted.clone());
    recount(before, locks.len());
    Some(())
}

/// Gives back what `owner` has of `range`.
pub fn release(inode: InodeId, owner: Owner, range: &Range<u64>) {
    if COUNT.load(Acquire) == 0 {
        return;
    }
    let mut all = LOCKS.lock();
    let Some(locks) = all.get_mut(&inode) else { return };
    let before = locks.len();
    cut(locks, owner, range);
    recount(before, locks.len());
    if locks.is_empty() {
        all.remove(&inode);
    }
    drop(all);
    RELEASED.wake_all();
}

/// Gives back all that `owner` has.
pub fn release_all(inode: InodeId, owner: Owner) {
    release(inode, owner, &(0..u64::MAX));
}

fn recount(before: usize, after: usize) {
    COUNT.fetch_add(after.wrapping_sub(before), Relaxed);
}

/// Takes `range` out of the owner's locks, of which up to two pieces remain.
fn cut(locks: &mut Vec<Lock>, owner: Owner, range: &Range<u64>) {
    let mut pieces = Vec::new();
    locks.retain(|lock| {
        let is_hit = lock.owner == owner
            && lock.range.start < range.end
            && range.start < lock.range.end;
        if is_hit {
            for part in [
                lock.range.start..range.start.max(lock.range.start),
                range.end.min(lock.range.end)..lock.range.end,
            ] {
                if !part.is_empty() {
                    pieces.push(Lock { range: part, ..lock.clone() });
                }
            }
        }
        !is_hit
    });
    locks.append(&mut pieces);
}
