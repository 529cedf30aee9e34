//! The scheduler: which task runs on which CPU, and the one function
//! through which every switch passes.
//!
//! Each CPU has a queue of tasks that wait for it, ordered by virtual run
//! time (policy: `kernel_core::schedule`), and runs the one with the best
//! claim. [`schedule`] charges the running task, chooses, switches. It is
//! called by a task that goes to sleep, on the way back to user mode when
//! [`work::RESCHEDULE`] is set, and by idle tasks. The kernel itself is never
//! preempted, so what a CPU has of its own needs no lock against others on
//! the same CPU except interrupt handlers.
//!
//! The queues themselves are in `queue.rs`; how work moves between them is in
//! `balance.rs`. Next to read: `wake.rs`, the other half of the protocol.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use super::balance::pull;
use super::place::place_moved;
use super::queue::{IDLE_CPUS, QUEUES, Queue};
use super::refrigerator::{self, FREEZER, FreezerHost};
use super::{Kind, Task, current, state, stretch, timer, wake};
use kernel_machine::arch::thread::{self, Last, work};
use kernel_machine::arch::{self, irq};
use kernel_machine::sync::IrqSpinLockGuard;
use kernel_machine::sync::rank::debug_check_no_locks_held;
use kernel_machine::trace;

/// How the running task leaves its CPU.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// It sleeps, if its state says so; else it goes on unless another has
    /// the better claim.
    AsState,
    /// It lets all others go first (`sched_yield`).
    Yield,
}

/// Gives the CPU to the task with the best claim. A task whose state is not
/// running sleeps until it is woken; returns when it runs again.
///
/// # Locks
/// None may be held.
pub fn schedule() {
    switch(Leave::AsState);
}

/// Lets the other runnable tasks of this CPU run first (`sched_yield(2)`).
pub fn yield_now() {
    switch(Leave::Yield);
}

fn switch(leave: Leave) {
    debug_check_no_locks_held();
    let stretch = stretch::leave();
    let flags = irq::mask();
    let previous = current();
    if previous.context.work.load(Relaxed) & work::RESCHEDULE != 0 {
        previous.clear_work(work::RESCHEDULE);
    }
    let cpu = previous.cpu();
    let entry = &QUEUES[cpu];
    let mut queue = entry.queue.lock();
    let now = arch::timer::now_ns();
    let next = choose(&mut queue, cpu, &previous, leave, now);
    entry.publish(&queue);
    match next {
        None => drop(queue),
        Some(next) => {
            let turn_ns = queue.turn_ns();
            switch_to(queue, next, cpu, &previous, now + turn_ns);
        }
    }
    irq::restore(flags);
    stretch::resume(stretch);
}

/// Decides who runs next; `None` lets `previous` go on. Charges `previous`
/// and, when it leaves, puts it where it belongs.
fn choose(
    queue: &mut Queue,
    cpu: usize,
    previous: &Task,
    leave: Leave,
    now: u64,
) -> Option<Arc<Task>> {
    let next = if previous.kind == Kind::Idle {
        pop_or_pull(queue, cpu)?
    } else {
        queue.running.charge(now);
        let sleeps = previous.wake.depart(|it| cancels_sleep(previous, it));
        if !sleeps {
            compete(queue, cpu, previous, leave)?
        } else {
            retire(queue, previous);
            pop_or_pull(queue, cpu)
                .or_else(|| queue.idle_task.clone())
                .expect("an online CPU has an idle task")
        }
    };
    exchange_accounts(queue, previous, &next, now);
    next.wake.enter_cpu();
    next.context.cpu.store(cpu as u32, Relaxed);
    Some(next)
}

/// Whether a signal that came between announcing a sleep and sleeping
/// cancels it.
fn cancels_sleep(task: &Task, sleeping: u32) -> bool {
    let interrupted =
        sleeping & state::INTERRUPTIBLE != 0 && task.signal_pending();
    let killed = sleeping & state::WAKEKILL != 0 && task.fatal_signal_pending();
    interrupted || killed
}

/// A runnable task against those that wait: `None` if it goes on.
fn compete(
    queue: &mut Queue,
    cpu: usize,
    previous: &Task,
    leave: Leave,
) -> Option<Arc<Task>> {
    if previous.allowed_cpus() & queue.own_bit == 0 {
        return move_on(queue, cpu, previous);
    }
    let Some(next) = queue.waiting.next_key() else {
        if !queue.is_offered {
            return None;
        }
        queue.is_offered = false;
        return move_on(queue, cpu, previous);
    };
    if leave == Leave::Yield {
        queue.running.yield_to(next);
    }
    let gives_way = leave == Leave::Yield || queue.turn_is_over;
    if !queue.waiting.goes_before(&queue.running, gives_way) {
        return None;
    }
    previous.involuntary_switches.fetch_add(1, Relaxed);
    let item = queue.running_task.clone()?;
    let Queue { waiting, running, .. } = queue;
    Some(waiting.replace(item, running, gives_way))
}

/// The running task leaves this CPU, which its affinity does not name, which
/// goes away, or which is slower than one that idles. It has no place until
/// the next task finds it one (`finish`).
#[cold]
fn move_on(
    queue: &mut Queue,
    cpu: usize,
    previous: &Task,
) -> Option<Arc<Task>> {
    queue.running.leave(queue.waiting.min_vruntime());
    previous.wake.move_on();
    pop_or_pull(queue, cpu).or_else(|| queue.idle_task.clone())
}

/// The running task goes to sleep or ends.
fn retire(queue: &mut Queue, previous: &Task) {
    queue.waiting.advance(&queue.running);
    queue.running.leave(queue.waiting.min_vruntime());
    previous.voluntary_switches.fetch_add(1, Relaxed);
}

#[inline(always)]
fn pop_or_pull(queue: &mut Queue, cpu: usize) -> Option<Arc<Task>> {
    queue.waiting.pop().or_else(|| pull(queue, cpu))
}

/// The running account goes back to `previous`; that of `next` comes in.
fn exchange_accounts(
    queue: &mut Queue,
    previous: &Task,
    next: &Arc<Task>,
    now: u64,
) {
    if previous.kind == Kind::Idle {
        queue.idle_ns += now.saturating_sub(queue.switched_in_ns);
    } else {
        previous.entity.lock().assign(&queue.running);
        if queue.running.is_real_time() {
            queue.waiting.bill_real_time(queue.switched_in_ns, now);
        }
    }
    queue.running.assign(&next.entity.lock());
    queue.running.start(now);
    queue.switched_in_ns = now;
    queue.turn_is_over = false;
    queue.switches += 1;
    let is_idle = next.kind == Kind::Idle;
    queue.running_task = (!is_idle).then(|| next.clone());
}

/// Leaves `previous` for `next`, whose turn is looked at when `turn_ends_ns`
/// has come; returns when `previous` runs again.
fn switch_to(
    queue: IrqSpinLockGuard<'_, Queue>,
    next: Arc<Task>,
    cpu: usize,
    previous: &Task,
    turn_ends_ns: u64,
) {
    drop(queue);
    note_idleness(cpu, previous.kind, next.kind);
    trace::record(trace::EventKind::Switch, previous.id(), next.id());
    if next.kind != Kind::Idle {
        refrigerator::recheck(&next);
        timer::arm_tick(turn_ends_ns);
    }
    next.activate_space();
    finish(thread::switch_to(next));
}

fn note_idleness(cpu: usize, previous: Kind, next: Kind) {
    if previous == Kind::Idle {
        IDLE_CPUS.fetch_and(!(1 << cpu), Relaxed);
    } else if next == Kind::Idle {
        IDLE_CPUS.fetch_or(1 << cpu, Relaxed);
    }
}

/// The first act of whoever runs next: from here on `last` may be woken,
/// pulled or freed.
fn finish(last: Arc<Task>) {
    if last.wake.leave_cpu() {
        place_moved(&last);
    }
}

/// The first act of a new task, on its own stack: ends the switch to it and
/// lets interrupts in.
pub fn begin(last: Last) {
    finish(thread::take_last(last));
    irq::enable();
}

/// Ends the current task: it never runs again. Its memory goes when the
/// last reference does.
pub fn exit_current() -> ! {
    let task = current();
    FREEZER.dead(&FreezerHost, &*task);
    trace::record(trace::EventKind::Exit, task.id(), 0);
    wake::end(&task.to_arc());
    schedule();
    unreachable!("a dead task was switched in")
}

/// The reschedule IPI's handler.
pub fn reschedule_interrupt() {
    let task = current();
    let waiting = QUEUES[task.cpu()].waiting.load(Relaxed);
    if task.context.work.load(Relaxed) & work::FREEZE != 0 {
        trace::record(trace::EventKind::IpiTaken, task.id(), 0);
    }
    // With nobody waiting it was a kick of the freezer: the mark it left on
    // the task is enough.
    if waiting != 0 || task.kind == Kind::Idle {
        task.set_work(work::RESCHEDULE);
    }
}
