//! Which group stands in which, for who must not wait for the trees' lock: the
//! last task to park tells all groups above its own.
//!
//! Read next: `state.rs`.

use crate::freezer::Hierarchy;
use crate::sync::{AtomicU32, GROUP_SLOTS, Ordering, array_of, const_new};

/// In a link: the group belongs to cgroup v2.
const IS_V2: u32 = 1 << 31;

/// The parent and the hierarchy of the group in each slot. A group's parent
/// never changes, so a link holds as long as its group.
pub struct Links([AtomicU32; GROUP_SLOTS]);

impl Links {
    const_new! {
        /// Each hierarchy has its root alone.
        pub fn new() -> Self {
            Self(array_of!(GROUP_SLOTS, AtomicU32::new(0)))
        }
    }

    /// The group in `slot` stands below `parent`. The trees' lock is held.
    pub(super) fn set(&self, slot: u32, hierarchy: Hierarchy, parent: u32) {
        let bit = match hierarchy {
            Hierarchy::V1 => 0,
            Hierarchy::V2 => IS_V2,
        };
        self.0[slot as usize].store(parent | bit, Ordering::Relaxed);
    }

    fn link(&self, slot: u32) -> u32 {
        self.0[slot as usize].load(Ordering::Relaxed)
    }

    /// The slot of the group above; the root is its own.
    pub fn parent(&self, slot: u32) -> u32 {
        self.link(slot) & !IS_V2
    }

    /// The hierarchy of the group, which is no root.
    pub fn hierarchy(&self, slot: u32) -> Hierarchy {
        match self.link(slot) & IS_V2 {
            0 => Hierarchy::V1,
            _ => Hierarchy::V2,
        }
    }
}

impl Default for Links {
    fn default() -> Self {
        Self::new()
    }
}
