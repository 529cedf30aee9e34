//! This kernel as the freezer sees it: `kernel_core::freezer`'s small trait,
//! carried out.
//!
//! Here is how a task sleeps in the refrigerator, how it is woken, how a CPU
//! is kicked, and whom the freezer tells that nobody is awake any more.
//!
//! Next to read: `freezer.rs`, a whole freeze.

use core::sync::atomic::Ordering::SeqCst;

use kernel_core::freezer::{Delivery, Host, Phase, Request, Walk};

use super::kick::request_reschedule;
use super::queue::{self, Running};
use super::refrigerator::{
    FreezerHost, NOT_REFRIGERATED, REFRIGERATED, REFRIGERATOR, enter, leave,
};
use super::{
    Deadline, Task, WaitQueue, current, kthread, scheduler, state, wake,
};
use kernel_machine::arch::thread::work;
use kernel_machine::sync::Hook;
use kernel_machine::sync::rank::debug_check_no_locks_held;
use kernel_machine::trace;

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

/// Plugged in by the kernel's binary.
pub static GROUP_WATCHER: Hook<GroupWatcher> = Hook::new();

impl Host for FreezerHost {
    type Task = Task;

    fn sleep_in_refrigerator(
        &self,
        task: &Task,
        mut stay: impl FnMut() -> bool,
    ) {
        let waited_in = task.waits_in();
        task.set_waits_in(REFRIGERATOR);
        trace::record(trace::EventKind::Enter, task.id(), 0);
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
        trace::record(trace::EventKind::Leave, task.id(), 0);
        task.set_waits_in(waited_in);
    }

    fn wake_refrigerated(&self, which: impl Fn(&Task) -> bool) {
        core::sync::atomic::fence(SeqCst);
        trace::record(trace::EventKind::ThawBegin, 0, 0);
        let mut walk = Walk::new();
        while !walk.is_over() {
            let refrigerated = REFRIGERATED.lock();
            let piece = walk.next_piece(&refrigerated);
            for task in piece.filter(|task| which(task)) {
                wake::try_to_wake_up(task, state::UNINTERRUPTIBLE);
            }
        }
        trace::record(trace::EventKind::ThawEnd, 0, 0);
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
        trace::record(trace::EventKind::FreezeBegin, phase as u32, 0);
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
        let deadline = Some(Deadline::Monotonic(deadline_ns));
        QUIET.wait("freeze_processes", depth, deadline, condition).is_ok()
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
        task.kthread.should_stop()
    }

    fn check_no_locks_held(&self) {
        debug_check_no_locks_held();
    }
}

/// Marks the task, and interrupts the CPU that runs it unless that is this
/// one. A task in a run queue, or on its way to sleep, needs no more: it
/// passes a freeze point before it does anything else
/// (SPECIFICATION.md U1, U2).
fn fake_signal(task: &Task) -> Delivery {
    trace::record(trace::EventKind::FakeSignal, task.id(), task.cpu() as u32);
    task.set_work(work::FREEZE);
    let is_elsewhere = task.is_on_cpu() && task.cpu() != current().cpu();
    if !is_elsewhere {
        return Delivery::Marked;
    }
    trace::record(trace::EventKind::Ipi, task.id(), task.cpu() as u32);
    request_reschedule(task.cpu());
    Delivery::Kicked
}

fn wake_kthread(task: &Task) -> Delivery {
    let woken = task
        .to_arc()
        .is_some_and(|task| wake::try_to_wake_up(&task, state::INTERRUPTIBLE));
    if woken { Delivery::Woken } else { Delivery::Marked }
}
