//! Freezer groups as programs see them: the freezer of cgroup v1, and the
//! face of cgroup v2.
//!
//! The two are hierarchies of their own, as on Linux: a task is in one group
//! of each, and stands still while either wants it to. Under both is one
//! engine. The rules of trees are `kernel_core::cgroup`'s, those of tasks
//! `kernel_core::freezer`'s; here are the lock, the files, and the moving of
//! tasks.
//!
//! Read next: `cgroup/filesystem.rs` (directories), `cgroup/file.rs` (files),
//! `cgroup/attach.rs`, `cgroup/events.rs` (who is told), `cgroup/release.rs`
//! (what is started when a group is empty).

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::{Engine, Handle, Slots, Tree};
use kernel_core::freezer::Hierarchy;

use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock, SpinLockGuard};
use kernel_task::refrigerator::{
    FREEZER, GroupWatcher, Scheduler, set_group_watcher,
};

mod attach;
mod events;
mod file;
mod filesystem;
mod kill;
mod member;
mod release;
mod report;
mod row;
mod text;

/// All groups.
struct Forest {
    v1: Tree,
    v2: Tree,
    slots: Slots,
    /// The program that is started when a group is empty.
    release_agent: Vec<u8>,
}

/// The lock under which groups change and tasks move between them (Linux:
/// `cgroup_mutex` and `freezer_mutex`). Nobody sleeps under it.
fn forest() -> SpinLockGuard<'static, Forest> {
    static FOREST: spin::Once<SpinLock<Forest>> = spin::Once::new();
    let new = || {
        let forest = Forest {
            v1: Tree::new(),
            v2: Tree::new(),
            slots: Slots::new(),
            release_agent: Vec::new(),
        };
        SpinLock::with_rank(Rank::Object, forest)
    };
    FOREST.call_once(new).lock()
}

impl Forest {
    fn tree(&mut self, hierarchy: Hierarchy) -> &mut Tree {
        match hierarchy {
            Hierarchy::V1 => &mut self.v1,
            Hierarchy::V2 => &mut self.v2,
        }
    }

    /// Makes a group. In cgroup v2 a fatal signal ends a frozen task.
    fn make(
        &mut self,
        hierarchy: Hierarchy,
        parent: Handle,
        name: &[u8],
    ) -> Result<Handle, Errno> {
        let slot = self.slots.allocate().ok_or(Errno::ENOSPC)?;
        events::adopt(hierarchy, slot, parent.slot);
        let made = self.tree(hierarchy).make(parent, name, slot, &Tasks);
        match made {
            Ok(group) => {
                let asks = self.tree(hierarchy).get(group)?.notify_on_release;
                release::set_asking(slot, asks);
            }
            Err(_) => self.slots.free(slot),
        }
        let kills = hierarchy == Hierarchy::V2;
        FREEZER.set_kill_frozen(&Scheduler, slot, kills);
        made
    }

    fn remove(
        &mut self,
        hierarchy: Hierarchy,
        parent: Handle,
        name: &[u8],
    ) -> Result<u32, Errno> {
        let slot = self.tree(hierarchy).remove(parent, name, &Tasks)?;
        self.slots.free(slot);
        release::set_asking(slot, false);
        // Who still watches it learns that it is gone.
        events::changed(slot);
        release::emptied(parent.slot);
        Ok(slot)
    }
}

/// The freezer of tasks, as the trees need it. The lock of the forest is
/// held.
struct Tasks;

impl Engine for Tasks {
    fn freeze(&self, group: u32, bits: u32) -> u32 {
        let signalled = FREEZER.freeze_group(&Scheduler, group, bits);
        events::changed(group);
        signalled
    }

    fn thaw(&self, group: u32, bits: u32) {
        FREEZER.thaw_group(&Scheduler, group, bits);
        events::changed(group);
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

/// Lets groups be mounted, and `/proc` tell of them.
///
/// # Errors
/// `EEXIST` if called twice.
pub fn init() -> Result<(), Errno> {
    events::init();
    release::init()?;
    set_group_watcher(GroupWatcher {
        quiet: events::quiet,
        empty: events::emptied,
    });
    filesystem::register_types();
    report::init()
}
