//! Per-CPU timers: deadlines of sleeping tasks and the tick of busy CPUs, all
//! from the one-shot generic timer.
//!
//! The hardware is set again only for an earlier deadline than it is set to;
//! when it fires with nothing due, it is set to the next. So switching tasks
//! and cancelling time-outs touch no register, and an idle CPU gets no
//! interrupt but for a deadline.

use alloc::sync::Arc;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::timer::{Key, TimerQueue};

use super::table::Grave;
use super::{Task, scheduler, table, wake, workqueue};
use crate::arch;
use crate::arch::cpu::MAX_CPUS;
use crate::sync::{IrqSpinLock, Rank};

/// One CPU's timers. `armed` and `tick` belong to the CPU itself, with
/// interrupts masked.
struct CpuTimers {
    queue: IrqSpinLock<TimerQueue<Arc<Task>>>,
    /// What the hardware is set to, ns; `u64::MAX` if it is off.
    armed: AtomicU64,
    /// When the running task's turn is looked at, ns; `u64::MAX` if idle.
    tick: AtomicU64,
}

static TIMERS: [CpuTimers; MAX_CPUS] = [const { CpuTimers::new() }; MAX_CPUS];

impl CpuTimers {
    const fn new() -> Self {
        Self {
            queue: IrqSpinLock::with_rank(Rank::Timer, TimerQueue::new()),
            armed: AtomicU64::new(u64::MAX),
            tick: AtomicU64::new(u64::MAX),
        }
    }

    /// Sets the hardware if `deadline` comes before what it is set to.
    #[inline]
    fn arm(&self, deadline: u64) {
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

/// The timer interrupt's handler.
pub fn interrupt() {
    let timers = &TIMERS[arch::cpu::id()];
    timers.armed.store(u64::MAX, Relaxed);
    let now = arch::timer::now_ns();
    loop {
        let expired = timers.queue.lock().pop_expired(now);
        let Some(task) = expired else { break };
        wake::wake_up(&task);
        if table::bury(task) == Grave::Filled {
            workqueue::system().queue_work(table::exhume);
        }
    }
    if now >= timers.tick.load(Relaxed) {
        scheduler::tick(now);
    }
    let next = timers.queue.lock().next_deadline().unwrap_or(u64::MAX);
    match next.min(timers.tick.load(Relaxed)) {
        u64::MAX => arch::timer::cancel(),
        deadline => timers.arm(deadline),
    }
}
