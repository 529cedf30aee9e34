//! Which groups of cgroup v2 may have news: marks, since the last task to park
//! or to leave must not wait.

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Release};

use kernel_core::cgroup::ROOT;

use super::super::events;
use super::super::marks::Marks;
use kernel_task::{Deadline, WaitQueue};

/// Groups whose last awake task has parked.
static QUIET: Marks = Marks::new();
/// Groups whose last task has left.
static EMPTY: Marks = Marks::new();
/// Groups that read differently now.
static CHANGED: Marks = Marks::new();
/// There may be a mark.
static IS_MARKED: AtomicBool = AtomicBool::new(false);
/// Where the thread waits for one.
static MARKED: WaitQueue = WaitQueue::new();

/// The last awake task of a freezing group has parked, or there was none.
pub(in crate::cgroup) fn quiet(slot: u32) {
    mark(&QUIET, slot);
}

/// The last task has left a group.
pub(in crate::cgroup) fn emptied(slot: u32) {
    mark(&EMPTY, slot);
}

/// The group reads differently now.
pub(in crate::cgroup) fn changed(slot: u32) {
    mark(&CHANGED, slot);
}

/// The group and those above it, below `top`, read differently now. The
/// lock of the forest is held, so that they stand there.
pub(super) fn changed_below(slot: u32, top: u32) {
    let mut here = slot;
    while here != top && here != ROOT {
        changed(here);
        here = events::LINKS.parent(here);
    }
}

/// As long as nobody watches any group, nothing is marked: who begins to watch
/// reads what is true then.
fn mark(marks: &Marks, slot: u32) {
    if events::is_watched() {
        marks.set(slot, true);
        IS_MARKED.store(true, Release);
        MARKED.wake_one();
    }
}

/// Waits for marks, until this time of the monotonic clock.
pub(super) fn wait(deadline_ns: Option<u64>) {
    let is_marked = || IS_MARKED.swap(false, Acquire).then_some(());
    // Whatever ends the wait, the thread looks.
    let deadline = deadline_ns.map(Deadline::Monotonic);
    let _ = MARKED.wait_until_deadline("cgroup_events", deadline, is_marked);
}

/// The group is to be told of later.
pub(super) fn keep_changed(slot: u32) {
    CHANGED.set(slot, true);
}

/// Takes marks of groups whose last awake task has parked, one after another.
pub(super) fn take_quiet() -> impl Iterator<Item = u32> {
    each(&QUIET)
}

/// The same for groups whose last task has left.
pub(super) fn take_emptied() -> impl Iterator<Item = u32> {
    each(&EMPTY)
}

/// The same for groups that read differently now.
pub(super) fn take_changed() -> impl Iterator<Item = u32> {
    each(&CHANGED)
}

/// What is marked behind, meanwhile, is for the next time.
fn each(marks: &Marks) -> impl Iterator<Item = u32> {
    let mut first = 0;
    core::iter::from_fn(move || {
        let slot = marks.take_from(first)?;
        first = slot + 1;
        Some(slot)
    })
}
