//! Where a child is born that does not begin in its parent's group of cgroup
//! v2 (`CLONE_INTO_CGROUP`).
//!
//! Groups belong to a layer above, which hands its own part down with the
//! request. The place is kept before anything can fail that needs to be taken
//! back, so that nobody removes the group meanwhile; the child enters it in the
//! same moment as it would enter its parent's.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::freezer::TaskFreezer;

use kernel_task::Task;
use kernel_task::refrigerator::{FREEZER, FreezerHost};

/// A group in which a child is to be born.
pub trait Birthplace {
    /// Keeps a place for `child`, of which nobody knows yet. From now on the
    /// group has a member more, which does not count as awake.
    ///
    /// # Errors
    /// `ENOENT` if the group was removed; `EACCES`, `EOPNOTSUPP` if
    /// it takes no such child.
    fn keep(&self, child: &Task) -> Result<(), Errno>;

    /// `child` is born there, of `parent`. The place was kept.
    fn enter(&self, child: &TaskFreezer, parent: &TaskFreezer);
}

/// A place that is given back unless the child enters it.
pub(super) struct Kept<'a> {
    place: &'a dyn Birthplace,
    /// `None` once it is born.
    child: Option<Arc<Task>>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(
        place: &'a dyn Birthplace,
        child: &Arc<Task>,
    ) -> Result<Self, Errno> {
        place.keep(child)?;
        Ok(Self { place, child: Some(child.clone()) })
    }

    pub(super) fn enter(&mut self, parent: &TaskFreezer) {
        if let Some(child) = self.child.take() {
            self.place.enter(&child.freezer, parent);
        }
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            FREEZER.leave_groups(&FreezerHost, &*child);
        }
    }
}
