//! What a task that has ended keeps of its group: the path, and whether the
//! group is still there.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::sync::{AtomicBool, Ordering};

/// The path of a group of cgroup v2, which is never renamed. Dead tasks share
/// it with the group, and outlive that.
pub struct Trail {
    path: Box<[u8]>,
    is_removed: AtomicBool,
}

impl Trail {
    pub(super) fn new(path: Vec<u8>) -> Self {
        let path = path.into_boxed_slice();
        Self { path, is_removed: AtomicBool::new(false) }
    }

    /// The group is gone.
    pub(super) fn end(&self) {
        self.is_removed.store(true, Ordering::Relaxed);
    }

    /// As `/proc/PID/cgroup` shows it (SPECIFICATION.md Y3).
    pub fn text(&self) -> Vec<u8> {
        let mut text = self.path.to_vec();
        if self.is_removed.load(Ordering::Relaxed) {
            text.extend(b" (deleted)");
        }
        text
    }
}
