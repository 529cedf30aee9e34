//! `inotify(7)`: being told of changes to files.
//!
//! A watch names an inode, so whatever changes it calls [`notify`] with its
//! number, and with that of its directory. While nobody watches anything,
//! that is one load. Events of names in a directory carry the name.
//!
//! Nothing here sleeps: the last task of a freezing group tells those who
//! watch it on its way to sleep. Next: `inotify/file.rs`, which is read.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicI32, AtomicU32, fence};

use kernel_abi::Errno;
use kernel_core::inotify::{
    ALL_EVENTS, DELETE_SELF, EXCLUDE_UNLINKED, IGNORED, IS_DIRECTORY, MASK_ADD,
    MASK_CREATE, ONE_SHOT, Queue,
};

use super::inode::{FileType, Inode, InodeId};
use super::location::{Location, name_in};
use super::room::has_room;
use super::user_quota::{Account, Kind};
use kernel_machine::mm::heap;
use kernel_machine::sync::{Rank, SpinLock, copy_out};
use kernel_task::WaitQueue;

mod file;

/// One watch.
struct Watch {
    inode: InodeId,
    owner: Weak<Inotify>,
    descriptor: i32,
    mask: u32,
}

/// All watches.
static WATCHES: SpinLock<Vec<Watch>> =
    SpinLock::with_rank(Rank::Freezer, Vec::new());

/// Their number, for a look without the lock.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// An open inotify: its watches' events.
pub struct Inotify {
    this: Weak<Inotify>,
    queue: SpinLock<Queue>,
    readers: Arc<WaitQueue>,
    next: AtomicI32,
    /// Its watches. Written under the lock of all.
    watches: AtomicU32,
    /// Whose it is, and its watches are.
    account: Account,
}

impl Inotify {
    /// One that watches nothing.
    ///
    /// # Errors
    /// `EMFILE` if the user has too many.
    pub fn new() -> Result<Arc<Self>, Errno> {
        let account = Account::current();
        if !account.take(Kind::InotifyInstances) {
            return Err(Errno::EMFILE);
        }
        Ok(Arc::new_cyclic(|this| Self {
            this: this.clone(),
            queue: SpinLock::with_rank(Rank::Freezer, Queue::new()),
            readers: Arc::new(WaitQueue::new()),
            next: AtomicI32::new(1),
            watches: AtomicU32::new(0),
            account,
        }))
    }

    /// Watches an inode, or changes what of it is watched; the watch's
    /// number.
    ///
    /// # Errors
    /// `EINVAL` if `mask` has no event; `EEXIST` if it must be new and is
    /// not; `ENOSPC` if the user has too many, or memory is short.
    pub fn watch(&self, inode: InodeId, mask: u32) -> Result<i32, Errno> {
        if mask & ALL_EVENTS == 0 {
            return Err(Errno::EINVAL);
        }
        let kept = mask & (ALL_EVENTS | ONE_SHOT | EXCLUDE_UNLINKED);
        let has_room = has_room();
        let mut watches = WATCHES.lock();
        let own = watches.iter_mut().find(|watch| {
            watch.inode == inode && Weak::ptr_eq(&watch.owner, &self.this)
        });
        if let Some(watch) = own {
            if mask & MASK_CREATE != 0 {
                return Err(Errno::EEXIST);
            }
            let old = if mask & MASK_ADD != 0 { watch.mask } else { 0 };
            watch.mask = old | kept;
            return Ok(watch.descriptor);
        }
        if !has_room || !self.account.take(Kind::InotifyWatches) {
            return Err(Errno::ENOSPC);
        }
        let descriptor = self.next.fetch_add(1, Relaxed);
        let owner = self.this.clone();
        watches.push(Watch { inode, owner, descriptor, mask: kept });
        self.watches.fetch_add(1, Relaxed);
        COUNT.store(watches.len() as u32, SeqCst);
        Ok(descriptor)
    }

    /// Ends a watch.
    ///
    /// # Errors
    /// `EINVAL` if there is none of this number.
    pub fn end_watch(&self, descriptor: i32) -> Result<(), Errno> {
        let ended = take(|watch| {
            watch.descriptor == descriptor
                && Weak::ptr_eq(&watch.owner, &self.this)
        });
        if ended.is_empty() {
            return Err(Errno::EINVAL);
        }
        self.push(descriptor, IGNORED, 0, b"");
        Ok(())
    }

    /// Its watches: numbers, inodes, events.
    fn watches(&self) -> Vec<(i32, InodeId, u32)> {
        copy_out(|found| {
            let watches = WATCHES.lock();
            let own = |watch: &&Watch| Weak::ptr_eq(&watch.owner, &self.this);
            let all = watches.iter().filter(own);
            let count = all.clone().count();
            if count <= found.capacity() {
                let told = |it: &Watch| (it.descriptor, it.inode, it.mask);
                found.extend(all.map(told));
            }
            count
        })
    }

    fn push(&self, descriptor: i32, mask: u32, cookie: u32, name: &[u8]) {
        let mut queue = self.queue.lock();
        match queue.growth(name).is_none_or(heap::has_room) {
            true => queue.push(descriptor, mask, cookie, name),
            false => queue.overflow(),
        }
        drop(queue);
        self.readers.wake_all();
    }
}

impl Drop for Inotify {
    fn drop(&mut self) {
        take(|watch| watch.owner.strong_count() == 0);
        // Whoever took some since the last reference went has not counted them.
        let watches = self.watches.load(Relaxed) as usize;
        self.account.give(Kind::InotifyWatches, watches);
        self.account.give(Kind::InotifyInstances, 1);
    }
}

/// Takes watches out of the list.
fn take(which: impl Fn(&Watch) -> bool) -> Vec<Watch> {
    let mut watches = WATCHES.lock();
    let taken: Vec<Watch> =
        watches.extract_if(.., |watch| which(watch)).collect();
    // They are dropped after the lock: one may be the last of its set.
    let owners: Vec<Arc<Inotify>> =
        taken.iter().filter_map(|watch| watch.owner.upgrade()).collect();
    for owner in &owners {
        owner.watches.fetch_sub(1, Relaxed);
        owner.account.give(Kind::InotifyWatches, 1);
    }
    COUNT.store(watches.len() as u32, SeqCst);
    drop(watches);
    drop(owners);
    taken
}

/// Whether anybody watches anything. What changed before is seen by whoever
/// watches after.
#[inline]
pub fn is_used() -> bool {
    COUNT.load(Relaxed) != 0
}

/// Something happened to `inode`; in a directory, to `name`.
pub fn notify(inode: InodeId, event: u32, name: &[u8]) {
    notify_move(inode, event, 0, name);
}

/// Does what [`notify`] does, with a number that both halves of a move share.
pub fn notify_move(inode: InodeId, event: u32, cookie: u32, name: &[u8]) {
    tell(inode, event, (cookie, name), 0);
}

/// Tells of an event all watches of an inode but those with a mask that
/// `excludes`.
fn tell(
    inode: InodeId,
    event: u32,
    (cookie, name): (u32, &[u8]),
    excludes: u32,
) {
    fence(SeqCst);
    if !is_used() {
        return;
    }
    let told: Vec<(Arc<Inotify>, i32, bool)> = {
        let watches = WATCHES.lock();
        let meant = watches.iter().filter(|watch| {
            watch.inode == inode
                && watch.mask & event & ALL_EVENTS != 0
                && watch.mask & excludes == 0
        });
        let found = meant.filter_map(|watch| {
            let ends = watch.mask & ONE_SHOT != 0;
            Some((watch.owner.upgrade()?, watch.descriptor, ends))
        });
        found.collect()
    };
    for (owner, descriptor, ends) in told {
        owner.push(descriptor, event, cookie, name);
        if ends {
            // Somebody else may have ended it already.
            let _ = owner.end_watch(descriptor);
        }
    }
}

/// An inode is gone: its watches end.
pub fn forget(inode: InodeId) {
    if !is_used() {
        return;
    }
    for watch in take(|watch| watch.inode == inode) {
        let Some(owner) = watch.owner.upgrade() else { continue };
        if watch.mask & DELETE_SELF != 0 {
            owner.push(watch.descriptor, DELETE_SELF, 0, b"");
        }
        owner.push(watch.descriptor, IGNORED, 0, b"");
    }
}

/// The event, marked if it is about a directory.
pub fn about(inode: &dyn Inode, event: u32) -> u32 {
    match inode.kind() {
        FileType::Directory => event | IS_DIRECTORY,
        _ => event,
    }
}

/// Something happened to what lies at `location`: tells who watches its
/// directory, then who watches it, as Linux does since 5.9.
#[cold]
pub fn notify_at(location: &Location, event: u32) {
    let inode = &location.inode;
    let event = about(&**inode, event);
    let parent = inode.parent();
    let has_name = parent.is_some() || inode.nameless().is_some();
    if let Some(parent) = parent {
        notify_directory(&*parent, inode.id(), event);
    }
    let excludes = if has_name { 0 } else { EXCLUDE_UNLINKED };
    tell(inode.id(), event, (0, b""), excludes);
}

/// Tells who watches a directory of an event of the inode `id` in it.
fn notify_directory(directory: &dyn Inode, id: InodeId, event: u32) {
    let watches = WATCHES.lock();
    let is_watched = watches.iter().any(|it| it.inode == directory.id());
    drop(watches);
    if is_watched && let Ok(name) = name_in(directory, id) {
        notify(directory.id(), event, &name);
    }
}
