//! Workqueues: functions that kernel threads run soon.
//!
//! A queue has one worker. A freezable queue's works do not begin while the
//! system is frozen; those that run then are waited for. The rules are
//! `kernel_core::workqueue::WorkFifo`'s (SPECIFICATION.md W1 to W4).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::Flags;
use kernel_core::workqueue::WorkFifo;

use super::refrigerator::{FREEZER, FreezerHost};
use super::{WaitQueue, kthread};
use kernel_machine::sync::{IrqSpinLock, Rank, SpinLock};

/// A function to be run once.
pub type Work = Box<dyn FnOnce() + Send>;

/// Whether a queue takes part in a freeze of the whole system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Freezable {
    /// Its works hold still during a freeze (`WQ_FREEZABLE`).
    Yes,
    /// It keeps running.
    No,
}

/// A queue of works and the place where its worker waits.
pub struct Workqueue {
    name: &'static str,
    works: IrqSpinLock<WorkFifo<Work>>,
    is_filled: WaitQueue,
    /// Waits for the queue to run empty.
    is_idle: WaitQueue,
}

static SYSTEM: spin::Once<Arc<Workqueue>> = spin::Once::new();
static SYSTEM_FREEZABLE: spin::Once<Arc<Workqueue>> = spin::Once::new();

/// Makes the queues that everybody may use. Called once, at boot.
///
/// # Errors
/// As [`Workqueue::new`].
pub fn init() -> Result<(), Errno> {
    let system = Workqueue::new("events", Freezable::No)?;
    SYSTEM.call_once(|| system);
    let freezable = Workqueue::new("events_freezable", Freezable::Yes)?;
    SYSTEM_FREEZABLE.call_once(|| freezable);
    Ok(())
}

/// The queue for works that go on during a freeze (Linux `system_wq`).
///
/// # Panics
/// Before [`init`].
pub fn system() -> &'static Workqueue {
    SYSTEM.get().expect("workqueues are made at boot")
}

/// The queue for works that hold still during a freeze (Linux
/// `system_freezable_wq`).
///
/// # Panics
/// Before [`init`].
pub fn system_freezable() -> &'static Workqueue {
    SYSTEM_FREEZABLE.get().expect("workqueues are made at boot")
}

/// All queues, for freezing.
static QUEUES: SpinLock<Vec<Arc<Workqueue>>> =
    SpinLock::with_rank(Rank::Process, Vec::new());

impl Workqueue {
    /// Makes a queue and starts its worker.
    ///
    /// # Errors
    /// `ENOMEM`, `EAGAIN`: no worker could be made.
    pub fn new(
        name: &'static str,
        freezable: Freezable,
    ) -> Result<Arc<Self>, Errno> {
        let is_freezable = freezable == Freezable::Yes;
        let works = WorkFifo::new(1, is_freezable);
        let queue = Arc::new(Self {
            name,
            works: IrqSpinLock::with_rank(Rank::Freezer, works),
            is_filled: WaitQueue::new(),
            is_idle: WaitQueue::new(),
        });
        let worker = queue.clone();
        let run = move || worker.run();
        kthread::kthread_run_with(name, Flags::WQ_WORKER, u32::MAX, run)?;
        QUEUES.lock().push(queue.clone());
        Ok(queue)
    }

    /// Appends a work. Any context may call it.
    pub fn queue_work(&self, work: impl FnOnce() + Send + 'static) {
        let mut works = self.works.lock();
        let activated = works.push(Box::new(work));
        if works.is_freezable() {
            FREEZER.works_activated(activated);
        }
        drop(works);
        self.is_filled.wake_one();
    }

    /// Waits until every work queued so far has run. Blocks until the thaw
    /// if the queue is frozen.
    pub fn flush(&self) {
        self.is_idle.wait_uninterruptible("flush_workqueue", || {
            (self.works.lock().is_empty()).then_some(())
        });
    }

    /// The worker's loop.
    fn run(&self) {
        loop {
            let take = || self.works.lock().take();
            let place = "worker_thread";
            let Some(work) =
                kthread::wait_event_freezable(&self.is_filled, place, take)
            else {
                return;
            };
            work();
            self.finish_one();
        }
    }

    fn finish_one(&self) {
        let mut works = self.works.lock();
        let activated = works.done();
        if works.is_freezable() {
            FREEZER.works_activated(activated);
            FREEZER.work_done(&FreezerHost);
        }
        let is_idle = works.is_empty();
        drop(works);
        if is_idle {
            self.is_idle.wake_all();
        }
    }

    fn thaw(&self) {
        let mut works = self.works.lock();
        let activated = works.thaw();
        if works.is_freezable() {
            FREEZER.works_activated(activated);
        }
        drop(works);
        // Of works that were active before, the worker knows.
        if activated != 0 {
            self.is_filled.wake_one();
        }
    }
}

/// Holds back new works of every freezable queue (SPECIFICATION.md W1).
pub fn freeze_workqueues_begin() {
    for queue in QUEUES.lock().iter() {
        queue.works.lock().freeze_begin();
    }
}

/// Lets them go on, in the order in which they came (SPECIFICATION.md W3).
pub fn thaw_workqueues() {
    for queue in QUEUES.lock().iter() {
        queue.thaw();
    }
}

/// Calls `visit` with the name of every freezable queue that is busy.
pub fn for_each_busy(mut visit: impl FnMut(&'static str, u32)) {
    for queue in QUEUES.lock().iter() {
        let works = queue.works.lock();
        if works.is_busy() {
            visit(queue.name, works.active());
        }
    }
}
