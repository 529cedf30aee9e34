//! The scheduler as the freezer sees it: `kernel_core::freezer`'s small trait,
//! carried out.
//!
//! The rules (who must freeze, in which order things are written and read)
//! are in `kernel_core::freezer` and are model-checked there. Here is only how
//! a task sleeps in the refrigerator, how it is woken, and how a CPU is
//! kicked. The fake signal is a bit of its own beside the real signals' bit
//! ([`work::FREEZE`]), so that nothing that recomputes real signals can lose
//! it (freezer-spec U5).
//!
//! Next to read: `freezer.rs`, a whole freeze.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

use kernel_core::freezer::{
    Delivery, Freezer, Host, Phase, Request, TaskFreezer,
};

use super::queue::{self, Running};
use super::scheduler;
use super::{Task, WaitQueue, current, kthread, state, wake};
use kernel_machine::arch::thread::work;
use kernel_machine::sync::rank::debug_check_no_locks_held;
use kernel_machine::sync::{IrqSpinLock, Rank};
use kernel_machine::trace;

/// The system's freezer.
pub static FREEZER: Freezer = Freezer::new();

/// What `wchan` shows of a frozen task (freezer-spec U7).
pub const REFRIGERATOR: &str = "__refrigerator";

/// This kernel's scheduler, as the freezer's host.
pub struct Scheduler;

/// Tasks in the refrigerator. Each knows its place, so leaving is one swap.
static REFRIGERATED: IrqSpinLock<Vec<Arc<Task>>> =
    IrqSpinLock::with_rank(Rank::Freezer, Vec::new());

/// Where the task that freezes the others waits for the last of them.
static QUIET: WaitQueue = WaitQueue::new();

/// Who wants to know of groups. Both are called by tasks on their way to
/// sleep, or under the lock of the layer that moves tasks; they must not
/// sleep and take no lock below rank freezer.
pub struct GroupWatcher {
    /// Nobody of this freezing group is awake any more.
    pub quiet: fn(u32),
    /// The last task has left the group.
    pub empty: fn(u32),
}

static GROUP_WATCHER: spin::Once<GroupWatcher> = spin::Once::new();

/// Tells the freezer who watches groups, once, at boot.
pub fn set_group_watcher(watcher: GroupWatcher) {
    GROUP_WATCHER.call_once(|| watcher);
}

/// What [`Task::refrigerator_place`] holds outside the refrigerator.
pub(super) const NOT_REFRIGERATED: u32 = u32::MAX;

impl AsRef<TaskFreezer> for Task {
    #[inline(always)]
    fn as_ref(&self) -> &TaskFreezer {
        &self.freezer
    }
}

impl Host for Scheduler {
    type Task = Task;

    fn sleep_in_refrigerator(
        &self,
        task: &Task,
        mut stay: impl FnMut() -> bool,
    ) {
        let waited_in = task.waits_in();
        task.set_waits_in(REFRIGERATOR);
        trace::record(trace::Kind::Enter, task.id(), 0);
        enter(task);
        loop {
            task.set_state(state::UNINTERRUPTIBLE);
            if !stay() {
                break;
            }
            scheduler::schedule();
        }
        task.run_on();
        leave(task);
        trace::record(trace::Kind::Leave, task.id(), 0);
        task.set_waits_in(waited_in);
    }

    fn wake_refrigerated(&self, which: impl Fn(&Task) -> bool) {
        core::sync::atomic::fence(SeqCst);
        trace::record(trace::Kind::ThawBegin, 0, 0);
        let refrigerated = REFRIGERATED.lock();
        for task in refrigerated.iter().filter(|task| which(task)) {
            trace::record(trace::Kind::Thaw, task.id(), 0);
            wake::try_to_wake_up(task, state::UNINTERRUPTIBLE);
        }
        trace::record(trace::Kind::ThawEnd, 0, 0);
    }

    fn wake_frozen(&self, task: &Task) {
        if let Some(task) = task.to_arc()
            && task.refrigerator_place.load(SeqCst) != NOT_REFRIGERATED
        {
            wake::try_to_wake_up(&task, state::UNINTERRUPTIBLE);
        }
    }

    fn deliver(&self, task: &Task, request: Request) -> Delivery {
        match request {
            Request::NotRequested | Request::AwaitExit => Delivery::Marked,
            Request::FakeSignal => fake_signal(task),
            Request::WakeKthread => wake_kthread(task),
        }
    }

    fn for_each_awake(&self, phase: Phase, mut visit: impl FnMut(&Task)) {
        trace::record(trace::Kind::FreezeBegin, phase as u32, 0);
        queue::for_each_runnable(|task, _: Running| {
            if task.is_user() {
                visit(task);
            }
        });
        if phase == Phase::Kernel {
            kthread::for_each(|task| visit(task));
        }
    }

    fn wait_for_quiet(
        &self,
        deadline_ns: u64,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        let depth = state::UNINTERRUPTIBLE;
        let condition = || done().then_some(());
        QUIET
            .wait("freeze_processes", depth, Some(deadline_ns), condition)
            .is_ok()
    }

    fn quiet(&self) {
        QUIET.wake_all();
    }

    fn group_quiet(&self, group: u32) {
        if let Some(watcher) = GROUP_WATCHER.get() {
            (watcher.quiet)(group);
        }
    }

    fn group_empty(&self, group: u32) {
        if let Some(watcher) = GROUP_WATCHER.get() {
            (watcher.empty)(group);
        }
    }

    fn kthread_should_stop(&self, task: &Task) -> bool {
        kthread::should_stop(task)
    }

    fn check_no_locks_held(&self) {
        debug_check_no_locks_held();
    }
}

fn enter(task: &Task) {
    let task = task.to_arc().expect("the current task is not being dropped");
    let mut refrigerated = REFRIGERATED.lock();
    task.refrigerator_place.store(refrigerated.len() as u32, Relaxed);
    refrigerated.push(task);
}

fn leave(task: &Task) {
    let mut refrigerated = REFRIGERATED.lock();
    let place = task.refrigerator_place.swap(NOT_REFRIGERATED, Relaxed);
    refrigerated.swap_remove(place as usize);
    if let Some(moved) = refrigerated.get(place as usize) {
        moved.refrigerator_place.store(place, Relaxed);
    }
}

/// Makes room in the refrigerator for `tasks` tasks.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn reserve(tasks: usize) -> Result<(), kernel_abi::Errno> {
    let mut refrigerated = REFRIGERATED.lock();
    let more = tasks.saturating_sub(refrigerated.len());
    let reserved = refrigerated.try_reserve(more);
    reserved.map_err(|_| kernel_abi::Errno::ENOMEM)
}

/// Marks the task, and interrupts the CPU that runs it unless that is this
/// one. A task in a run queue, or on its way to sleep, needs no more: it
/// passes a freeze point before it does anything else (freezer-spec U1, U2).
fn fake_signal(task: &Task) -> Delivery {
    trace::record(trace::Kind::FakeSignal, task.id(), task.cpu() as u32);
    task.set_work(work::FREEZE);
    let is_elsewhere = task.is_on_cpu() && task.cpu() != current().cpu();
    if !is_elsewhere {
        return Delivery::Marked;
    }
    trace::record(trace::Kind::Ipi, task.id(), task.cpu() as u32);
    scheduler::request_reschedule(task.cpu());
    Delivery::Kicked
}

fn wake_kthread(task: &Task) -> Delivery {
    let woken = task
        .to_arc()
        .is_some_and(|task| wake::try_to_wake_up(&task, state::INTERRUPTIBLE));
    if woken { Delivery::Woken } else { Delivery::Marked }
}

/// A CPU is about to run `task`: marks it if it should freeze, so that a task
/// that was queued or moved while a sweep passed by is caught.
#[inline]
pub(super) fn recheck(task: &Task) {
    if FREEZER.switched_in::<Scheduler>(task) == Request::FakeSignal {
        task.set_work(work::FREEZE);
    }
}

/// Sleeps as the announced state says, counting as frozen meanwhile if the
/// task is a user task; afterwards stays in the refrigerator while freezing
/// holds, and calls `before_freeze` before that. The caller tests its condition
/// again (freezer-spec S1, R5).
#[inline]
pub(super) fn freezable_schedule(before_freeze: &mut dyn FnMut()) {
    let task = current();
    if !task.is_user() {
        scheduler::schedule();
        return;
    }
    FREEZER.freezer_do_not_count(&Scheduler, &*task);
    scheduler::schedule();
    FREEZER.freezer_count_after(&Scheduler, &*task, before_freeze);
}

/// A freeze point: the current task stays here while it should be frozen.
/// True if it was. The first act of signal handling on the way to user mode,
/// and of a freezable kernel thread's loop (freezer-spec U4, K1).
///
/// The mark of the fake signal goes first, then come a full barrier and the
/// look at the flags. A freeze that raises its flags after the look finds
/// this task running and marks it again.
pub fn try_to_freeze() -> bool {
    let task = current();
    if task.machine().work.load(Relaxed) & work::FREEZE != 0 {
        let clear = || task.clear_work(work::FREEZE);
        let _ = FREEZER.recalc_sigpending::<Scheduler>(&task, clear, || false);
    }
    FREEZER.try_to_freeze(&Scheduler, &*task)
}

/// Makes the current kernel thread freezable. True if it froze at once
/// (freezer-spec F2).
pub fn set_freezable() -> bool {
    FREEZER.set_freezable(&Scheduler, &*current())
}

/// The freeze point of a kernel thread's main loop: whether it was frozen,
/// and whether it should stop (freezer-spec K2).
pub fn kthread_freezable_should_stop() -> (bool, bool) {
    FREEZER.kthread_freezable_should_stop(&Scheduler, &*current())
}
