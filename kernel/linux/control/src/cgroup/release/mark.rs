//! Which groups of cgroup v1 ask for their release agent, and which of them
//! have run empty: marks, since the last to leave must not wait.

use super::super::marks::Marks;
use kernel_task::WaitQueue;

/// Groups of cgroup v1 with `notify_on_release`.
static ASKING: Marks = Marks::new();
/// Those that have run empty and were not seen to yet.
static EMPTY: Marks = Marks::new();
/// Where the thread waits for one.
static EMPTIED: WaitQueue = WaitQueue::new();

/// The group in `slot` asks for its release agent, or does not; a new group
/// says so anew.
pub(in crate::cgroup) fn set_asking(slot: u32, asks: bool) {
    ASKING.set(slot, asks);
    EMPTY.set(slot, false);
}

/// Whether it does.
pub(in crate::cgroup) fn is_asking(slot: u32) -> bool {
    ASKING.has(slot)
}

/// A task or group has left, and may have been the last one.
pub(in crate::cgroup) fn emptied(slot: u32) {
    if is_asking(slot) {
        EMPTY.set(slot, true);
        EMPTIED.wake_one();
    }
}

/// Waits for a marked group, and takes its mark away.
pub(super) fn next() -> u32 {
    loop {
        // Nobody sends the thread signals.
        let taken = EMPTIED.wait_until("cgroup_release", || EMPTY.take());
        if let Ok(slot) = taken {
            return slot;
        }
    }
}
