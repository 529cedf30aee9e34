//! What the processes of one user may make the kernel keep together: sets of
//! `inotify`, their watches, files of `epoll` sets, pages of pipes (Linux:
//! `inotify(7)`, `epoll(7)`, `pipe(7)`).
//!
//! An [`Account`] counts for the user that opened it, whoever uses it. The
//! limits are the same for all, root too but for pipes; root may change them
//! in `/proc/sys/fs`.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use super::permission;
use kernel_machine::mm::{PAGE_SIZE, frame};
use kernel_machine::sync::{Rank, SpinLock};

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Kind {
    /// Open sets of `inotify`.
    InotifyInstances,
    /// What those watch.
    InotifyWatches,
    /// Files in sets of `epoll`.
    EpollWatches,
    /// Pages that pipes may hold. The limit is the soft one, and 0 for none
    /// (`pipe/capacity.rs`).
    PipePages,
}

const KINDS: usize = 4;

/// Most of each for a user.
static LIMITS: [AtomicUsize; KINDS] = [
    AtomicUsize::new(128),
    AtomicUsize::new(8192),
    AtomicUsize::new(32_768),
    AtomicUsize::new(16_384),
];

/// Users that have something of it.
static USERS: SpinLock<BTreeMap<u32, Weak<User>>> =
    SpinLock::with_rank(Rank::Object, BTreeMap::new());

#[derive(Debug)]
struct User {
    id: u32,
    counts: [AtomicUsize; KINDS],
}

impl User {
    fn current() -> Arc<Self> {
        let maker = permission::MAKER.get().and_then(|maker| maker());
        let id = maker.map_or(0, |who| who.user);
        let mut users = USERS.lock();
        if let Some(user) = users.get(&id).and_then(Weak::upgrade) {
            return user;
        }
        let counts = [const { AtomicUsize::new(0) }; KINDS];
        let user = Arc::new(Self { id, counts });
        users.insert(id, Arc::downgrade(&user));
        user
    }
}

impl Drop for User {
    /// Forgets the number, unless the user has come back meanwhile.
    fn drop(&mut self) {
        let mut users = USERS.lock();
        let known = users.get(&self.id);
        if known.is_some_and(|user| user.strong_count() == 0) {
            users.remove(&self.id);
        }
    }
}

/// Whose something is.
#[derive(Clone, Debug)]
pub struct Account(Arc<User>);

impl Account {
    /// The account of the running process's user.
    pub fn current() -> Self {
        Self(User::current())
    }

    /// Counts one more; false if that is one too many.
    #[must_use]
    pub fn take(&self, kind: Kind) -> bool {
        let most = limit(kind);
        let more = |count: usize| (count < most).then_some(count + 1);
        self.count(kind).fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    /// Counts so many more, whatever the limit is; how many that are in all.
    pub fn add(&self, kind: Kind, count: usize) -> usize {
        self.count(kind).fetch_add(count, Relaxed) + count
    }

    /// Counts so many less.
    pub fn give(&self, kind: Kind, count: usize) {
        self.count(kind).fetch_sub(count, Relaxed);
    }

    fn count(&self, kind: Kind) -> &AtomicUsize {
        &self.0.counts[kind as usize]
    }
}

/// Most that a user may have.
pub fn limit(kind: Kind) -> usize {
    LIMITS[kind as usize].load(Relaxed)
}

/// From now on a user may have so many.
pub fn set_limit(kind: Kind, most: usize) {
    LIMITS[kind as usize].store(most, Relaxed);
}

/// Sets the usual limits of this machine, as Linux does: watches of `inotify`
/// may take one hundredth of memory, those of `epoll` one twenty-fifth.
pub(super) fn init() {
    /// Bytes that a watch keeps, of `inotify` its inode's included.
    const INOTIFY: usize = 1280;
    const EPOLL: usize = 200;
    let memory = frame::stats().total * PAGE_SIZE;
    let watches = memory / 100 / INOTIFY;
    set_limit(Kind::InotifyWatches, watches.clamp(8192, 1 << 20));
    set_limit(Kind::EpollWatches, memory / 25 / EPOLL);
}
