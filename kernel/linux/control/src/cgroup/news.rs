//! What is told of groups of cgroup v2, by a thread, so that whoever is told of
//! `cgroup.events` reads something else than before (SPECIFICATION.md Y5).
//!
//! That a group reads as frozen, and that it is not populated any more, depends
//! on other groups, whose lock the last task to park or to leave must not take:
//! it leaves a mark (`news/mark.rs`), and the thread finds out what is true by
//! then. What is changed under that lock, by a thaw or a task that joins, is
//! only told here: after those that were woken had their turn.
//!
//! As on Linux a group is told of at once, and then not again for 10 ms: what
//! changes meanwhile is told as one. So a manager that looks at what it thawed
//! finds it where it is to be.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::cgroup::Tree;
use kernel_core::freezer::Hierarchy;
use kernel_core::sync::GROUP_SLOTS;

use super::events;
use super::forest::{Tasks, forest};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;
use kernel_task::kthread::kthread_run;
use kernel_task::{self as task, scheduler};

pub(super) mod mark;

/// Nobody is told of one group twice in so many nanoseconds.
const INTERVAL_NS: u64 = 10_000_000;

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub(super) fn init() -> Result<(), Errno> {
    kthread_run("cgroup_events", run).map(drop)
}

/// Not freezable: it tells of freezes.
fn run() {
    let mut recent = Recent::new();
    let mut deadline_ns = None;
    loop {
        mark::wait(deadline_ns);
        for slot in mark::take_quiet() {
            forest().tree(Hierarchy::V2).settle(slot, &Tasks);
            give_way();
        }
        for slot in mark::take_emptied() {
            tell_emptied(slot);
            give_way();
        }
        deadline_ns = recent.tell_changed();
    }
}

/// There may be many of them, and the kernel is not preempted.
fn give_way() {
    if task::current().pending_work() & work::RESCHEDULE != 0 {
        scheduler::schedule();
    }
}

/// By slot: until when a group is not told of again.
struct Recent(Vec<u64>);

impl Recent {
    fn new() -> Self {
        Self(alloc::vec![0; GROUP_SLOTS])
    }

    /// Tells of groups that have changed. The next time to do so, if some have
    /// to wait.
    fn tell_changed(&mut self) -> Option<u64> {
        let mut first_ns: Option<u64> = None;
        for slot in mark::take_changed() {
            let now_ns = arch::timer::now_ns();
            let due_ns = &mut self.0[slot as usize];
            if now_ns < *due_ns {
                mark::keep_changed(slot);
                first_ns = Some(first_ns.map_or(*due_ns, |it| it.min(*due_ns)));
            } else {
                *due_ns = now_ns + INTERVAL_NS;
                events::changed(slot);
            }
            give_way();
        }
        first_ns
    }
}

/// A task has joined `slot`, and so the groups above it, of which `top` was the
/// lowest that had one: tells of those below that.
pub(super) fn tell_populated(tree: &mut Tree, slot: u32, top: u32) {
    tree.note_populated(slot, top);
    mark::changed_below(slot, top);
}

/// Tells of the group and those above it that have no task any more.
fn tell_emptied(slot: u32) {
    let mut forest = forest();
    let tree = forest.tree(Hierarchy::V2);
    tree.note_emptied(slot, &Tasks, mark::changed);
}
