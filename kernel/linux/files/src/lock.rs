//! Advisory locks: `flock(2)` and `fcntl(2)`'s record locks.
//!
//! Both are entries in one list by inode, and differ by owner: an open file
//! for `flock` and `F_OFD_*`, a table of descriptors for `F_SETLK`. Owners
//! are told apart by their address; each gives its locks back before it ends,
//! so no address means two.
//!
//! A wait for a lock freezes in place. Whoever is about to wait by `F_SETLKW`
//! looks, each time before it sleeps, whether those who have what it wants wait
//! for it in turn, one behind the other. The last to sleep of such a circle
//! sees all others, who have said before what they wait for.

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

impl Lock {
    /// Where it ends, or another begins that says the same of the rest.
    fn touches(&self, other: &Lock) -> bool {
        self.owner == other.owner
            && self.kind == other.kind
            && self.range.start <= other.range.end
            && other.range.start <= self.range.end
    }
}

/// More locks than this are refused.
const MOST: usize = 4096;
/// How many waiters are looked at, one behind the other (as on Linux).
const DEADLOCK_DEPTH: usize = 10;

struct Locks {
    /// By file, in the order of their starts.
    held: BTreeMap<InodeId, Vec<Lock>>,
    /// Those that somebody waits for who may be part of a deadlock.
    awaited: Vec<(InodeId, Lock)>,
}

static LOCKS: SpinLock<Locks> = SpinLock::with_rank(
    Rank::Object,
    Locks { held: BTreeMap::new(), awaited: Vec::new() },
);
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

impl Locks {
    /// The first lock that keeps `wanted` from being taken.
    fn conflict(&self, inode: InodeId, wanted: &Lock) -> Option<&Lock> {
        self.held.get(&inode)?.iter().find(|it| conflicts(it, wanted))
    }

    /// Takes one of those away that somebody waits for.
    fn no_longer_awaits(&mut self, inode: InodeId, wanted: &Lock) {
        let mine = |it: &(InodeId, Lock)| it.0 == inode && it.1 == *wanted;
        if let Some(place) = self.awaited.iter().position(mine) {
            self.awaited.swap_remove(place);
        }
    }

    /// True if whoever has what `wanted` asks for waits, over others or at
    /// once, for its owner. Locks of open files are nobody's in particular,
    /// so that nothing can be said of them.
    fn is_deadlock(&self, inode: InodeId, wanted: &Lock) -> bool {
        let (mut inode, mut lock) = (inode, wanted);
        for _ in 0..DEADLOCK_DEPTH {
            let Some(holder) = self.conflict(inode, lock) else { return false };
            if holder.process == 0 {
                return false;
            }
            if holder.owner == wanted.owner {
                return true;
            }
            let mut awaited = self.awaited.iter();
            let next = awaited.find(|(_, it)| it.owner == holder.owner);
            let Some((file, next)) = next else { return false };
            (inode, lock) = (*file, next);
        }
        false
    }
}

/// The first lock that keeps `wanted` from being taken.
pub fn find_conflict(inode: InodeId, wanted: &Lock) -> Option<Lock> {
    LOCKS.lock().conflict(inode, wanted).cloned()
}

/// Takes a lock; where the owner has one already, it changes.
///
/// # Errors
/// `EAGAIN` if another owner's is in the way, and with [`Blocking::Sleep`]
/// `ERESTARTSYS` by a signal, `EDEADLK` if that other one waits for this;
/// `ENOLCK` if there are too many.
pub fn take(
    inode: InodeId,
    wanted: &Lock,
    blocking: Blocking,
) -> Result<(), Errno> {
    if COUNT.load(Relaxed) >= MOST || !has_room() {
        return Err(Errno::ENOLCK);
    }
    let attempt = || try_take(&mut LOCKS.lock(), inode, wanted);
    match (attempt(), blocking) {
        (Some(()), _) => Ok(()),
        (None, Blocking::Fail) => Err(Errno::EAGAIN),
        (None, Blocking::Sleep) => wait(inode, wanted),
    }
}

/// Waits for a lock. Each time it is looked for anew, so is a circle: whoever
/// is in the way may be another one by then. Of a circle one is refused, who is
/// no part of it from that moment on.
fn wait(inode: InodeId, wanted: &Lock) -> Result<(), Errno> {
    let is_record = matches!(wanted.owner, Owner::Record(_));
    let may_circle = is_record && wanted.process != 0;
    if may_circle {
        let mut locks = LOCKS.lock();
        if locks.is_deadlock(inode, wanted) {
            return Err(Errno::EDEADLK);
        }
        locks.awaited.push((inode, wanted.clone()));
    }
    let attempt = || {
        let mut locks = LOCKS.lock();
        if try_take(&mut locks, inode, wanted).is_some() {
            return Some(Ok(()));
        }
        if may_circle && locks.is_deadlock(inode, wanted) {
            locks.no_longer_awaits(inode, wanted);
            return Some(Err(Errno::EDEADLK));
        }
        None
    };
    let waited = RELEASED.wait_until("locks_lock", attempt);
    if may_circle && waited != Ok(Err(Errno::EDEADLK)) {
        LOCKS.lock().no_longer_awaits(inode, wanted);
    }
    waited.map_err(interrupted)?
}

fn try_take(all: &mut Locks, inode: InodeId, wanted: &Lock) -> Option<()> {
    if all.conflict(inode, wanted).is_some() {
        return None;
    }
    let locks = all.held.entry(inode).or_default();
    let before = locks.len();
    cut(locks, wanted.owner, &wanted.range);
    add(locks, wanted.clone());
    recount(before, locks.len());
    Some(())
}

/// Puts a lock in its place, joined with what the owner has beside it.
fn add(locks: &mut Vec<Lock>, mut lock: Lock) {
    locks.retain(|it| {
        let joins = it.touches(&lock);
        if joins {
            lock.range.start = lock.range.start.min(it.range.start);
            lock.range.end = lock.range.end.max(it.range.end);
        }
        !joins
    });
    let place = locks.partition_point(|it| it.range.start < lock.range.start);
    locks.insert(place, lock);
}

/// Gives back what `owner` has of `range`.
pub fn release(inode: InodeId, owner: Owner, range: &Range<u64>) {
    if COUNT.load(Acquire) == 0 {
        return;
    }
    let mut all = LOCKS.lock();
    let Some(locks) = all.held.get_mut(&inode) else { return };
    let before = locks.len();
    cut(locks, owner, range);
    recount(before, locks.len());
    if locks.is_empty() {
        all.held.remove(&inode);
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
    pieces.into_iter().for_each(|piece| add(locks, piece));
}
