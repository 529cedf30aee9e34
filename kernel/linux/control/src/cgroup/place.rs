//! A group in which `clone3` makes a child (`CLONE_INTO_CGROUP`).

use alloc::sync::Arc;
use core::any::Any;

use kernel_abi::Errno;
use kernel_core::cgroup::Handle;
use kernel_core::freezer::{Hierarchy, TaskFreezer};

use super::attach::{What, check_v2};
use super::attribute::{may_write, of_processes};
use super::filesystem::Directory;
use super::forest::{Tasks, forest};
use super::member::group_of;
use super::news;
use kernel_files::inode::Inode;
use kernel_files::permission;
use kernel_process::fork::Birthplace;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{self as task, Task};

/// A group of cgroup v2 that takes a child.
pub struct Place {
    group: Handle,
    what: What,
}

impl Place {
    /// The group whose directory `inode` is, for a thread of the running
    /// process or for a process.
    ///
    /// # Errors
    /// `EBADF` if it is no group of cgroup v2.
    pub fn find(
        inode: &Arc<dyn Inode>,
        is_thread: bool,
    ) -> Result<Self, Errno> {
        let any: &dyn Any = &**inode;
        let directory = any.downcast_ref::<Directory>();
        let directory = directory
            .filter(|it| it.hierarchy == Hierarchy::V2)
            .ok_or(Errno::EBADF)?;
        let what = match is_thread {
            true => What::Thread,
            false => What::Process,
        };
        Ok(Self { group: directory.group, what })
    }
}

/// The child counts as a member once its place is kept, so that nobody removes
/// the group, and as awake once it is born. A group that is frozen stays so all
/// the while, unlike where a task joins that runs (SPECIFICATION.md V8, Y1): a
/// child does nothing before it parks.
impl Birthplace for Place {
    fn keep(&self, child: &Task) -> Result<(), Errno> {
        let slot = self.group.slot;
        let maker = permission::current();
        let from = group_of(&task::current(), Hierarchy::V2);
        let mut forest = forest();
        let tree = forest.tree(Hierarchy::V2);
        tree.get(self.group).map_err(|_| Errno::ENOENT)?;
        if let Some(maker) = &maker
            && !may_write(maker, &of_processes(tree, slot))
        {
            return Err(Errno::EACCES);
        }
        check_v2(tree, [from, slot], &maker, self.what)?;
        let populated = tree.first_populated(slot, &Tasks);
        // An unborn task need not freeze, so nothing is asked of it.
        let _ = FREEZER.attach(&FreezerHost, child, Hierarchy::V2, slot);
        news::tell_populated(tree, slot, populated);
        Ok(())
    }

    fn enter(&self, child: &TaskFreezer, parent: &TaskFreezer) {
        let slot = self.group.slot;
        // Nobody changes the group's bits meanwhile.
        let _forest = forest();
        let group = (Hierarchy::V2, slot);
        FREEZER.born_into(&FreezerHost, child, parent, group);
    }
}
