//! Kernel threads (Linux kernel/kthread.c).
//!
//! A kernel thread runs a closure. It is not freezable until it says
//! [`set_freezable`](super::refrigerator::set_freezable), and then passes a
//! freeze point in its main loop. Others ask it to stop or to park; the rules
//! of asking are `kernel_core::kthread::KthreadControl`'s.
//!
//! Next to read: `workqueue.rs`; `hub.rs` for an example.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::{Flags, Groups};
use kernel_core::schedule::Entity;

use super::clock::Deadline;
use super::refrigerator::{FREEZER, FreezerHost};
use super::sleep::Sleep;
use super::wait::Share;
use super::{
    Kind, NewTask, Numbered, Task, WaitQueue, current, scheduler, state, wake,
};
use kernel_machine::arch::thread::Last;
use kernel_machine::sync::{Rank, SpinLock};

/// Where others wait for a kernel thread to park or to end.
static ANSWERED: WaitQueue = WaitQueue::new();

/// A thread's closure, until it starts.
struct Body(SpinLock<Option<Box<dyn FnOnce() + Send>>>);

/// Kernel threads that have not ended.
static KTHREADS: SpinLock<Vec<Arc<Task>>> =
    SpinLock::with_rank(Rank::Freezer, Vec::new());

/// Starts a kernel thread that runs `function` and ends with it.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`; nothing was started.
pub fn kthread_run(
    name: &str,
    function: impl FnOnce() + Send + 'static,
) -> Result<Arc<Task>, Errno> {
    kthread_run_with(name, Flags::empty(), u32::MAX, function)
}

/// As [`kthread_run`], with further freezer flags and only on `allowed` CPUs.
///
/// # Errors
/// As [`kthread_run`].
pub fn kthread_run_with(
    name: &str,
    flags: Flags,
    allowed: u32,
    function: impl FnOnce() + Send + 'static,
) -> Result<Arc<Task>, Errno> {
    let task = Task::new(NewTask {
        id: Numbered::Next,
        kind: Kind::Kernel,
        name: name.as_bytes(),
        entry: begin,
        space: None,
        allowed,
        account: Entity::new(0),
        user_state: None,
    })?;
    task.set_owner(Arc::new(Body(SpinLock::new(Some(Box::new(function))))));
    let flags = flags | Flags::KTHREAD | Flags::NOFREEZE;
    FREEZER.born_with(&FreezerHost, &task.freezer, flags, Groups::ROOT);
    KTHREADS.lock().push(task.clone());
    wake::wake_new(&task);
    Ok(task)
}

extern "C" fn begin(last: Last) -> ! {
    scheduler::begin(last);
    let body = current().owner::<Body>().and_then(|body| body.0.lock().take());
    if let Some(function) = body {
        function();
    }
    end()
}

fn end() -> ! {
    let task = current();
    KTHREADS.lock().retain(|other| other.id() != task.id());
    task.kthread.exited();
    ANSWERED.wake_all();
    scheduler::exit_current()
}

/// Calls `visit` for every kernel thread that has not ended.
pub fn for_each(mut visit: impl FnMut(&Arc<Task>)) {
    KTHREADS.lock().iter().for_each(&mut visit);
}

/// Whether somebody asked the current thread to stop.
pub fn kthread_should_stop() -> bool {
    current().kthread.should_stop()
}

/// Whether somebody asked the current thread to park.
pub fn kthread_should_park() -> bool {
    current().kthread.should_park()
}

/// Asks the thread to end and waits until it has. A thread that freezes with
/// plain `try_to_freeze` ends only after the thaw (SPECIFICATION.md K3).
pub fn kthread_stop(task: &Arc<Task>) {
    task.kthread.request_stop();
    wake_for_request(task);
    ANSWERED.wait_uninterruptible("kthread_stop", || {
        task.kthread.has_exited().then_some(())
    });
}

/// Asks the thread to park and waits until it has, through a thaw if it is
/// frozen.
///
/// # Errors
/// `ENOSYS` if it has ended, `EBUSY` if it was asked already (SPECIFICATION.md
/// K4).
pub fn kthread_park(task: &Arc<Task>) -> Result<(), Errno> {
    task.kthread.request_park()?;
    wake_for_request(task);
    ANSWERED.wait_uninterruptible("kthread_park", || {
        let control = &task.kthread;
        (control.is_parked() || control.has_exited()).then_some(())
    });
    Ok(())
}

/// Lets a parked thread run on.
pub fn kthread_unpark(task: &Arc<Task>) {
    task.kthread.unpark();
    wake::try_to_wake_up(task, state::PARKED);
}

/// Lets the thread see a request, wherever it sleeps. The wake-up begins
/// with a full barrier, which orders the request before the look at the
/// refrigerator.
fn wake_for_request(task: &Arc<Task>) {
    wake::try_to_wake_up(task, state::INTERRUPTIBLE | state::PARKED);
    kernel_core::freezer::Host::wake_frozen(&FreezerHost, task);
}

/// The current thread's park point: stays here while it is asked to park. It
/// counts as frozen meanwhile.
pub fn kthread_parkme() {
    let task = current();
    loop {
        task.set_state(state::PARKED);
        if !task.kthread.enter_park() {
            task.run_on();
            return;
        }
        ANSWERED.wake_all();
        FREEZER.freezer_do_not_count(&FreezerHost, &*task);
        scheduler::schedule();
        FREEZER.freezer_count(&FreezerHost, &*task);
    }
}

/// Sleeps interruptibly until `condition` holds; each stretch of sleep ends
/// with a freeze point, and so does every wake by the freezer (Linux
/// `wait_event_freezable`, SPECIFICATION.md K1).
pub fn wait_event_freezable<T>(
    queue: &WaitQueue,
    place: &'static str,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = None;
    wait_event_freezable_timeout(queue, place, deadline, &mut condition)
}

/// As [`wait_event_freezable`], until `deadline_ns` at the latest; `None` if
/// it passed, or if the thread was asked to stop.
pub fn wait_event_freezable_timeout<T>(
    queue: &WaitQueue,
    place: &'static str,
    deadline_ns: Option<u64>,
    mut condition: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = deadline_ns.map(Deadline::Monotonic);
    let mut sleep = Sleep::new(place, state::INTERRUPTIBLE, deadline);
    loop {
        let ticket = queue.enter(Share::Shared);
        sleep.announce();
        if let Some(value) = condition() {
            sleep.cancel();
            queue.leave(ticket);
            return Some(value);
        }
        if kthread_should_stop() {
            sleep.cancel();
            queue.leave(ticket);
            return None;
        }
        // A waker that found the thread awake took it out of the queue: the
        // next one would not find it. That happens although the condition
        // does not hold when a work is queued while its queue is frozen.
        if !queue.holds(ticket) {
            sleep.cancel();
            continue;
        }
        // A thread that slept as awake would hold up a freeze whose sweep
        // passed just before it announced its sleep.
        FREEZER.freezer_do_not_count(&FreezerHost, &*current());
        let ended = sleep.sleep();
        queue.leave(ticket);
        FREEZER.freezer_count(&FreezerHost, &*current());
        if ended.is_err() {
            return condition();
        }
    }
}
