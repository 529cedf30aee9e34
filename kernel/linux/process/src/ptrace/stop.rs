//! A traced thread stops: it shows its registers, tells its tracer, sleeps,
//! and does as the tracer decided.
//!
//! The sleep is a skip wait: the thread counts as frozen where it is, and
//! thawed it is still stopped (SPECIFICATION.md G8, S3). A stop ends by the
//! tracer's request, by the tracer's end, or by a fatal signal.

use alloc::boxed::Box;

use kernel_abi::signal::SigInfo;
use kernel_core::signal::{
    Begun, Cause, Decision, Delivery, Reason, Resume, TraceStop,
};

use super::{Registers, tell};
use crate::signal::notify;
use crate::{CurrentThread, tree};
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap::{self, TrapFrame};
use kernel_task::refrigerator::{FREEZER, FreezerHost, try_to_freeze};
use kernel_task::{sleep, state};

/// Not in a system call.
pub const NO_SYSTEM_CALL: i32 = -1;

/// What a stop shows besides its registers.
pub(super) struct Shown {
    pub reason: Reason,
    pub message: u64,
    pub system_call: i32,
}

/// Stops the running thread for its tracer, if it has one. What the tracer
/// decided, and the number of the system call as it left it. `None` if there
/// was no stop: the tracer may have gone a moment ago.
fn stop(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    shown: &Shown,
) -> (Option<Decision>, i32) {
    let process = &thread.process;
    let registers = Box::new(Registers::of_current(frame, shown.system_call));
    let old = thread.tracing.registers.lock().replace(registers);
    drop(old);
    let mut has_begun = false;
    sleep::sleep_while(
        "ptrace_stop",
        state::TRACED | state::WAKEKILL,
        || {
            has_begun = begin(thread, shown);
            has_begun
        },
        || process.signals.lock().state.is_trace_stopped(thread.key),
    );
    if has_begun {
        // Its leave to come and trap is over. A tracer that was quicker than
        // the sleep has let it go on without one, and a freeze that holds
        // already asks nobody anew.
        try_to_freeze();
    }
    let (decision, number) = go_on(thread, frame);
    (has_begun.then_some(decision), number)
}

/// The thread counts as stopped from here on, and its tracer and its process's
/// parent are told. False if it does not stop.
///
/// # Locks
/// Holds the lock over all relations, as `wait4` does: whoever learns of the
/// stop from `wait4` has had its `SIGCHLD`.
fn begin(thread: &CurrentThread, shown: &Shown) -> bool {
    let process = &thread.process;
    let tree = tree::lock();
    let mut signals = process.signals.lock();
    let begun =
        signals.state.begin_trace_stop(thread.key, shown.reason, shown.message);
    let Some(Begun { what, notice }) = begun else { return false };
    // It counts as frozen where it is from here on. Who asks it to trap once
    // more does so under the lock: that mark stays.
    let task = thread.task();
    if task.freezer.is_trapping() {
        FREEZER.end_trap(&FreezerHost, &*task);
    }
    drop(signals);
    let tracer = tell::tell_of_stop(&tree, thread, &what);
    drop(tree);
    let is_parents = tracer.is_some_and(|id| id == process.parent());
    if let Some(notice) = notice.filter(|_| !is_parents) {
        notify::parent_of_notice(process, notice);
    }
    true
}

/// The stop is over: takes the registers back.
fn go_on(thread: &CurrentThread, frame: &mut TrapFrame) -> (Decision, i32) {
    let mut signals = thread.process.signals.lock();
    let decision = signals.state.end_trace_stop(thread.key);
    if signals.state.needs_attention(thread.key) {
        thread.task().set_work(work::SIGNAL);
    }
    drop(signals);
    let registers = thread.tracing.registers.lock().take();
    let Some(registers) = registers else {
        return (decision, NO_SYSTEM_CALL);
    };
    if registers.frame.pc != frame.pc {
        // It goes on elsewhere, not with the call that was interrupted.
        thread.restart.forget();
    }
    registers.give_to_current(frame);
    set_mode(thread);
    (decision, registers.system_call)
}

/// Lets the machine trap as the tracer wants.
pub(super) fn set_mode(thread: &CurrentThread) {
    let mode = thread.process.signals.lock().state.resume_mode(thread.key);
    let traces_calls = matches!(mode, Some(Resume::SystemCall | Resume::Step));
    trap::trace_system_calls(traces_calls);
    match mode {
        Some(Resume::Step) => thread.task().set_work(work::STEP),
        _ => thread.task().clear_work(work::STEP),
    }
}

/// The tracer decides what becomes of a signal that the thread took. `None`:
/// ask for the next one.
pub fn report_signal(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    info: SigInfo,
) -> Option<Delivery> {
    let reason = Reason::Happened(TraceStop::signal(info));
    let tracer = tracer_of(thread);
    let shown = Shown { reason, message: 0, system_call: NO_SYSTEM_CALL };
    let (decision, _) = stop(thread, frame, &shown);
    let mut signals = thread.process.signals.lock();
    match decision {
        Some(decision) => {
            signals.state.after_report(thread.key, decision, tracer)
        }
        None => signals.state.after_no_report(thread.key, info),
    }
}

/// The tracer's process and its user, as the sender of a signal.
fn tracer_of(thread: &CurrentThread) -> [u32; 2] {
    let Some(tracer) = thread.tracing.tracer() else { return [0; 2] };
    let process = tree::find(tracer.process);
    let user =
        process.map_or(0, |process| process.credentials.lock().user.real);
    [tracer.process, user]
}

/// A group stop, or the tracer, asks the thread to trap.
pub fn trap(thread: &CurrentThread, frame: &mut TrapFrame) {
    let user = thread.process.credentials.lock().user.real;
    let reason = Reason::Asked { id: thread.id(), user };
    let shown = Shown { reason, message: 0, system_call: NO_SYSTEM_CALL };
    let _ = stop(thread, frame, &shown);
}

/// A trap with this code, with nothing that the tracer could decide but a
/// signal, which is returned; and the number of the system call.
pub(super) fn notify_tracer(
    thread: &CurrentThread,
    frame: &mut TrapFrame,
    (cause, code): (Cause, u32),
    message: u64,
    system_call: i32,
) -> (u32, i32) {
    let user = thread.process.credentials.lock().user.real;
    let what = TraceStop::trap(cause, code, thread.id(), user);
    let reason = Reason::Happened(what);
    let (decision, number) =
        stop(thread, frame, &Shown { reason, message, system_call });
    (decision.map_or(0, |decision| decision.signal), number)
}
