//! Per-CPU timers: deadlines of sleeping tasks and the tick of busy CPUs, all
//! from the one-shot generic timer.
//!
//! The hardware is set again only for an earlier deadline than it is set to;
//! when it fires with nothing due, it is set to the next. So switching tasks
//! and cancelling time-outs touch no register, and an idle CPU gets no
//! interrupt but for a deadline.
//!
//! The timers of a CPU that goes off stay in its queue, where their handles
//! point; another CPU, its successor, looks at that queue too, until its owner
//! is back. Both may look at the same time: each timer expires once, under the
//! queue's lock.
//!
//! Next to read: `tick.rs`, the interrupt.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{AcqRel, Relaxed};
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_abi::Errno;
use kernel_core::timer::{Key, TimerQueue};

use super::Task;
use kernel_machine::arch;
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// How often a busy CPU looks whether its task's turn is over, ns.
pub(super) const TICK_NS: u64 = 4_000_000;

/// One CPU's timers. `armed` and `tick` belong to the CPU itself, with
/// interrupts masked.
pub(super) struct CpuTimers {
    queue: IrqSpinLock<TimerQueue<Arc<Task>>>,
    /// What the hardware is set to, ns; `u64::MAX` if it is off.
    pub(super) armed: AtomicU64,
    /// When the running task's turn is looked at, ns; `u64::MAX` if idle.
    pub(super) tick: AtomicU64,
    /// CPUs whose queues this CPU looks at, bit n for CPU n.
    pub(super) served: AtomicU32,
}

pub(super) static TIMERS: [CpuTimers; MAX_CPUS] =
    [const { CpuTimers::new() }; MAX_CPUS];

impl CpuTimers {
    const fn new() -> Self {
        Self {
            queue: IrqSpinLock::with_rank(Rank::Timer, TimerQueue::new()),
            armed: AtomicU64::new(u64::MAX),
            tick: AtomicU64::new(u64::MAX),
            served: AtomicU32::new(0),
        }
    }

    /// Sets the hardware if `deadline` comes before what it is set to.
    #[inline]
    pub(super) fn arm(&self, deadline: u64) {
        if deadline < self.armed.load(Relaxed) {
            self.armed.store(deadline, Relaxed);
            arch::timer::set_deadline_ns(deadline);
        }
    }
}

/// A pending timer; see [`cancel`].
#[derive(Clone, Copy)]
pub struct Handle {
    cpu: usize,
    key: Key,
}

/// Makes room for one timer of each of `tasks` tasks on every CPU.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn reserve(tasks: usize) -> Result<(), Errno> {
    let reserved =
        TIMERS.iter().all(|cpu| cpu.queue.lock().try_reserve(tasks).is_ok());
    if reserved { Ok(()) } else { Err(Errno::ENOMEM) }
}

/// Wakes `task` at `deadline_ns`, or as soon after as this CPU takes
/// interrupts; at once if that is past.
///
/// # Errors
/// `ENOMEM` if there is no room for another timer; nothing will happen.
pub fn start(deadline_ns: u64, task: Arc<Task>) -> Result<Handle, Errno> {
    let flags = arch::irq::mask();
    let cpu = arch::cpu::id();
    let timers = &TIMERS[cpu];
    let key = timers.queue.lock().insert(deadline_ns, task);
    if key.is_ok() {
        timers.arm(deadline_ns);
    }
    arch::irq::restore(flags);
    let key = key.map_err(|_| Errno::ENOMEM)?;
    Ok(Handle { cpu, key })
}

/// Takes a timer back. False if it has expired already.
pub fn cancel(handle: Handle) -> bool {
    let task = TIMERS[handle.cpu].queue.lock().cancel(handle.key);
    task.is_some()
}

/// Sets this CPU's tick. Interrupts are masked.
#[inline]
pub(super) fn arm_tick(deadline_ns: u64) {
    let timers = &TIMERS[arch::cpu::id()];
    timers.tick.store(deadline_ns, Relaxed);
    timers.arm(deadline_ns);
}

/// Ends this CPU's tick: it is about to idle. Interrupts are masked.
pub(super) fn end_tick() {
    TIMERS[arch::cpu::id()].tick.store(u64::MAX, Relaxed);
}

/// The deadlines of one CPU.
pub(super) type Queue = IrqSpinLock<TimerQueue<Arc<Task>>>;

/// The queues of the CPUs of a mask.
pub(super) fn queues(mut cpus: u32) -> impl Iterator<Item = &'static Queue> {
    core::iter::from_fn(move || {
        let timers = TIMERS.get(cpus.trailing_zeros() as usize)?;
        cpus &= cpus - 1;
        Some(&timers.queue)
    })
}

/// This CPU has come: its timers are its own again. Interrupts are masked, and
/// its caller looks at them now (`tick.rs`).
pub(super) fn take_over(cpu: usize) {
    for other in &TIMERS {
        other.served.fetch_and(!(1 << cpu), AcqRel);
    }
    TIMERS[cpu].served.fetch_or(1 << cpu, AcqRel);
}

/// This CPU goes off: `successor` looks after what it looked after. Interrupts
/// are masked, and only the idle task runs here any more, which starts no
/// timer.
pub(super) fn hand_over(cpu: usize, successor: usize) {
    let timers = &TIMERS[cpu];
    let served = timers.served.swap(0, AcqRel);
    TIMERS[successor].served.fetch_or(served, AcqRel);
    timers.tick.store(u64::MAX, Relaxed);
    timers.armed.store(u64::MAX, Relaxed);
    arch::timer::cancel();
    arch::gic::send_ipi(successor, arch::gic::Ipi::Timers);
}
