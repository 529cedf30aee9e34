//! Tasks: what CPUs run.
//!
//! A [`Task`] is what Linux calls a thread: a kernel stack, a place in the
//! scheduler, a state, the freezer's flags. What it runs for (a process, a
//! kernel thread's closure) belongs to layers above and hangs on
//! [`Task::owner`]. Read on in `task/scheduler.rs` (who runs),
//! `task/wake.rs` (how a sleeper becomes runnable), `task/wait.rs` (how to
//! sleep), `task/kthread.rs`, and `task/birth.rs` for how tasks are made.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod freezer;

use alloc::sync::{Arc, Weak};
use core::any::Any;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use kernel_core::freezer::TaskFreezer;
use kernel_core::schedule::Entity;
use kernel_core::wake::{self as handshake, WakeWords};

use kernel_machine::arch::thread::{Context, Threaded, work};
use kernel_machine::mm::AddressSpace;
use kernel_machine::mm::stack::KernelStack;
use kernel_machine::sync::{IrqSpinLock, Slot, SpinLock};

pub mod account;
pub mod alarm;
mod balance;
mod birth;
mod current;
pub mod hotplug;
pub mod kthread;
pub mod mutex;
mod name;
pub mod poll;
pub mod queue;
pub mod refrigerator;
pub mod scheduler;
pub mod selftest;
pub mod sleep;
pub mod table;
pub mod timer;
pub mod wait;
pub mod wake;
pub mod workqueue;

use refrigerator::Scheduler;

pub use birth::{NewTask, Numbered};
pub use current::{Current, current};
pub use mutex::Mutex;
pub use name::{NAME_LENGTH, Name};
pub use poll::PollTable;
pub use wait::{Interrupted, WaitError, WaitQueue};

/// A task's number, Linux's thread id. Positive; 0 is the idle tasks'.
pub type TaskId = u32;

/// States of a task, Linux's `TASK_*`: running (or ready to), asleep in one
/// of several depths, or dead. Bits, so that a wake-up can name several.
pub mod state {
    /// On a CPU or in a run queue.
    pub const RUNNING: u32 = super::handshake::RUNNING;
    /// Asleep until an event or a signal.
    pub const INTERRUPTIBLE: u32 = 1 << 0;
    /// Asleep until the event, whatever signals come.
    pub const UNINTERRUPTIBLE: u32 = 1 << 1;
    /// Stopped by a stop signal.
    pub const STOPPED: u32 = 1 << 2;
    /// Stopped for a tracer.
    pub const TRACED: u32 = 1 << 3;
    /// A kernel thread parked by `kthread_park`.
    pub const PARKED: u32 = 1 << 4;
    /// Ended; waits to be reaped or is gone.
    pub const DEAD: u32 = 1 << 5;
    /// Being woken: on its way into a run queue.
    pub const WAKING: u32 = super::handshake::WAKING;
    /// With [`UNINTERRUPTIBLE`]: a fatal signal wakes nevertheless.
    pub const WAKEKILL: u32 = 1 << 7;
    /// Asleep until the event or a fatal signal.
    pub const KILLABLE: u32 = UNINTERRUPTIBLE | WAKEKILL;
    /// What an ordinary wake-up wakes.
    pub const NORMAL: u32 = INTERRUPTIBLE | UNINTERRUPTIBLE;
}

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
    context: Context,
    this: Weak<Task>,
    /// Its number, given back with the task.
    id: table::Id,
    /// Its share of the room in all queues, given back with the task.
    _room: Option<queue::Room>,
    kind: Kind,
    /// Nanoseconds on the monotonic clock when it was made.
    pub start_ns: u64,

    /// The state and the rest of the handshake between sleeping and waking;
    /// `kernel_core::wake` says who writes what under which lock.
    wake: WakeWords,
    /// Wakers take turns.
    wake_lock: IrqSpinLock<()>,

    /// Place in the order of virtual run time. Only under a run queue's
    /// lock, hence with interrupts masked; while the task runs, the queue
    /// has it.
    entity: SpinLock<Entity>,
    /// CPUs it may run on, bit n for CPU n.
    allowed: AtomicU32,
    /// Times it was switched out by its own sleep, and by others' turn.
    voluntary_switches: AtomicU64,
    involuntary_switches: AtomicU64,
    /// Nanoseconds that ticks charged to the kernel.
    system_ns: AtomicU64,
    /// Each of its ticks makes it look at timers of CPU time.
    pub watches_time: AtomicBool,

    /// The freezer's flags and count of this task.
    pub freezer: TaskFreezer,
    /// Index in the refrigerator's list, under its lock.
    refrigerator_place: AtomicU32,
    /// Requests to a kernel thread (see `kthread.rs`).
    kthread: kthread::Requests,
    name: SpinLock<Name>,
    /// What it sleeps in, for `wchan` and the freezer's report.
    waits_in: SpinLock<&'static str>,
    /// What user mode sees while this task runs; `None` for kernel threads.
    /// The CPU that switches to the task takes it while a waker may wait for
    /// that CPU to leave the task before, so nobody holds it for the length
    /// of an interrupt.
    space: IrqSpinLock<Option<Arc<AddressSpace>>>,
    /// What the layer above keeps for this task.
    owner: Slot,
    /// Given back when the last reference ends, hence never under its user.
    _stack: Option<KernelStack>,
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

    /// Bits of [`state`].
    #[inline]
    pub fn state(&self) -> u32 {
        self.wake.state()
    }

    /// Takes back what [`Task::set_state`] announced.
    #[inline]
    pub fn run_on(&self) {
        self.wake.run_on();
    }

    /// Announces how the current task is about to sleep, before it tests its
    /// condition a last time; a full barrier stands between the two.
    #[inline]
    pub fn set_state(&self, state: u32) {
        self.wake.announce::<Scheduler>(state);
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

    /// What it sleeps in (`""` while it runs).
    pub fn waits_in(&self) -> &'static str {
        *self.waits_in.lock()
    }

    fn set_waits_in(&self, place: &'static str) {
        *self.waits_in.lock() = place;
    }

    /// Its user memory.
    pub fn space(&self) -> Option<Arc<AddressSpace>> {
        self.space.lock().clone()
    }

    /// Lets this CPU see the task's user memory; nothing, if it has none. So
    /// no CPU keeps tables in use that may be freed.
    #[inline]
    fn activate_space(&self) {
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
        self.owner.fill(owner);
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

    /// CPUs that it may be placed on now: those of its affinity that are on,
    /// or any if none of these is (Linux `select_fallback_rq`). The affinity
    /// stays, so the task goes back when one of its CPUs does.
    #[inline(always)]
    pub fn usable_cpus(&self) -> u32 {
        let active = queue::active_cpus();
        match self.allowed_cpus() & active {
            0 => active,
            usable => usable,
        }
    }

    /// Nice value, -20 to 19.
    pub fn nice(&self) -> i8 {
        account::account(self).nice()
    }

    /// Nanoseconds in user mode and in the kernel. Where the two change is
    /// too busy a place for a clock, so ticks tell them apart: time between
    /// two ticks counts as spent where the second one found the task.
    pub fn times_ns(&self) -> (u64, u64) {
        let total_ns = account::account(self).total_ns();
        match self.kind {
            Kind::User => {
                let system_ns = self.system_ns.load(Relaxed).min(total_ns);
                (total_ns - system_ns, system_ns)
            }
            Kind::Kernel | Kind::Idle => (0, total_ns),
        }
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
