//! A task: what Linux calls a thread.
//!
//! A [`Task`] is a kernel stack, a place in the scheduler, a state, the
//! freezer's flags. Here is what it is made of and what can be read of it at
//! any time; what needs the run queues, a wake-up or the freezer stands with
//! them. Next to read: `birth.rs`, how tasks are made.

use alloc::sync::{Arc, Weak};
use core::any::Any;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use kernel_core::freezer::TaskFreezer;
use kernel_core::kthread::KthreadControl;
use kernel_core::schedule::{Division, Entity};
use kernel_core::wake::WakeWords;
use kernel_machine::arch::thread::{Context, Threaded, work};
use kernel_machine::mm::AddressSpace;
use kernel_machine::mm::stack::KernelStack;
use kernel_machine::sync::{Attachment, IrqSpinLock, SpinLock};

use super::id::{Id, TaskId};
use super::name::Name;
use super::room::Room;

/// What kind of code a task runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A thread of a user process.
    User,
    /// A kernel thread.
    Kernel,
    /// What a CPU runs when nothing else wants it; never sleeps.
    Idle,
}

/// One schedulable thread of control.
pub struct Task {
    pub(super) context: Context,
    pub(super) this: Weak<Task>,
    /// Its number, given back with the task.
    pub(super) id: Id,
    /// Its share of the room in all queues, given back with the task.
    pub(super) _room: Option<Room>,
    pub(super) kind: Kind,
    /// Nanoseconds on the monotonic clock when it was made.
    pub start_ns: u64,

    /// The state and the rest of the handshake between sleeping and waking;
    /// `kernel_core::wake` says who writes what under which lock.
    pub(super) wake: WakeWords,
    /// Wakers take turns.
    pub(super) wake_lock: IrqSpinLock<()>,

    /// Place in the order of virtual run time. It is locked only under a run
    /// queue's lock, hence with interrupts masked; while the task runs, the
    /// queue has it.
    pub(super) entity: SpinLock<Entity>,
    /// CPUs it may run on, bit n for CPU n.
    pub(super) allowed: AtomicU32,
    /// When it came to the CPU that it is on, ns. It is written under that
    /// CPU's queue's lock.
    pub(super) came_ns: AtomicU64,
    /// Times it was switched out by its own sleep, and by others' turn.
    pub(super) voluntary_switches: AtomicU64,
    pub(super) involuntary_switches: AtomicU64,
    /// How its time divides into user mode and kernel.
    pub(super) division: Division,
    /// Each of its ticks makes it look at timers of CPU time.
    pub watches_time: AtomicBool,

    /// The freezer's flags and count of this task.
    pub freezer: TaskFreezer,
    /// Index in the refrigerator's list, under its lock.
    pub(super) refrigerator_place: AtomicU32,
    /// Requests to a kernel thread (see `kthread.rs`).
    pub(super) kthread: KthreadControl,
    pub(super) name: SpinLock<Name>,
    /// What it sleeps in, for `wchan` and the freezer's report.
    pub(super) waits_in: SpinLock<&'static str>,
    /// What user mode sees while this task runs; `None` for kernel threads.
    /// The CPU that switches to the task takes it while a waker may wait for
    /// that CPU to leave the task before, so nobody holds it for the length
    /// of an interrupt.
    pub(super) space: IrqSpinLock<Option<Arc<AddressSpace>>>,
    /// What the layer above keeps for this task.
    pub(super) owner: Attachment,
    /// Given back when the last reference ends, hence never under its user.
    pub(super) _stack: Option<KernelStack>,
}

impl Threaded for Task {
    #[inline(always)]
    fn context(&self) -> &Context {
        &self.context
    }
}

impl Task {
    /// The number by which user space and logs know it.
    #[inline]
    pub fn id(&self) -> TaskId {
        self.id.get()
    }

    /// A counted reference, unless the task is being dropped.
    pub fn to_arc(&self) -> Option<Arc<Task>> {
        self.this.upgrade()
    }

    /// What kind of code it runs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// True for a thread of a user process.
    pub fn is_user(&self) -> bool {
        self.kind == Kind::User
    }

    /// Bits of [`state`](super::state).
    #[inline]
    pub fn state(&self) -> u32 {
        self.wake.state()
    }

    /// Takes back what [`Task::set_state`] announced.
    #[inline]
    pub fn run_on(&self) {
        self.wake.run_on();
    }

    /// The CPU it runs on or ran on last.
    #[inline]
    pub fn cpu(&self) -> usize {
        self.context.cpu.load(Relaxed) as usize
    }

    /// True while a CPU runs it.
    #[inline]
    pub fn is_on_cpu(&self) -> bool {
        self.wake.is_on_cpu()
    }

    /// The name as bytes, without padding.
    pub fn name(&self) -> Name {
        *self.name.lock()
    }

    /// Renames it; cut to [`NAME_LENGTH`] bytes.
    pub fn set_name(&self, name: &[u8]) {
        *self.name.lock() = Name::new(name);
    }

    /// What it sleeps in; `""` if it runs, or is about to.
    pub fn sleeps_in(&self) -> &'static str {
        let runs = self.state() == super::state::RUNNING || self.is_on_cpu();
        if runs { "" } else { self.waits_in() }
    }

    /// What it waits in, asleep, or awake to look whether it is over (`""` if
    /// it does not wait).
    pub fn waits_in(&self) -> &'static str {
        *self.waits_in.lock()
    }

    pub(super) fn set_waits_in(&self, place: &'static str) {
        *self.waits_in.lock() = place;
    }

    /// Its user memory.
    #[inline(always)]
    pub fn space(&self) -> Option<Arc<AddressSpace>> {
        self.space.lock().clone()
    }

    /// Lets this CPU see the task's user memory; nothing, if it has none. So
    /// no CPU keeps tables in use that may be freed.
    #[inline]
    pub(super) fn activate_space(&self) {
        match self.space.lock().as_ref() {
            Some(space) => space.activate(),
            None => AddressSpace::deactivate(),
        }
    }

    /// What the layer above keeps, if it is a `T`.
    #[inline]
    pub fn owner<T: Any>(&self) -> Option<&T> {
        self.owner.get()
    }

    /// Hangs the layer above's part onto a new task, once.
    pub fn set_owner<T: Any + Send + Sync>(&self, owner: Arc<T>) {
        self.owner.attach(owner);
    }

    /// True if a signal waits to be looked at.
    #[inline]
    pub fn signal_pending(&self) -> bool {
        self.context.work.load(SeqCst) & work::SIGNAL != 0
    }

    /// True if a signal will end the task.
    #[inline]
    pub fn fatal_signal_pending(&self) -> bool {
        self.context.work.load(SeqCst) & work::FATAL != 0
    }

    /// What waits to be done before it returns to user mode: bits of
    /// [`work`].
    #[inline]
    pub fn pending_work(&self) -> u32 {
        self.context.work.load(Relaxed)
    }

    /// Sets bits of [`work`].
    #[inline]
    pub fn set_work(&self, bits: u32) {
        self.context.set_work(bits);
    }

    /// Clears bits of [`work`].
    #[inline]
    pub fn clear_work(&self, bits: u32) {
        self.context.clear_work(bits);
    }

    /// CPUs it may run on, bit n for CPU n.
    pub fn allowed_cpus(&self) -> u32 {
        self.allowed.load(Relaxed)
    }

    /// Switches by its own sleep, and by others' turn.
    pub fn switches(&self) -> (u64, u64) {
        let voluntary = self.voluntary_switches.load(Relaxed);
        (voluntary, self.involuntary_switches.load(Relaxed))
    }

    /// What machine code knows of it.
    pub fn machine(&self) -> &Context {
        &self.context
    }
}
