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
//!
//! A lock may be cut into two by giving back its middle: that makes one more,
//! and is refused where its user may have no more (`lock/count.rs`).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use kernel_abi::Errno;

use super::file::{Blocking, interrupted};
use super::inode::InodeId;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

mod count;

use count::{Allowance, Counts};

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
    /// The user for whom it counts.
    pub user: u32,
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

/// How many waiters are looked at, one behind the other (as on Linux).
const DEADLOCK_DEPTH: usize = 10;

struct Locks {
    /// By file, in the order of their starts.
    held: BTreeMap<InodeId, Vec<Lock>>,
    /// Those that somebody waits for who may be part of a deadlock.
    awaited: Vec<(InodeId, Lock)>,
    /// Those held, by user.
    counts: Counts,
}

static LOCKS: SpinLock<Locks> = SpinLock::with_rank(
    Rank::Object,
    Locks { held: BTreeMap::new(), awaited: Vec::new(), counts: Counts::new() },
);
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
    let allowance = Allowance::current();
    let attempt = || try_take(&mut LOCKS.lock(), inode, wanted, &allowance);
    match (attempt(), blocking) {
        (Some(taken), _) => taken,
        (None, Blocking::Fail) => Err(Errno::EAGAIN),
        (None, Blocking::Sleep) => wait(inode, wanted, &allowance),
    }
}

/// Waits for a lock. Each time it is looked for anew, so is a circle: whoever
/// is in the way may be another one by then. Of a circle one is refused, who is
/// no part of it from that moment on.
fn wait(
    inode: InodeId,
    wanted: &Lock,
    allowance: &Allowance,
) -> Result<(), Errno> {
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
        if let Some(taken) = try_take(&mut locks, inode, wanted, allowance) {
            return Some(taken);
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

/// `None` if another owner's lock is in the way.
fn try_take(
    all: &mut Locks,
    inode: InodeId,
    wanted: &Lock,
    allowance: &Allowance,
) -> Option<Result<(), Errno>> {
    if all.conflict(inode, wanted).is_some() {
        return None;
    }
    let Locks { held, counts, .. } = all;
    let known = held.get(&inode).map_or(&[][..], Vec::as_slice);
    let more =
        1 + growth(known, wanted.owner, Some(wanted.kind), &wanted.range);
    let more = usize::try_from(more).unwrap_or(0);
    if !counts.have_room(allowance, wanted.user, more) {
        return Some(Err(Errno::ENOLCK));
    }
    let locks = held.entry(inode).or_default();
    if locks.try_reserve(PIECES).is_err() {
        if locks.is_empty() {
            held.remove(&inode);
        }
        return Some(Err(Errno::ENOLCK));
    }
    cut(locks, counts, wanted.owner, &wanted.range);
    add(locks, counts, wanted.clone());
    Some(Ok(()))
}

/// A cut leaves two pieces at most, beside what is put between them.
const PIECES: usize = 3;

/// What of a lock lies before and after `range`.
fn pieces(lock: &Lock, range: &Range<u64>) -> [Range<u64>; 2] {
    [
        lock.range.start..range.start.max(lock.range.start),
        range.end.min(lock.range.end)..lock.range.end,
    ]
}

fn is_hit(lock: &Lock, owner: Owner, range: &Range<u64>) -> bool {
    lock.owner == owner
        && lock.range.start < range.end
        && range.start < lock.range.end
}

/// How many locks there are more, or fewer, once `range` is taken out of the
/// owner's; what is left joins a lock of the kind `joins` that takes its place.
fn growth(
    locks: &[Lock],
    owner: Owner,
    joins: Option<LockKind>,
    range: &Range<u64>,
) -> isize {
    let hit = locks.iter().filter(|lock| is_hit(lock, owner, range));
    hit.map(|lock| {
        let left =
            pieces(lock, range).iter().filter(|it| !it.is_empty()).count();
        if joins == Some(lock.kind) { -1 } else { left as isize - 1 }
    })
    .sum()
}

/// Puts a lock in its place, joined with what the owner has beside it.
fn add(locks: &mut Vec<Lock>, counts: &mut Counts, mut lock: Lock) {
    locks.retain(|it| {
        let joins = it.touches(&lock);
        if joins {
            counts.remove(it.user);
            lock.range.start = lock.range.start.min(it.range.start);
            lock.range.end = lock.range.end.max(it.range.end);
        }
        !joins
    });
    let place = locks.partition_point(|it| it.range.start < lock.range.start);
    counts.add(lock.user);
    locks.insert(place, lock);
}

/// Gives back what `owner` has of `range`.
///
/// # Errors
/// `ENOLCK` if that would make two of one, and that is one too many.
pub fn release(
    inode: InodeId,
    owner: Owner,
    range: &Range<u64>,
) -> Result<(), Errno> {
    if !count::any() {
        return Ok(());
    }
    give_back(inode, owner, range, Some(&Allowance::current()))
}

/// As [`release`]; without an allowance nothing may become two.
fn give_back(
    inode: InodeId,
    owner: Owner,
    range: &Range<u64>,
    allowance: Option<&Allowance>,
) -> Result<(), Errno> {
    let mut all = LOCKS.lock();
    let Locks { held, counts, .. } = &mut *all;
    let Some(locks) = held.get_mut(&inode) else { return Ok(()) };
    let mut hit = locks.iter().filter(|lock| is_hit(lock, owner, range));
    let Some(first) = hit.next() else { return Ok(()) };
    if growth(locks, owner, None, range) > 0 {
        let user = first.user;
        let may = allowance.is_some_and(|it| counts.have_room(it, user, 1));
        if !may || locks.try_reserve(PIECES).is_err() {
            return Err(Errno::ENOLCK);
        }
    }
    cut(locks, counts, owner, range);
    if locks.is_empty() {
        held.remove(&inode);
    }
    drop(all);
    RELEASED.wake_all();
    Ok(())
}

/// Gives back all that `owner` has.
pub fn release_all(inode: InodeId, owner: Owner) {
    if count::any() {
        // Nothing is left of what lies within.
        let _ = give_back(inode, owner, &(0..u64::MAX), None);
    }
}

/// Takes `range` out of the owner's locks, of which up to two pieces remain.
fn cut(
    locks: &mut Vec<Lock>,
    counts: &mut Counts,
    owner: Owner,
    range: &Range<u64>,
) {
    let mut left = Vec::new();
    locks.retain(|lock| {
        let is_hit = is_hit(lock, owner, range);
        if is_hit {
            counts.remove(lock.user);
            for part in pieces(lock, range) {
                if !part.is_empty() {
                    left.push(Lock { range: part, ..lock.clone() });
                }
            }
        }
        !is_hit
    });
    left.into_iter().for_each(|piece| add(locks, counts, piece));
}
