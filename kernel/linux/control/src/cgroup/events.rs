//! Who wants to know what happens to a group, and how they are told.
//!
//! `freezer.events` and `cgroup.events` can be polled, a read of
//! `freezer.wait` sleeps: each open one has a share of its group's
//! [`Events`]. A change adds one to their count and wakes their queue; who
//! wakes looks for himself. Nothing here takes the lock of the forest, since
//! the last task to park comes here on its way to sleep.
//!
//! Most groups have no watcher, which costs a change one load; see
//! `kernel_core::cgroup::Watches`, where the protocol is and its model.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_core::cgroup::{Links, ROOT, Watches};
use kernel_core::sync::GROUP_SLOTS;

use super::inode;
use kernel_files::inotify;
use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

/// Who stands in whom, for those who do not take the lock of the forest.
pub(super) static LINKS: Links = Links::new();

/// By slot: when the group's last awake task parked, as it was freezing.
static QUIET_SINCE_NS: [AtomicU64; GROUP_SLOTS] =
    [const { AtomicU64::new(0) }; GROUP_SLOTS];

/// When the last awake task of a freezing group parked.
pub(super) fn quiet_since_ns(slot: u32) -> u64 {
    QUIET_SINCE_NS[slot as usize].load(Relaxed)
}

/// Who watches which group. They are few.
static WATCHED: SpinLock<Vec<(u32, Weak<Events>)>> =
    SpinLock::with_rank(Rank::Freezer, Vec::new());

/// The number of groups that are watched.
static WATCHES: Watches = Watches::new();

/// What those who watch a group share.
pub(super) struct Events {
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
        let before = watched.len();
        watched.retain(|(_, events)| events.strong_count() != 0);
        WATCHES.end((before - watched.len()) as u32);
    }
}

/// A share of the group's events.
pub(super) fn watch(slot: u32) -> Arc<Events> {
    let mut watched = WATCHED.lock();
    if let Some(events) = find(&watched, slot) {
        return events;
    }
    let queue = Arc::new(WaitQueue::new());
    let events = Arc::new(Events { count: AtomicU32::new(0), queue });
    watched.push((slot, Arc::downgrade(&events)));
    WATCHES.begin();
    events
}

fn find(watched: &[(u32, Weak<Events>)], slot: u32) -> Option<Arc<Events>> {
    let mut own = watched.iter().filter(|(group, _)| *group == slot);
    own.find_map(|(_, events)| events.upgrade())
}

/// Something changed in this group.
pub(super) fn changed(slot: u32) {
    if WATCHES.is_watched() {
        let events = find(&WATCHED.lock(), slot);
        if let Some(events) = events {
            events.happen();
        }
    }
    if inotify::is_used() {
        inode::tell_watchers(LINKS.hierarchy(slot), slot);
    }
}

/// Something changed that this group and those above it show.
pub(super) fn changed_upwards(slot: u32) {
    let mut here = slot;
    while here != ROOT {
        changed(here);
        here = LINKS.parent(here);
    }
}

/// Whether anybody may want to know of a change that the caller has made.
pub(super) fn is_watched() -> bool {
    WATCHES.is_watched() || inotify::is_used()
}

/// The last awake task of a freezing group parks now.
pub(super) fn park(slot: u32) {
    let now_ns = arch::timer::now_ns();
    QUIET_SINCE_NS[slot as usize].store(now_ns, Relaxed);
}
