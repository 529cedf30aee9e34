//! Who wants to know what happens to a group, and how they are told.
//!
//! `freezer.events` and `cgroup.events` can be polled, a read of
//! `freezer.wait` sleeps: each open one has a share of its group's
//! [`Events`]. A change adds one to their count and wakes their queue; who
//! wakes looks for himself. Nothing here takes the lock of the forest, since
//! the last task to park calls [`quiet`] on its way to sleep.
//!
//! Most groups have no watcher, which costs a change one load:
//!
//! ```text
//!  who watches                         who changes
//!  -----------                         -----------
//!  WATCHES += 1                        change the state
//!  full barrier                        full barrier
//!  read the state                      read WATCHES: none? tell nobody
//! ```
//!
//! Either the watcher reads the new state, or he is told of it.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::{AtomicU32, AtomicU64, fence};

use kernel_core::freezer::Hierarchy;
use kernel_core::sync::GROUP_SLOTS;

use crate::arch;
use crate::sync::{Rank, SpinLock};
use crate::task::WaitQueue;

/// When the last awake task of each freezing group parked.
pub(super) static QUIET_SINCE_NS: [AtomicU64; GROUP_SLOTS] =
    [const { AtomicU64::new(0) }; GROUP_SLOTS];

/// Each group's parent, and [`IS_V2`]. Written under the forest's lock.
static PARENTS: [AtomicU32; GROUP_SLOTS] =
    [const { AtomicU32::new(0) }; GROUP_SLOTS];

/// In [`PARENTS`]: the group belongs to cgroup v2.
const IS_V2: u32 = 1 << 31;

static WATCHED: SpinLock<BTreeMap<u32, Weak<Events>>> =
    SpinLock::with_rank(Rank::Freezer, BTreeMap::new());

/// The number of groups that are watched.
static WATCHES: AtomicU32 = AtomicU32::new(0);

/// What those who watch a group share.
pub(super) struct Events {
    slot: u32,
    count: AtomicU32,
    /// Woken with every change.
    pub(super) queue: Arc<WaitQueue>,
}

impl Events {
    /// The number of changes so far.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Acquire)
    }

    fn happen(&self) {
        self.count.fetch_add(1, Release);
        self.queue.wake_all();
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut watched = WATCHED.lock();
        let is_own =
            watched.get(&self.slot).is_some_and(|it| it.strong_count() == 0);
        if is_own {
            watched.remove(&self.slot);
            WATCHES.fetch_sub(1, Relaxed);
        }
    }
}

/// A share of the group's events.
pub(super) fn watch(slot: u32) -> Arc<Events> {
    let mut watched = WATCHED.lock();
    if let Some(events) = watched.get(&slot).and_then(Weak::upgrade) {
        return events;
    }
    let queue = Arc::new(WaitQueue::new());
    let events = Arc::new(Events { slot, count: AtomicU32::new(0), queue });
    if watched.insert(slot, Arc::downgrade(&events)).is_none() {
        WATCHES.fetch_add(1, Relaxed);
        fence(SeqCst);
    }
    events
}

/// Notes where a new group stands.
pub(super) fn adopt(hierarchy: Hierarchy, slot: u32, parent: u32) {
    let kind = match hierarchy {
        Hierarchy::V1 => 0,
        Hierarchy::V2 => IS_V2,
    };
    PARENTS[slot as usize].store(parent | kind, Relaxed);
}

/// Something changed in this group.
pub(super) fn changed(slot: u32) {
    fence(SeqCst);
    if WATCHES.load(Relaxed) != 0 {
        let events = WATCHED.lock().get(&slot).and_then(Weak::upgrade);
        if let Some(events) = events {
            events.happen();
        }
    }
}

/// Something changed that this group and those above it show.
pub(super) fn changed_upwards(slot: u32) {
    let mut here = slot;
    while here != 0 {
        changed(here);
        here = PARENTS[here as usize].load(Relaxed) & !IS_V2;
    }
}

/// The last awake task of a freezing group has parked.
pub(super) fn quiet(slot: u32) {
    let now_ns = arch::timer::now_ns();
    QUIET_SINCE_NS[slot as usize].store(now_ns, Relaxed);
    changed_upwards(slot);
}

/// The last task has left a group.
pub(super) fn emptied(slot: u32) {
    changed_upwards(slot);
}
