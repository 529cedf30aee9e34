//! Doing to tasks what the state said: flags are set, tasks woken, CPUs
//! interrupted.
//!
//! All of it is done under the signal lock of their process. Parents are told
//! elsewhere (`notify.rs`).

use alloc::sync::Arc;

use kernel_abi::signal::{SIGKILL, SigInfo};
use kernel_core::signal::{Everybody, Sent, SignalSet, Target, ThreadKey};

use super::state::Signals;
use kernel_machine::arch::thread::work;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{self as task, Task, state, wake};

/// Does what the state said, except telling the parent.
#[inline(always)]
pub(crate) fn carry_out(signals: &Signals, sent: &Sent) {
    everybody(signals, sent.everybody);
    if let Some(task) = sent.thread.and_then(|key| signals.task(key)) {
        wake_for_signal(task);
    }
    if let Some(watchers) = &signals.watchers {
        watchers.wake_all();
    }
}

/// Does to all threads what the state said.
pub(crate) fn everybody(signals: &Signals, what: Everybody) {
    for member in &signals.threads {
        match what {
            Everybody::Nothing => return,
            Everybody::Resume => {
                wake::try_to_wake_up(&member.task, state::STOPPED);
                if signals.state.is_traced(member.key) {
                    wake_for_trap(&member.task);
                    end_listening(signals, member.key, &member.task);
                }
            }
            Everybody::Kill => kill_thread(&member.task),
        }
    }
}

/// Wakes a traced thread that listened and is to trap again.
pub(crate) fn end_listening(
    signals: &Signals,
    key: ThreadKey,
    task: &Arc<Task>,
) {
    if !signals.state.is_trace_stopped(key) {
        wake::try_to_wake_up(task, state::TRACED);
    }
}

/// Flags a task; wakes it from interruptible sleep, or interrupts its CPU.
#[inline(always)]
pub(crate) fn wake_for_signal(task: &Arc<Task>) {
    task.set_work(work::SIGNAL);
    if !wake::try_to_wake_up(task, state::INTERRUPTIBLE) {
        kick(task);
    }
}

/// As [`wake_for_signal`], for a thread that its tracer asks to trap: a freeze
/// of cgroup v2 lets it come that far (SPECIFICATION.md B3).
pub(crate) fn wake_for_trap(task: &Arc<Task>) {
    task.set_work(work::SIGNAL);
    FREEZER.mark_trapping(&FreezerHost, task);
    wake_for_signal(task);
}

/// Flags a task that must end; wakes it from all but uninterruptible sleep.
pub(crate) fn kill_thread(task: &Arc<Task>) {
    task.set_work(work::SIGNAL | work::FATAL);
    FREEZER.mark_dying(&FreezerHost, task);
    let depths = state::INTERRUPTIBLE | state::WAKEKILL | state::STOPPED;
    if !wake::try_to_wake_up(task, depths) {
        kick(task);
    }
}

/// Kills a process, whatever it handles, be it the first one.
pub(crate) fn kill_process(signals: &mut Signals) {
    let info = SigInfo::kernel(SIGKILL);
    // A signal without a value always finds room, and this one has no news
    // for the parent: that comes with the end.
    if let Ok(sent) = signals.state.send(Target::Process, &info, true) {
        carry_out(signals, &sent);
    }
}

/// Interrupts the CPU that runs the task, unless it is this one, so that it
/// passes the way back to user mode.
#[inline(always)]
fn kick(task: &Task) {
    if task.is_on_cpu() && task.cpu() != task::current().cpu() {
        task::request_reschedule(task.cpu());
    }
}

/// Tells the threads that may take signals of `retarget`.
pub(crate) fn retarget(signals: &Signals, retarget: SignalSet) {
    if retarget.is_empty() {
        return;
    }
    for key in signals.state.takers(retarget) {
        if let Some(task) = signals.task(key) {
            wake_for_signal(task);
        }
    }
}
