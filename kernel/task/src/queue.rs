//! Run queues: what each CPU runs and has waiting, and what others may know
//! of it.
//!
//! A queue changes under its lock, with interrupts masked. What is read
//! without it (how many wait, which CPUs idle) is a hint: it may be old when
//! it is used, and a wrong choice made with it costs time, nothing else.
//!
//! Two masks say which CPUs there are. A CPU is *active* while tasks are
//! placed on it, and *online* while it may hold any: one that goes away stops
//! being active first and online last, and one that comes is both at once.
//! Why nobody stays behind: `kernel_core::schedule::admission`.
//!
//! Next to read: `scheduler.rs`; `hotplug.rs`, how CPUs come and go.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};

use kernel_core::schedule::{Arrival, Company, Division, Entity, RunQueue};

use super::Task;
use super::kick::request_reschedule;
use super::timer::TICK_NS;
use kernel_machine::arch;
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::sync::{IrqSpinLock, Rank};

/// What one CPU runs and has waiting.
pub(super) struct Queue {
    pub(super) waiting: RunQueue<Arc<Task>>,
    /// The running task's account; moves back to the task when it leaves.
    pub(super) running: Entity,
    /// The running task; `None` while the idle task runs.
    pub(super) running_task: Option<Arc<Task>>,
    pub(super) idle_task: Option<Arc<Task>>,
    /// The bit of this CPU in masks while the queue is open: while tasks may
    /// enter it and run on; else 0.
    pub(super) own_bit: u32,
    /// The running task, which nobody here competes with, should leave for a
    /// faster CPU that idles.
    pub(super) is_offered: bool,
    /// The running task, of `SCHED_RR`, makes way for its equals.
    pub(super) turn_is_over: bool,
    /// When the running task came in, ns.
    pub(super) switched_in_ns: u64,
    /// Nanoseconds the idle task ran.
    pub(super) idle_ns: u64,
    /// How the other time divides.
    pub(super) division: Division,
    pub(super) switches: u64,
}

/// A CPU's queue and what others may read of it without the lock.
pub(super) struct CpuQueue {
    pub(super) queue: IrqSpinLock<Queue>,
    /// Number of waiting tasks, a hint for idle CPUs.
    pub(super) waiting: AtomicU32,
    /// Sum of the weights of waiting and running tasks, a hint for placement.
    pub(super) load: AtomicU64,
    /// When a task was last pushed to or from this queue, ns.
    pub(super) pushed_ns: AtomicU64,
    /// When the crowd came here last (`kernel_core::schedule::rotation`), ns.
    pub(super) visited_ns: AtomicU64,
}

impl Queue {
    /// How long the running task may go on until its turn is looked at.
    #[inline]
    pub(super) fn turn_ns(&self) -> u64 {
        if self.waiting.len() <= 1 {
            return TICK_NS;
        }
        let load = self.waiting.load();
        self.running.slice_ns(self.waiting.len(), load).min(TICK_NS)
    }
}

/// Every CPU's queue.
pub(super) static QUEUES: [CpuQueue; MAX_CPUS] =
    [const { CpuQueue::new() }; MAX_CPUS];

/// CPUs whose idle task runs, a hint for placement.
pub(super) static IDLE_CPUS: AtomicU32 = AtomicU32::new(0);
/// CPUs that tasks are placed on.
static ACTIVE_CPUS: AtomicU32 = AtomicU32::new(0);
/// CPUs whose queue may hold tasks.
static ONLINE_CPUS: AtomicU32 = AtomicU32::new(0);

impl CpuQueue {
    const fn new() -> Self {
        let queue = Queue {
            waiting: RunQueue::new(),
            running: Entity::idle(),
            running_task: None,
            idle_task: None,
            own_bit: 0,
            is_offered: false,
            turn_is_over: false,
            switched_in_ns: 0,
            idle_ns: 0,
            division: Division::new(),
            switches: 0,
        };
        Self {
            queue: IrqSpinLock::with_rank(Rank::RunQueue, queue),
            waiting: AtomicU32::new(0),
            load: AtomicU64::new(0),
            pushed_ns: AtomicU64::new(0),
            visited_ns: AtomicU64::new(0),
        }
    }

    /// Publishes the hints. Call before releasing the lock.
    pub(super) fn publish(&self, queue: &Queue) {
        self.waiting.store(queue.waiting.len() as u32, Relaxed);
        let mut load = queue.waiting.load();
        if queue.running_task.is_some() {
            load += u64::from(queue.running.weight());
        }
        self.load.store(load, Relaxed);
    }
}

/// Lets other CPUs' schedulers use this one; the caller is its idle task.
pub(super) fn bring_online(idle: &Arc<Task>) {
    let cpu = idle.cpu();
    let mut queue = QUEUES[cpu].queue.lock();
    queue.idle_task = Some(idle.clone());
    queue.own_bit = 1 << cpu;
    drop(queue);
    IDLE_CPUS.fetch_or(1 << cpu, Relaxed);
    ONLINE_CPUS.fetch_or(1 << cpu, Release);
    ACTIVE_CPUS.fetch_or(1 << cpu, Release);
}

/// Nobody chooses `cpu` for a task from now on, but for those who have
/// chosen already.
pub(super) fn hide(cpu: usize) {
    ACTIVE_CPUS.fetch_and(!(1 << cpu), Release);
}

/// Nobody enters the queue of `cpu` from now on.
pub(super) fn close(cpu: usize) {
    QUEUES[cpu].queue.lock().own_bit = 0;
}

/// This CPU, whose idle task runs, holds no task and will get none. The time
/// until it comes back counts as idle.
pub(super) fn go_offline(cpu: usize) {
    let queue = QUEUES[cpu].queue.lock();
    debug_assert!(queue.waiting.is_empty() && queue.running_task.is_none());
    drop(queue);
    IDLE_CPUS.fetch_and(!(1 << cpu), Relaxed);
    ONLINE_CPUS.fetch_and(!(1 << cpu), Release);
}

/// Puts a task that is in no queue into that of `cpu`; false if that is
/// closed (`kernel_core::schedule::admission`).
///
/// # Locks
/// Its wake lock is held, or nobody else knows the task yet.
#[must_use]
#[inline(always)]
pub(super) fn enqueue(task: &Arc<Task>, cpu: usize, arrival: Arrival) -> bool {
    let entry = &QUEUES[cpu];
    let mut guard = entry.queue.lock();
    let queue = &mut *guard;
    if queue.own_bit == 0 {
        return false;
    }
    let is_idle = queue.running_task.is_none();
    let comes_back = task.cpu() == cpu;
    let now = match arrival {
        // Whoever stood still, and comes back to a CPU that did so too, does
        // not ask for the time.
        Arrival::Thawed if is_idle && comes_back => 0,
        _ => arch::timer::now_ns(),
    };
    if !is_idle {
        queue.running.charge(now);
        queue.waiting.advance(&queue.running);
    }
    let mut entity = task.entity.lock();
    if !comes_back {
        convert(&mut entity, task.cpu(), cpu);
        task.came_ns.store(now, Relaxed);
    }
    queue.waiting.place(&mut entity, arrival, now);
    let preempts = match is_idle {
        // Whoever found the queue of an idle CPU empty calls it, right after
        // this lock; others need not, until it has come and taken a task. It
        // takes one under this lock, so a queue that is filled while its idle
        // task runs has been called for or is about to be.
        true => queue.waiting.is_empty(),
        false => queue.waiting.preempts(&entity, &queue.running),
    };
    task.context.cpu.store(cpu as u32, Relaxed);
    task.wake.arrive();
    let company = match arrival {
        Arrival::Thawed if is_idle => Company::Crowd,
        _ => Company::Alone,
    };
    queue.waiting.push_one_of(task.clone(), &entity, company);
    drop(entity);
    entry.publish(queue);
    drop(guard);
    if preempts {
        request_reschedule(cpu);
    }
    true
}

/// Restates an account that left the queue of `from` for the speed of `to`.
#[inline]
pub(super) fn convert(entity: &mut Entity, from: usize, to: usize) {
    let speeds = (arch::smp::capacity(from), arch::smp::capacity(to));
    if speeds.0 != speeds.1 {
        entity.convert(speeds.0, speeds.1);
    }
}

/// CPUs that may run tasks, bit n for CPU n.
pub fn online_cpus() -> u32 {
    ONLINE_CPUS.load(Acquire)
}

/// CPUs that tasks are placed on, bit n for CPU n.
pub fn active_cpus() -> u32 {
    ACTIVE_CPUS.load(Acquire)
}

impl Task {
    /// CPUs that it may be placed on now: those of its affinity that are on,
    /// or any if none of these is (Linux `select_fallback_rq`). The affinity
    /// stays, so the task goes back when one of its CPUs does.
    #[inline(always)]
    pub fn usable_cpus(&self) -> u32 {
        let active = active_cpus();
        match self.allowed_cpus() & active {
            0 => active,
            usable => usable,
        }
    }
}

/// CPUs that have nothing to do, bit n for CPU n; a hint.
pub fn idle_cpus() -> u32 {
    IDLE_CPUS.load(Relaxed)
}

/// Sums of the weights of each CPU's tasks, a hint.
pub(super) fn loads() -> [u64; MAX_CPUS] {
    core::array::from_fn(|cpu| QUEUES[cpu].load.load(Relaxed))
}

/// The speed of each CPU, 1024 for the fastest kind.
pub(super) fn capacities() -> [u32; MAX_CPUS] {
    core::array::from_fn(arch::smp::capacity)
}

/// Number of tasks that run or wait to, on all CPUs.
pub fn runnable() -> usize {
    let online = online_cpus();
    let busy = (online & !idle_cpus()).count_ones();
    let waiting = QUEUES.iter().map(|cpu| cpu.waiting.load(Relaxed));
    busy as usize + waiting.sum::<u32>() as usize
}

/// What a CPU did since boot.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    /// Switches between tasks.
    pub switches: u64,
    /// Nanoseconds with nothing to do.
    pub idle_ns: u64,
    /// Nanoseconds in user mode, as the ticks found it.
    pub user_ns: u64,
    /// Nanoseconds in the kernel, as they found it.
    pub system_ns: u64,
}

/// What `cpu` did.
pub fn statistics(cpu: usize) -> Statistics {
    let queue = QUEUES[cpu].queue.lock();
    let now = arch::timer::now_ns();
    let mut idle_ns = queue.idle_ns;
    if queue.running_task.is_none() {
        idle_ns += now.saturating_sub(queue.switched_in_ns);
    }
    let busy_ns = now.saturating_sub(idle_ns);
    let (user_ns, system_ns) = queue.division.divide(busy_ns);
    Statistics { switches: queue.switches, idle_ns, user_ns, system_ns }
}

/// Whether a runnable task is on a CPU now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Running {
    /// It waits for a CPU.
    No,
    /// This CPU runs it.
    On(usize),
}

/// Calls `visit` for every task that runs or waits to run, except idle ones.
///
/// # Locks
/// Holds each queue's lock in turn. A task that moves meanwhile may be seen
/// twice or not at all; the freezer's sweep says why that is enough.
pub fn for_each_runnable(mut visit: impl FnMut(&Arc<Task>, Running)) {
    let online = online_cpus();
    for (cpu, entry) in QUEUES.iter().enumerate() {
        if online & 1 << cpu == 0 {
            continue;
        }
        let queue = entry.queue.lock();
        queue.waiting.iter().for_each(|task| visit(task, Running::No));
        if let Some(task) = &queue.running_task {
            visit(task, Running::On(cpu));
        }
    }
}

/// A task that waits on `cpu`.
pub(super) fn any_waiting(cpu: usize) -> Option<Arc<Task>> {
    QUEUES[cpu].queue.lock().waiting.peek().cloned()
}

/// Runs `body` under the lock of the queue of `cpu`.
pub(super) fn with_lock<R>(cpu: usize, body: impl FnOnce() -> R) -> R {
    let _queue = QUEUES[cpu].queue.lock();
    body()
}
