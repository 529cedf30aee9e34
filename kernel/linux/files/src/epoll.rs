//! `epoll(7)`: waiting for any of many files that are named once.
//!
//! A wait stands in the queues of all files of the set and looks at each,
//! as `poll` does; what is saved is naming them at each call. The wait is in
//! place: a freeze neither ends nor prolongs it (SPECIFICATION.md X5).
//!
//! An edge-triggered file is told of again only after an event: between two
//! waits its interest keeps its own places in the file's queues, and an
//! event takes them away ([`PollTable::was_woken`]).
//!
//! A set may stand in another one, but not deeper: so looking at a set ends,
//! and locks are taken from the outer set to the inner one.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::ops::Bound::{Excluded, Unbounded};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::system::EpollEvent;

use super::file::File;
use super::flags::PollEvents;
use super::inode::FileType;
use super::open_file::OpenFile;
use super::room::has_room;
use super::user_quota::{Account, Kind};
use kernel_task::{Mutex, PollTable, WaitError, WaitQueue};

/// Tell only of events, not of states (`EPOLLET`).
const EDGE: u32 = 1 << 31;
/// Tell once, then not before the interest is changed (`EPOLLONESHOT`).
const ONCE: u32 = 1 << 30;
/// What is always told.
const ALWAYS: PollEvents = PollEvents::ERROR.union(PollEvents::HANG_UP);

/// What a set wants to know of one file.
struct Interest {
    file: Weak<OpenFile>,
    /// Events and [`EDGE`], [`ONCE`]; 0 once [`ONCE`] is used up.
    events: u32,
    data: u64,
    /// Places in the file's queues since it was last told of; only with
    /// [`EDGE`].
    since: PollTable,
    /// It was not told of yet.
    is_new: bool,
}

/// A descriptor, and the address of what it referred to when it was added.
type Key = (usize, usize);

/// A set of files.
pub struct Epoll {
    set: Mutex<Set>,
    /// Interests came or changed.
    changed: Arc<WaitQueue>,
    /// How many files there are. Written by the holder of `set`.
    files: AtomicUsize,
    /// Whose they are.
    account: Account,
}

#[derive(Default)]
struct Set {
    interests: BTreeMap<Key, Interest>,
    /// The last one told of: the next look begins behind it.
    last: Key,
    /// It stands in another set.
    is_inner: bool,
}

/// What `epoll_ctl` does.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// A file is added.
    Add(EpollEvent),
    /// A file goes.
    Remove,
    /// What is wanted of a file changes.
    Modify(EpollEvent),
}

/// Held while a set is put into another one.
static NESTING: Mutex<()> = Mutex::new(());

impl Epoll {
    /// An empty set.
    pub fn new() -> Arc<Self> {
        let changed = Arc::new(WaitQueue::new());
        let files = AtomicUsize::new(0);
        let account = Account::current();
        Arc::new(Self { set: Mutex::default(), changed, files, account })
    }

    /// `epoll_ctl(2)` about the descriptor `fd`, which refers to `file`.
    ///
    /// # Errors
    /// `EEXIST`, `ENOENT`; `EPERM` for a file that is always ready; `ELOOP`
    /// for sets nested too deep; `ENOSPC` if the user has too many files there,
    /// `ENOMEM` if memory is short.
    pub fn change(
        &self,
        fd: usize,
        file: &Arc<OpenFile>,
        change: Change,
    ) -> Result<(), Errno> {
        let key = (fd, Arc::as_ptr(file).addr());
        let gone = match change {
            Change::Add(event) => {
                check_pollable(file)?;
                self.add(key, file, event)?
            }
            Change::Remove => {
                let mut set = self.set.lock();
                let gone = set.interests.remove(&key);
                self.count(&set);
                Some(gone.ok_or(Errno::ENOENT)?)
            }
            Change::Modify(event) => {
                let mut set = self.set.lock();
                let old = set.interests.get_mut(&key);
                let old = old.ok_or(Errno::ENOENT)?;
                Some(core::mem::replace(old, Interest::new(file, event)))
            }
        };
        drop(gone);
        self.changed.wake_all();
        Ok(())
    }

    fn add(
        &self,
        key: Key,
        file: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<Option<Interest>, Errno> {
        let _nesting = match file.downcast::<Epoll>() {
            Ok(inner) => Some(self.nest(inner)?),
            Err(_) => None,
        };
        let mut set = self.set.lock();
        set.interests.retain(|_, it| it.file.strong_count() != 0);
        self.count(&set);
        if set.interests.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        if !has_room() {
            return Err(Errno::ENOMEM);
        }
        if !self.account.take(Kind::EpollWatches) {
            return Err(Errno::ENOSPC);
        }
        self.files.fetch_add(1, Relaxed);
        Ok(set.interests.insert(key, Interest::new(file, event)))
    }

    /// Counts the files of the set less, if there are less.
    fn count(&self, set: &Set) {
        let now = set.interests.len();
        let before = self.files.swap(now, Relaxed);
        self.account.give(Kind::EpollWatches, before - now);
    }

    /// Marks `inner` as an inner set, if it can be one of this set.
    fn nest(
        &self,
        inner: &Epoll,
    ) -> Result<kernel_task::mutex::MutexGuard<'static, ()>, Errno> {
        let nesting = NESTING.lock();
        if core::ptr::eq(self, inner) {
            return Err(Errno::EINVAL);
        }
        if self.set.lock().is_inner {
            return Err(Errno::ELOOP);
        }
        let mut set = inner.set.lock();
        if set.interests.values().any(Interest::is_set) {
            return Err(Errno::ELOOP);
        }
        set.is_inner = true;
        Ok(nesting)
    }

    /// Waits until there is something to tell, or until `deadline_ns`; at
    /// most `most` events, none after the deadline.
    ///
    /// # Errors
    /// [`WaitError::Interrupted`] by a signal.
    pub fn wait(
        &self,
        most: usize,
        deadline_ns: Option<u64>,
    ) -> Result<Vec<EpollEvent>, WaitError> {
        let waited = PollTable::wait("ep_poll", deadline_ns, |table| {
            table.add(&self.changed);
            let told = self.set.lock().tell(most, table);
            (!told.is_empty()).then_some(told)
        });
        match waited {
            Err(WaitError::TimedOut) => Ok(Vec::new()),
            other => other,
        }
    }
}

/// A plain file or a directory never makes anybody wait.
fn check_pollable(file: &OpenFile) -> Result<(), Errno> {
    let inode = file.inode();
    match inode.kind() {
        FileType::Directory => Err(Errno::EPERM),
        FileType::Regular if inode.pages().is_some() => Err(Errno::EPERM),
        _ => Ok(()),
    }
}

impl Set {
    /// Looks at all files, stands in their queues, and gives what is to be
    /// told.
    fn tell(&mut self, most: usize, table: &mut PollTable) -> Vec<EpollEvent> {
        let mut told = Vec::new();
        let mut last = self.last;
        let behind = (Excluded(self.last), Unbounded);
        let keys: Vec<Key> = self
            .interests
            .range(behind)
            .chain(self.interests.range(..=self.last))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let Some(interest) = self.interests.get_mut(&key) else { continue };
            if told.len() == most {
                break;
            }
            if let Some(event) = interest.tell(table) {
                told.push(event);
                last = key;
            }
        }
        self.last = last;
        told
    }
}

impl Interest {
    fn new(file: &Arc<OpenFile>, event: EpollEvent) -> Self {
        Self {
            file: Arc::downgrade(file),
            events: event.events,
            data: event.data,
            since: PollTable::new(),
            is_new: true,
        }
    }

    fn is_set(&self) -> bool {
        let file = self.file.upgrade();
        file.is_some_and(|file| file.downcast::<Epoll>().is_ok())
    }

    fn wanted(&self) -> PollEvents {
        PollEvents::from_bits_retain(self.events as u16) | ALWAYS
    }

    /// What is to be told of the file now; stands in its queues.
    fn tell(&mut self, table: &mut PollTable) -> Option<EpollEvent> {
        let file = self.file.upgrade()?;
        if self.events == 0 {
            return None;
        }
        let mut found = file.file().poll(Some(table)) & self.wanted();
        if self.events & EDGE != 0 {
            if !self.is_new && !self.since.was_woken() {
                return None;
            }
            self.since.clear();
            let wanted = self.wanted();
            found = file.file().poll(Some(&mut self.since)) & wanted;
        }
        self.is_new = false;
        if found.is_empty() {
            return None;
        }
        if self.events & ONCE != 0 {
            self.events = 0;
        }
        let (events, data) = (found.bits().into(), self.data);
        Some(EpollEvent { events, data, ..EpollEvent::default() })
    }

    /// Whether there is something to tell; nothing counts as told.
    fn is_ready(&self, table: Option<&mut PollTable>) -> bool {
        let Some(file) = self.file.upgrade() else { return false };
        let found = file.file().poll(table) & self.wanted();
        let is_due =
            self.events & EDGE == 0 || self.is_new || self.since.was_woken();
        self.events != 0 && is_due && !found.is_empty()
    }
}

impl Drop for Epoll {
    fn drop(&mut self) {
        let files = self.files.load(Relaxed);
        self.account.give(Kind::EpollWatches, files);
    }
}

impl File for Epoll {
    fn poll(&self, mut table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = &mut table {
            table.add(&self.changed);
        }
        let set = self.set.lock();
        let mut is_ready = false;
        for interest in set.interests.values() {
            is_ready |= interest.is_ready(table.as_deref_mut());
        }
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, is_ready);
        events
    }

    fn held(&self) -> usize {
        let files = self.files.load(Relaxed);
        files * (size_of::<Key>() + size_of::<Interest>())
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
