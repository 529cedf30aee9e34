//! A set of files, and looking at them.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::ops::Bound::{Excluded, Unbounded};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_abi::system::EpollEvent;

use super::interest::Interest;
use crate::file::File;
use crate::flags::PollEvents;
use crate::open_file::OpenFile;
use crate::room::has_room;
use crate::user_quota::{Account, Kind};
use kernel_task::{Mutex, PollTable, WaitError, WaitQueue};

/// A descriptor, and the address of what it referred to when it was added.
pub(super) type Key = (usize, usize);

/// A set of files.
pub struct Epoll {
    set: Mutex<Set>,
    /// Interests came or changed.
    changed: Arc<WaitQueue>,
    /// The sets that it stands in, or stood in.
    pub(super) outer: Mutex<Vec<Weak<Epoll>>>,
    pub(super) this: Weak<Epoll>,
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
}

impl Epoll {
    /// An empty set.
    pub fn new() -> Arc<Self> {
        let changed = Arc::new(WaitQueue::new());
        Arc::new_cyclic(|this| Self {
            set: Mutex::default(),
            changed,
            outer: Mutex::default(),
            this: this.clone(),
            files: AtomicUsize::new(0),
            account: Account::current(),
        })
    }

    /// A file is added.
    ///
    /// # Errors
    /// `EEXIST`, `ENOSPC`, `ENOMEM`.
    pub(super) fn add(
        &self,
        key: Key,
        file: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        let has_room = has_room();
        let mut set = self.set.lock();
        set.interests.retain(|_, it| it.is_open());
        self.count(&set);
        if set.interests.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        if !has_room {
            return Err(Errno::ENOMEM);
        }
        if !self.account.take(Kind::EpollWatches) {
            return Err(Errno::ENOSPC);
        }
        self.files.fetch_add(1, Relaxed);
        set.interests.insert(key, Interest::new(self.address(), file, event));
        drop(set);
        self.changed.wake_all();
        Ok(())
    }

    /// A file goes.
    ///
    /// # Errors
    /// `ENOENT`.
    pub(super) fn remove(&self, key: Key) -> Result<(), Errno> {
        let gone = {
            let mut set = self.set.lock();
            let gone = set.interests.remove(&key);
            self.count(&set);
            gone
        };
        gone.map(drop).ok_or(Errno::ENOENT)?;
        self.changed.wake_all();
        Ok(())
    }

    /// Counts the files of the set less, if there are less.
    fn count(&self, set: &Set) {
        let now = set.interests.len();
        let before = self.files.swap(now, Relaxed);
        self.account.give(Kind::EpollWatches, before - now);
    }

    /// What is wanted of a file changes.
    ///
    /// # Errors
    /// `ENOENT`; `EINVAL` if one set of several is told of it.
    pub(super) fn modify(
        &self,
        key: Key,
        file: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        let mut set = self.set.lock();
        let interest = set.interests.get_mut(&key).ok_or(Errno::ENOENT)?;
        if interest.is_exclusive() {
            return Err(Errno::EINVAL);
        }
        let old = core::mem::replace(
            interest,
            Interest::new(self.address(), file, event),
        );
        drop(set);
        drop(old);
        self.changed.wake_all();
        Ok(())
    }

    fn address(&self) -> usize {
        self.this.as_ptr().addr()
    }

    /// The files of the set, each as often as it stands there.
    pub(super) fn open_files(&self) -> Vec<Arc<OpenFile>> {
        let set = self.set.lock();
        set.interests.values().filter_map(Interest::file).collect()
    }

    /// The sets that stand in this one.
    pub(super) fn inner_sets(&self) -> Vec<Arc<OpenFile>> {
        let mut files = self.open_files();
        files.retain(|file| file.downcast::<Epoll>().is_ok());
        files
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
