//! Who wants to know what happens to a group, and how they are told.
//!
//! `freezer.events` and `cgroup.events` can be polled, a read of
//! `freezer.wait` sleeps: each open one has a share of its group's
//! [`Events`]. A change adds one to their count and wakes their queue; who
//! wakes looks for himself. Nothing here takes the lock of the forest, since
//! the last task to park calls [`quiet`] on its way to sleep.
//!
//! Most groups have no watcher, which costs a change one load; see
//! `kernel_core::cgroup::Watches`, where the protocol is and its model.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_core::cgroup::Watches;
use kernel_core::freezer::Hierarchy;
use kernel_core::sync::GROUP_SLOTS;

use super::{filesystem, release};
use kernel_files::inotify;
use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::WaitQueue;

/// What is known of a group without the lock of the forest.
struct Place {
    /// When its last awake task parked, as it was freezing.
    quiet_since_ns: AtomicU64,
    /// Its parent, and [`IS_V2`]. Written under the forest's lock.
    parent: AtomicU32,
}

/// In [`Place::parent`]: the group belongs to cgroup v2.
const IS_V2: u32 = 1 << 31;

/// A place for each slot. Not in the image, which would grow by it.
static PLACES: spin::Once<Box<[Place]>> = spin::Once::new();

/// Makes room for what is known of groups, once, at boot.
pub(super) fn init() {
    let new = |_| Place {
        quiet_since_ns: AtomicU64::new(0),
        parent: AtomicU32::new(0),
    };
    PLACES.call_once(|| (0..GROUP_SLOTS).map(new).collect());
}

fn place(slot: u32) -> Option<&'static Place> {
    PLACES.get()?.get(slot as usize)
}

/// When the last awake task of a freezing group parked.
pub(super) fn quiet_since_ns(slot: u32) -> u64 {
    place(slot).map_or(0, |place| place.quiet_since_ns.load(Relaxed))
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

/// Notes where a new group stands.
pub(super) fn adopt(hierarchy: Hierarchy, slot: u32, parent: u32) {
    let kind = match hierarchy {
        Hierarchy::V1 => 0,
        Hierarchy::V2 => IS_V2,
    };
    if let Some(place) = place(slot) {
        place.parent.store(parent | kind, Relaxed);
    }
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
        let parent = place(slot).map(|place| place.parent.load(Relaxed));
        let hierarchy = match parent.unwrap_or(0) & IS_V2 {
            0 => Hierarchy::V1,
            _ => Hierarchy::V2,
        };
        filesystem::tell_watchers(hierarchy, slot);
    }
}

/// Something changed that this group and those above it show.
pub(super) fn changed_upwards(slot: u32) {
    let mut here = slot;
    while here != 0 {
        changed(here);
        let parent = place(here).map(|place| place.parent.load(Relaxed));
        here = parent.unwrap_or(0) & !IS_V2;
    }
}

/// The last awake task of a freezing group has parked.
pub(super) fn quiet(slot: u32) {
    if let Some(place) = place(slot) {
        place.quiet_since_ns.store(arch::timer::now_ns(), Relaxed);
    }
    changed_upwards(slot);
}

/// The last task has left a group.
pub(super) fn emptied(slot: u32) {
    changed_upwards(slot);
    release::emptied(slot);
}
