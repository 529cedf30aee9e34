//! The refrigerator: where tasks freeze, and the freeze points on the way to
//! it.
//!
//! The rules (who must freeze, in which order things are written and read)
//! are in `kernel_core::freezer` and are model-checked there. Here are the
//! system's freezer, the list of the tasks that sleep in the refrigerator, and
//! what the current task calls to go there. The fake signal is a bit of its
//! own beside the real signals' bit ([`work::FREEZE`]), so that nothing that
//! recomputes real signals can lose it (SPECIFICATION.md U5).
//!
//! Next to read: `host.rs`, how a task sleeps in the refrigerator.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::freezer::{Freezer, Places, Request, TaskFreezer};

use super::{Task, current, stretch};
use kernel_machine::arch::thread::work;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// The system's freezer.
pub static FREEZER: Freezer = Freezer::new();

/// What `wchan` shows of a frozen task (SPECIFICATION.md U7).
pub const REFRIGERATOR: &str = "__refrigerator";

/// This kernel, as the freezer's host; `host.rs` carries it out.
pub struct FreezerHost;

/// Tasks in the refrigerator. Each knows its place.
pub(super) static REFRIGERATED: IrqSpinLock<Places<Arc<Task>>> =
    IrqSpinLock::with_rank(Rank::Freezer, Places::new());

/// What [`Task::refrigerator_place`] holds outside the refrigerator.
pub(super) const NOT_REFRIGERATED: u32 = u32::MAX;

impl AsRef<TaskFreezer> for Task {
    #[inline(always)]
    fn as_ref(&self) -> &TaskFreezer {
        &self.freezer
    }
}

impl Task {
    /// Whether it sleeps in the refrigerator.
    #[inline]
    pub(super) fn is_refrigerated(&self) -> bool {
        self.refrigerator_place.load(Relaxed) != NOT_REFRIGERATED
    }
}

/// The current task enters the refrigerator.
pub(super) fn enter(task: &Task) {
    let own = task.to_arc().expect("the current task is not being dropped");
    let mut refrigerated = REFRIGERATED.lock();
    task.refrigerator_place.store(refrigerated.enter(own), Relaxed);
}

/// The current task leaves the refrigerator.
pub(super) fn leave(task: &Task) {
    let mut refrigerated = REFRIGERATED.lock();
    let place = task.refrigerator_place.swap(NOT_REFRIGERATED, Relaxed);
    let left = refrigerated.leave(place);
    drop(refrigerated);
    debug_assert!(left.is_some_and(|left| core::ptr::eq(&*left, task)));
}

/// Makes room in the refrigerator for `tasks` tasks.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn reserve(tasks: usize) -> Result<(), Errno> {
    let reserved = REFRIGERATED.lock().reserve(tasks);
    reserved.map_err(|_| Errno::ENOMEM)
}

/// A CPU is about to run `task`: marks it if it should freeze, so that a task
/// that a sweep missed, as it woke or moved between queues, is caught.
#[inline]
pub(super) fn recheck(task: &Task) {
    if FREEZER.switched_in::<FreezerHost>(task) == Request::FakeSignal {
        task.set_work(work::FREEZE);
    }
}

/// A freeze point: the current task stays here while it should be frozen.
/// True if it was. The first act of signal handling on the way to user mode,
/// and of a freezable kernel thread's loop (SPECIFICATION.md U4, K1).
///
/// The mark of the fake signal goes first, then come a full barrier and the
/// look at the flags. A freeze that raises its flags after the look finds
/// this task running and marks it again.
pub fn try_to_freeze() -> bool {
    let task = current();
    if task.machine().work.load(Relaxed) & work::FREEZE != 0 {
        let clear = || task.clear_work(work::FREEZE);
        let _ =
            FREEZER.recalc_sigpending::<FreezerHost>(&task, clear, || false);
    }
    let was_frozen = FREEZER.try_to_freeze(&FreezerHost, &*task);
    stretch::point();
    was_frozen
}

/// Makes the current kernel thread freezable. True if it froze at once
/// (SPECIFICATION.md F2).
pub fn set_freezable() -> bool {
    FREEZER.set_freezable(&FreezerHost, &*current())
}

/// The freeze point of a kernel thread's main loop: whether it was frozen,
/// and whether it should stop (SPECIFICATION.md K2).
pub fn kthread_freezable_should_stop() -> (bool, bool) {
    FREEZER.kthread_freezable_should_stop(&FreezerHost, &*current())
}
