//! The cost of reaping orphans is charged to those who made them.
//!
//! A process whose maker has died is the first process's child, or a
//! subreaper's, which has to wait for it: work that it did not ask for. With
//! one share of the CPU among hundreds it could not keep up with a bomb of
//! processes that fork and end, and zombies would take all places there are for
//! tasks. So each orphan's end moves the account of its reaper forward by what
//! a wait costs, for the others to pay, who made it. A process that waits for
//! children of its own pays for that itself.
//!
//! Next: `exit.rs`.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use super::Process;
use kernel_task::account::change_account;

/// What a wait for an orphan costs, with what a reaper does about it, ns.
const REAP_NS: u64 = 60_000;
/// So many reaps are paid at once: looking for a waiting task is a search.
const PAID_AT_ONCE: u32 = 16;

/// `count` orphans have died that `reaper` has to wait for.
///
/// # Locks
/// None held: takes the wake lock and the queue's of the reaper's first thread.
pub(super) fn pay(reaper: &Arc<Process>, count: u32) {
    let unpaid = reaper.unpaid_reaps.fetch_add(count, Relaxed) + count;
    if unpaid < PAID_AT_ONCE {
        return;
    }
    let due = reaper.unpaid_reaps.swap(0, Relaxed);
    if let Some(task) = reaper.any_thread() {
        let work_ns = u64::from(due) * REAP_NS;
        change_account(&task, |account, min| account.earn(min, work_ns));
    }
}
