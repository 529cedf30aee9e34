//! The timer interrupt: wakes those whose time has come, and looks whether the
//! running task's turn is over.
//!
//! Next to read: `timer.rs`, what the hardware is set to; `balance.rs`, what a
//! tick does for other CPUs.

use core::sync::atomic::Ordering::{Acquire, Relaxed};

use super::queue::{self, QUEUES};
use super::table::Deferred;
use super::timer::{self, Queue, TIMERS, queues};
use super::{Kind, balance, current, table, wake, workqueue};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap;

/// The timer interrupt's handler.
pub fn interrupt() {
    let timers = &TIMERS[arch::cpu::id()];
    timers.armed.store(u64::MAX, Relaxed);
    let now = arch::timer::now_ns();
    let served = timers.served.load(Acquire);
    queues(served).for_each(|queue| expire(queue, now));
    if now >= timers.tick.load(Relaxed) {
        tick(now);
    }
    let next = queues(served).filter_map(|queue| queue.lock().next_deadline());
    let next = next.min().unwrap_or(u64::MAX);
    match next.min(timers.tick.load(Relaxed)) {
        u64::MAX => arch::timer::cancel(),
        deadline => timers.arm(deadline),
    }
}

/// Wakes everybody whose time has come.
fn expire(queue: &Queue, now: u64) {
    loop {
        let expired = queue.lock().pop_expired(now);
        let Some(task) = expired else { break };
        wake::wake_up(&task);
        if table::defer_drop(task) == Deferred::Yes {
            workqueue::system().queue_work(table::drop_deferred);
        }
    }
}

/// The tick: another task runs if it has the better claim now.
fn tick(now: u64) {
    let running = current();
    if running.kind == Kind::Idle {
        // It is left over from the task before, and must end here: in the past,
        // it would fire again before the idle task's next instruction.
        timer::end_tick();
        return;
    }
    let entry = &QUEUES[running.cpu()];
    let mut guard = entry.queue.lock();
    let queue = &mut *guard;
    let charged = queue.running.total_ns();
    queue.running.charge(now);
    if !trap::interrupted_user() {
        let ran = queue.running.total_ns() - charged;
        queue.division.charge_system(ran);
        running.division.charge_system(ran);
    }
    queue.waiting.advance(&queue.running);
    let ran = now.saturating_sub(queue.switched_in_ns);
    let waiting = &queue.waiting;
    let slice = queue.running.slice_ns(waiting.len(), waiting.load());
    let mut is_over = !waiting.is_empty() && ran >= slice;
    if queue.running.is_real_time() || waiting.holds_back() {
        is_over = look_at_real_time(queue, now, is_over);
    }
    let next = queue.turn_ns();
    let advice = balance::advise(queue, &running, is_over, now);
    drop(guard);
    if is_over {
        running.set_work(work::RESCHEDULE);
    }
    if running.watches_time.load(Relaxed) {
        running.set_work(work::TIME);
    }
    timer::arm_tick(now + next);
    balance::follow(advice, &running);
}

/// A tick while real-time tasks count: the turn of the running one may be over,
/// or theirs may begin or end. Whether who runs is to be chosen anew.
#[cold]
fn look_at_real_time(
    queue: &mut queue::Queue,
    now: u64,
    is_over: bool,
) -> bool {
    let is_real_time = queue.running.is_real_time();
    queue.turn_is_over |= is_over && is_real_time;
    let since = is_real_time.then_some(queue.switched_in_ns);
    queue.waiting.look_at_real_time(now, since) || is_over
}
