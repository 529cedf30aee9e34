//! Waiting until mounts change: `poll` on `/proc/mounts`.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::flags::PollEvents;
use kernel_task::{PollTable, WaitQueue};

/// How often the tree of mounts has changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Where who reads the list waits for the next change.
fn watchers() -> &'static Arc<WaitQueue> {
    static WATCHERS: spin::Once<Arc<WaitQueue>> = spin::Once::new();
    WATCHERS.call_once(|| Arc::new(WaitQueue::new()))
}

/// The tree of mounts has changed.
pub(super) fn changed() {
    CHANGES.fetch_add(1, Relaxed);
    watchers().wake_all();
}

/// What one open list of mounts has been told.
pub struct Watch(AtomicU64);

impl Watch {
    /// From now on.
    pub fn new() -> Self {
        Self(AtomicU64::new(CHANGES.load(Relaxed)))
    }

    /// It can be read; a change is told once.
    pub fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(watchers());
        }
        let now = CHANGES.load(Relaxed);
        let changed = PollEvents::PRIORITY | PollEvents::ERROR;
        let mut events = PollEvents::READABLE;
        events.set(changed, self.0.swap(now, Relaxed) != now);
        events
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}
