//! The table of all tasks, by number, and those to be
//! freed later.
//!
//! A number belongs to its task until the task's last reference is gone, so
//! nobody who still holds a task can see its number name another.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::Task;
use super::id::{Id, TaskId};
use kernel_machine::mm::PAGE_SIZE;
use kernel_machine::mm::stack::STACK_SIZE;
use kernel_machine::sync::{IrqSpinLock, Rank, copy_out};

/// Numbers are below this; Linux's default `pid_max`.
pub const ID_LIMIT: TaskId = 32_768;
/// After the first round numbers begin here, as on Linux: low ones are the
/// system's own.
const RESERVED_IDS: TaskId = 300;

/// One of so many places is not for everybody.
const ROOT_SHARE: usize = 16;

/// Kept for the first user task.
const FIRST_ID: TaskId = 1;

struct Table {
    tasks: BTreeMap<TaskId, Weak<Task>>,
    last: TaskId,
    /// So many tasks at most.
    most: usize,
}

static TABLE: IrqSpinLock<Table> = IrqSpinLock::with_rank(
    Rank::Wait,
    Table { tasks: BTreeMap::new(), last: FIRST_ID, most: ID_LIMIT as usize },
);

/// Tasks whose last reference ended where they could not be freed.
static DEFERRED: IrqSpinLock<Vec<Task>> =
    IrqSpinLock::with_rank(Rank::Timer, Vec::new());

impl Id {
    /// The next free number.
    ///
    /// # Errors
    /// `EAGAIN` if all are in use, or as many as memory allows.
    pub(super) fn allocate() -> Result<Id, Errno> {
        let mut table = TABLE.lock();
        if table.tasks.len() >= table.most {
            return Err(Errno::EAGAIN);
        }
        for _ in 0..ID_LIMIT {
            let next = table.last + 1;
            table.last = if next < ID_LIMIT { next } else { RESERVED_IDS };
            let id = table.last;
            if let Entry::Vacant(place) = table.tasks.entry(id) {
                place.insert(Weak::new());
                return Ok(Id(id));
            }
        }
        Err(Errno::EAGAIN)
    }

    /// 1.
    ///
    /// # Errors
    /// `EAGAIN` if it is in use.
    pub(super) fn first() -> Result<Id, Errno> {
        let mut table = TABLE.lock();
        if table.tasks.contains_key(&FIRST_ID) {
            return Err(Errno::EAGAIN);
        }
        table.tasks.insert(FIRST_ID, Weak::new());
        Ok(Id(FIRST_ID))
    }

    /// `id` itself.
    ///
    /// # Errors
    /// `EINVAL` for a number that no task can have, `EEXIST` if it is in use,
    /// `EAGAIN` if there are as many tasks as memory allows.
    pub(super) fn exactly(id: TaskId) -> Result<Id, Errno> {
        if !(FIRST_ID..ID_LIMIT).contains(&id) {
            return Err(Errno::EINVAL);
        }
        let mut table = TABLE.lock();
        if table.tasks.len() >= table.most {
            return Err(Errno::EAGAIN);
        }
        match table.tasks.entry(id) {
            Entry::Vacant(place) => {
                place.insert(Weak::new());
                Ok(Id(id))
            }
            Entry::Occupied(_) => Err(Errno::EEXIST),
        }
    }

    /// 0, the number of every idle task.
    pub(super) fn idle() -> Id {
        Id(0)
    }
}

impl Drop for Id {
    fn drop(&mut self) {
        if self.0 != 0 {
            TABLE.lock().tasks.remove(&self.0);
        }
    }
}

/// Allows as many tasks as have their stacks in an eighth of memory, given
/// in pages (Linux `fork_init`). A fork bomb then ends with `EAGAIN`, while
/// there is memory to end it.
pub fn limit_by_memory(pages: usize) {
    let most = pages * PAGE_SIZE / 8 / STACK_SIZE;
    TABLE.lock().most = most.min(ID_LIMIT as usize);
}

/// From now on there may be so many tasks. Those that there are stay.
///
/// # Errors
/// `EINVAL` for fewer than the kernel itself needs, or more than there are
/// numbers.
pub fn set_most(count: usize) -> Result<(), Errno> {
    /// Linux's `MIN_THREADS`.
    const LEAST: usize = 20;
    if !(LEAST..=ID_LIMIT as usize).contains(&count) {
        return Err(Errno::EINVAL);
    }
    TABLE.lock().most = count;
    Ok(())
}

/// How many tasks there may be.
pub fn most() -> usize {
    TABLE.lock().most
}

/// True if who may not do everything may make one more task: a share of all
/// there may be is kept for who may, to log in and to clean up with.
pub fn has_room_for_users() -> bool {
    let table = TABLE.lock();
    table.tasks.len() + table.most / ROOT_SHARE < table.most
}

/// Lets the task be found by its number.
pub(super) fn insert(task: &Arc<Task>) {
    TABLE.lock().tasks.insert(task.id(), Arc::downgrade(task));
}

/// The task with this number, dead ones not yet forgotten included.
pub fn find(id: TaskId) -> Option<Arc<Task>> {
    TABLE.lock().tasks.get(&id)?.upgrade()
}

/// Every task except the idle ones, in the order of their numbers.
pub fn all() -> Vec<Arc<Task>> {
    copy_out(|room| {
        let table = TABLE.lock();
        if table.tasks.len() <= room.capacity() {
            room.extend(table.tasks.values().filter_map(Weak::upgrade));
        }
        table.tasks.len()
    })
}

/// Number of tasks that exist, dead ones not yet forgotten included.
pub fn count() -> usize {
    TABLE.lock().tasks.len()
}

/// The number given last, for `/proc/loadavg`.
pub fn last_id() -> TaskId {
    TABLE.lock().last
}

/// Makes the next new task be given the first free number after `id`, for a
/// checkpoint that is to be restored.
///
/// # Errors
/// `EINVAL` for a number that no task can have.
pub fn set_last_id(id: TaskId) -> Result<(), Errno> {
    if !(FIRST_ID..ID_LIMIT).contains(&id) {
        return Err(Errno::EINVAL);
    }
    TABLE.lock().last = id;
    Ok(())
}

/// Whether a reference was the last one, so that the task is freed later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deferred {
    /// Others hold the task.
    No,
    /// The task waits to be freed.
    Yes,
}

/// Drops a reference where freeing a task is not allowed: in an interrupt
/// handler or under a lock. Should it be the last, the task is freed by the
/// next [`drop_deferred`].
pub(super) fn defer_drop(task: Arc<Task>) -> Deferred {
    let Some(task) = Arc::into_inner(task) else { return Deferred::No };
    DEFERRED.lock().push(task);
    Deferred::Yes
}

/// Frees what [`defer_drop`] kept.
///
/// # Locks
/// None held.
pub(super) fn drop_deferred() {
    let dead = core::mem::take(&mut *DEFERRED.lock());
    drop(dead);
}
