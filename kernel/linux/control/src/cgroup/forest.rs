//! All groups of both hierarchies, and the lock over them.
//!
//! Next to read: `kernel_core::cgroup`, the rules of one tree.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::attribute::AttributeTable;
use kernel_core::cgroup::{Engine, Handle, Slots, Tree};
use kernel_core::freezer::Hierarchy;

use super::events;
use super::news;
use super::release::mark;
use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock, SpinLockGuard};
use kernel_task::refrigerator::{FREEZER, FreezerHost};

/// All groups.
pub(super) struct Forest {
    pub(super) v1: Tree,
    v2: Tree,
    slots: Slots,
    /// The program that is started when a group is empty.
    pub(super) release_agent: Vec<u8>,
}

/// The lock under which groups change and tasks move between them (Linux:
/// `cgroup_mutex` and `freezer_mutex`). Nobody sleeps under it.
pub(super) fn forest() -> SpinLockGuard<'static, Forest> {
    static FOREST: spin::Once<SpinLock<Forest>> = spin::Once::new();
    let new = || {
        let forest = Forest {
            v1: Tree::new(Hierarchy::V1, &events::LINKS),
            v2: Tree::new(Hierarchy::V2, &events::LINKS),
            slots: Slots::new(),
            release_agent: Vec::new(),
        };
        SpinLock::with_rank(Rank::Object, forest)
    };
    FOREST.call_once(new).lock()
}

impl Forest {
    pub(super) fn tree(&mut self, hierarchy: Hierarchy) -> &mut Tree {
        match hierarchy {
            Hierarchy::V1 => &mut self.v1,
            Hierarchy::V2 => &mut self.v2,
        }
    }

    /// Makes a group, whose files have these attributes.
    pub(super) fn make(
        &mut self,
        hierarchy: Hierarchy,
        parent: Handle,
        name: &[u8],
        attributes: AttributeTable,
    ) -> Result<Handle, Errno> {
        let slot = self.slots.allocate().ok_or(Errno::ENOSPC)?;
        let tree = self.tree(hierarchy);
        let made = tree.make(parent, name, slot, &Tasks);
        let Ok(handle) = made else {
            self.slots.free(slot);
            return made;
        };
        tree.get_mut(handle)?.attributes = attributes;
        Ok(handle)
    }

    pub(super) fn remove(
        &mut self,
        hierarchy: Hierarchy,
        parent: Handle,
        name: &[u8],
    ) -> Result<u32, Errno> {
        let slot = self.tree(hierarchy).remove(parent, name, &Tasks)?;
        self.slots.free(slot);
        // Who still watches it learns that it is gone.
        events::changed(slot);
        match hierarchy {
            Hierarchy::V1 => {
                if FREEZER.group_requests(parent.slot) != 0 {
                    // Those above may have waited for its tasks alone.
                    events::changed_upwards(parent.slot);
                }
                mark::emptied(parent.slot);
            }
            // What the group's own marks may have told of those above it.
            Hierarchy::V2 => {
                news::mark::quiet(parent.slot);
                news::mark::emptied(parent.slot);
            }
        }
        Ok(slot)
    }
}

/// The freezer of tasks, as the trees need it. The lock of the forest is
/// held.
pub(super) struct Tasks;

impl Engine for Tasks {
    fn freeze(&self, group: u32, bits: u32) -> u32 {
        let signalled = FREEZER.freeze_group(&FreezerHost, group, bits);
        match events::LINKS.hierarchy(group) {
            // It shows that it is freezing.
            Hierarchy::V1 => events::changed(group),
            // Nobody else tells that nobody had to park.
            Hierarchy::V2 if FREEZER.group_quiet(group) => {
                news::mark::quiet(group)
            }
            Hierarchy::V2 => {}
        }
        signalled
    }

    fn thaw(&self, group: u32, bits: u32) {
        FREEZER.thaw_group(&FreezerHost, group, bits);
        if events::LINKS.hierarchy(group) == Hierarchy::V1 {
            events::changed(group);
        }
    }

    fn frozen_changed(&self, group: u32) {
        if events::LINKS.hierarchy(group) == Hierarchy::V2 {
            news::mark::changed(group);
        }
    }

    fn bits(&self, group: u32) -> u32 {
        FREEZER.group_requests(group)
    }

    fn kills_frozen(&self, group: u32) -> bool {
        FREEZER.kills_frozen(group)
    }

    fn set_kill_frozen(&self, group: u32, kills: bool) {
        FREEZER.set_kill_frozen(&FreezerHost, group, kills);
    }

    fn notifies_release(&self, group: u32) -> bool {
        mark::is_asking(group)
    }

    fn set_notify_on_release(&self, group: u32, asks: bool) {
        mark::set_asking(group, asks);
    }

    fn quiet_since_ns(&self, group: u32) -> Option<u64> {
        FREEZER.group_quiet(group).then(|| events::quiet_since_ns(group))
    }

    fn members(&self, group: u32) -> u32 {
        FREEZER.group_members(group)
    }

    fn now_ns(&self) -> u64 {
        arch::timer::now_ns()
    }
}
