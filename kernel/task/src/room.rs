//! Room for tasks: how many there are, and for how many every queue has room.
//!
//! A task takes its share before it is made, so that no wake-up ever has to
//! allocate. Next to read: `birth.rs`, which makes more room.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

/// Tasks that exist or are being made.
static TASKS: AtomicUsize = AtomicUsize::new(0);

/// Room for one task in every queue.
pub(super) struct Room(());

impl Room {
    /// Counts one more task; the room it needs, and how many there are now.
    pub(super) fn take() -> (Self, usize) {
        let tasks = TASKS.fetch_add(1, Relaxed) + 1;
        (Self(()), tasks)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        TASKS.fetch_sub(1, Relaxed);
    }
}
