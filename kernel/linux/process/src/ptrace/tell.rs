//! What tracers are told, by `SIGCHLD` and by waking their `wait4`.
//!
//! The death of a process that another than its parent traces is told to the
//! tracer first, and to the parent once the tracer has waited (`end.rs`).

use kernel_abi::signal::{CLD_STOPPED, CLD_TRAPPED, SigInfo};
use kernel_core::signal::{Cause, Target, TraceStop, status};

use crate::signal::send;
use crate::tree::{self, Tree};
use crate::{CurrentThread, Process, ProcessId, Thread};

/// Tells the tracer of the running thread that it has stopped; the tracer's
/// process.
///
/// # Locks
/// The caller holds the lock over all relations (`tree`); takes the tracer's
/// signal lock.
pub(super) fn tell_of_stop(
    tree: &Tree,
    thread: &CurrentThread,
    what: &TraceStop,
) -> Option<ProcessId> {
    let tracer = thread.tracing.tracer()?.process;
    let code = match what.cause {
        Cause::Group => CLD_STOPPED,
        _ => CLD_TRAPPED,
    };
    let status = (what.code & 0x7f) as i32;
    let info = child_info(thread, code, status);
    tell(tree, tracer, &info, true);
    Some(tracer)
}

fn child_info(thread: &Thread, code: i32, status: i32) -> SigInfo {
    let user = thread.process.credentials.lock().user.real;
    SigInfo::child(code, thread.id(), user, status, [0; 2])
}

fn tell(tree: &Tree, tracer: ProcessId, info: &SigInfo, is_stop: bool) {
    let Some(node) = tree.node(tracer) else { return };
    let mut signals = node.process.signals.lock();
    if (!is_stop || signals.state.actions().wants_stop_notice())
        && let Ok(sent) = signals.state.send(Target::Process, info, false)
    {
        send::carry_out(&signals, &sent);
    }
    drop(signals);
    node.process.child_changed.wake_all();
}

/// A thread other than its process's first has ended: tells its tracer.
pub fn thread_ended(thread: &Thread, status: u32) {
    if thread.tracing.tracer().is_none() || thread.id() == thread.process.id {
        return;
    }
    let mut tree = tree::lock();
    let Some(tracer) = thread.tracing.tracer() else { return };
    if let Some(node) = tree.node_mut(tracer.process)
        && let Some(tracee) = node.tracees.get_mut(&thread.id())
    {
        tracee.end = Some(status);
    }
    let (code, value) = status::child_code_and_status(status);
    tell(&tree, tracer.process, &child_info(thread, code, value), false);
}

/// The process has ended: tells the tracer of its first thread, if that is
/// not its parent. True if so; the parent is told later.
pub fn process_ended(tree: &Tree, process: &Process, status: u32) -> bool {
    let Some(tracer) = foreign_tracer(tree, process) else { return false };
    let (code, value) = status::child_code_and_status(status);
    let user = process.credentials.lock().user.real;
    let info = SigInfo::child(code, process.id, user, value, [0; 2]);
    tell(tree, tracer, &info, false);
    true
}

/// Who traces the process's first thread, unless its parent does.
pub fn foreign_tracer(tree: &Tree, process: &Process) -> Option<ProcessId> {
    let tracer = tree.node(process.id)?.tracer;
    tracer.filter(|id| *id != process.parent())
}
