//! Moving work between CPUs: who takes, who gives, and when.
//!
//! | when | who acts | what moves |
//! |---|---|---|
//! | a CPU runs out of work | that CPU | a waiting task, to it ([`pull`]) |
//! | a tick, some CPU idles | the idle CPU, called | as above |
//! | a tick on a slow CPU, a fast one idles | the running task | itself |
//! | a turn is over, some CPU idles | the tick | a waiting task, to it |
//! | a turn is over, others are spread thinner | the tick | a waiting task |
//! | a turn is over, a crowd was here for long | the tick | who came first |
//!
//! The rules are `kernel_core::schedule::capacity`'s: speed counts, so that
//! equal tasks get equal shares of what all CPUs together can do; the last one
//! is `kernel_core::schedule::rotation`'s.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::schedule::capacity::{has_faster, pull_from_any};
use kernel_core::schedule::rotation::{Crowd, Member, Move};
use kernel_core::schedule::{Arrival, Machine};

use super::queue::{QUEUES, Queue, active_cpus, convert, idle_cpus};
use super::{Task, kick, place, queue, table};
use kernel_machine::arch;
use kernel_machine::arch::cpu::MAX_CPUS;
use kernel_machine::arch::thread::work;

/// How often a pulling CPU tries the other's lock. It never waits for it:
/// two CPUs could each hold what the other wants.
const PULL_TRIES: usize = 64;

/// Takes a waiting task for a CPU that has none, from the CPU that has the most
/// for its speed, among those where one may run here.
///
/// Only which queue is looked at is decided by hints; the move is made under
/// both queues' locks. A waker has no part in it: a waiting task's state is
/// running, so it finds nothing to wake. Whoever looks for the task (a change
/// of its nice value or its CPUs) locks the queue of the task's CPU, and asks
/// again if that has changed meanwhile; the freezer's sweep may pass between
/// the two queues, and then the task is looked at when this CPU takes it to
/// run (`recheck`). One that is still on the other CPU's stack stays: its
/// registers are not saved yet (model
/// `a_sleeper_is_placed_once_and_off_its_cpu`).
#[inline(never)]
pub(super) fn pull(queue: &mut Queue, cpu: usize) -> Option<Arc<Task>> {
    let waiting = QUEUES.iter().map(|other| other.waiting.load(Relaxed));
    if waiting.fold(0, |all, one| all | one) == 0 {
        return None;
    }
    pull_from_others(queue, cpu)
}

#[inline(never)]
fn pull_from_others(queue: &mut Queue, cpu: usize) -> Option<Arc<Task>> {
    let waiting = |other: usize| QUEUES[other].waiting.load(Relaxed);
    let take = |other: usize| take_from(other, queue, cpu);
    pull_from_any(cpu, MAX_CPUS, waiting, arch::smp::capacity, take)
}

/// Takes a task that waits on `from` and may run on `cpu`, whose queue is
/// `queue`.
fn take_from(from: usize, queue: &mut Queue, cpu: usize) -> Option<Arc<Task>> {
    let mut other = (0..PULL_TRIES).find_map(|_| {
        let guard = QUEUES[from].queue.try_lock();
        if guard.is_none() {
            arch::cpu::relax();
        }
        guard
    })?;
    let task = other.waiting.steal_last(|task| {
        task.allowed_cpus() & queue.own_bit != 0 && !task.is_on_cpu()
    })?;
    let mut entity = task.entity.lock();
    entity.leave(other.waiting.min_vruntime());
    convert(&mut entity, from, cpu);
    let now = arch::timer::now_ns();
    queue.waiting.place(&mut entity, Arrival::Moved, now);
    drop(entity);
    task.came_ns.store(now, Relaxed);
    // It is written under both locks: who looks for the task finds it in one
    // of the two.
    task.machine().cpu.store(cpu as u32, Relaxed);
    QUEUES[from].publish(&other);
    Some(task)
}

/// What a tick found to do for the balance.
pub(super) enum Advice {
    /// Nothing.
    Stay,
    /// An idle CPU should come and pull.
    Call(usize),
    /// The running task should leave for a faster CPU.
    MoveOn,
    /// The waiting task should go to that CPU.
    Push(Arc<Task>, usize),
    /// As `Push`, since the crowd goes round.
    Rotate(Arc<Task>, usize),
}

/// Looks at the queue at a tick of its CPU. `is_over` says that the running
/// task's turn is.
///
/// # Locks
/// The queue's is held.
pub(super) fn advise(
    queue: &mut Queue,
    running: &Task,
    is_over: bool,
    now: u64,
) -> Advice {
    let idle = idle_cpus() & active_cpus();
    if queue.waiting.is_empty() {
        let is_offered = idle != 0 && wants_faster(running, idle);
        queue.is_offered = is_offered;
        return if is_offered { Advice::MoveOn } else { Advice::Stay };
    }
    if let Some((task, cpu)) = idle_cpu_for(queue, idle) {
        // At the end of a turn the task would run here before a CPU that is
        // called has come, and the one that may not leave would wait.
        return match is_over {
            true => Advice::Push(task.clone(), cpu),
            false => Advice::Call(cpu),
        };
    }
    // A real-time task may never be done, and those that wait here never run.
    if !is_over && !queue.running.is_real_time() {
        return Advice::Stay;
    }
    push(queue, running, now).unwrap_or(Advice::Stay)
}

/// Does what [`advise`] found.
///
/// # Locks
/// None held; interrupts masked.
pub(super) fn follow(advice: Advice, running: &Task) {
    match advice {
        Advice::Stay => {}
        Advice::Call(cpu) => kick::request_reschedule(cpu),
        Advice::MoveOn => running.set_work(work::RESCHEDULE),
        Advice::Push(task, cpu) => {
            push_to(task, running.cpu(), cpu);
        }
        Advice::Rotate(task, cpu) => {
            if let Some(now) = push_to(task, running.cpu(), cpu) {
                QUEUES[cpu].visited_ns.store(now, Relaxed);
            }
        }
    }
}

/// Pushes the task, and notes when; `None` if it stayed.
fn push_to(task: Arc<Task>, from: usize, to: usize) -> Option<u64> {
    let is_pushed = place::push(&task, from, to);
    // Should the task have ended, whoever makes the next one frees it.
    let _ = table::defer_drop(task);
    if !is_pushed {
        return None;
    }
    let now = arch::timer::now_ns();
    for cpu in [from, to] {
        QUEUES[cpu].pushed_ns.store(now, Relaxed);
    }
    Some(now)
}

/// One of the first few waiting tasks, and an idle CPU that may run it. That
/// CPU pulled when it became idle, but these may have come since.
fn idle_cpu_for(queue: &Queue, idle: u32) -> Option<(&Arc<Task>, usize)> {
    if idle == 0 {
        return None;
    }
    queue.waiting.iter().take(8).find_map(|task| {
        let usable = task.allowed_cpus() & idle;
        (usable != 0).then(|| (task, usable.trailing_zeros() as usize))
    })
}

fn wants_faster(running: &Task, idle: u32) -> bool {
    let capacities = queue::capacities();
    let machine = Machine { idle, loads: &[], capacities: &capacities };
    has_faster(running.cpu(), running.allowed_cpus(), &machine)
}

/// So many waiting tasks are looked at.
const LOOKS: usize = 8;

/// A waiting task that is better off on another CPU, or whose turn it is to go
/// there.
fn push(queue: &Queue, running: &Task, now_ns: u64) -> Option<Advice> {
    let own = running.cpu();
    let (loads, capacities) = (queue::loads(), queue::capacities());
    let machine = Machine { idle: 0, loads: &loads, capacities: &capacities };
    let runner = member(running, queue.running.weight());
    let mut waiting = [runner; LOOKS];
    let mut count = 0;
    for (place, task) in waiting.iter_mut().zip(queue.waiting.iter()) {
        *place = member(task, task.entity.lock().weight());
        count += 1;
    }
    let crowd = Crowd {
        own,
        running: runner,
        waiting: &waiting[..count],
        pushed_ns: QUEUES[own].pushed_ns.load(Relaxed),
        now_ns,
    };
    let visited = |cpu: usize| QUEUES[cpu].visited_ns.load(Relaxed);
    let task = |index: usize| queue.waiting.iter().nth(index).cloned();
    match crowd.choose(&machine, visited)? {
        Move::Relief(index, to) => Some(Advice::Push(task(index)?, to)),
        Move::Rotation(index, to) => Some(Advice::Rotate(task(index)?, to)),
    }
}

fn member(task: &Task, weight: u32) -> Member {
    let came_ns = task.came_ns.load(Relaxed);
    let allowed = task.allowed_cpus() & active_cpus();
    Member { came_ns, allowed, weight }
}
