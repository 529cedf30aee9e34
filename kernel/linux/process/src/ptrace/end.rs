//! Tracing ends: by a detach, by the tracer's end, or by the thread's own.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::tell::foreign_tracer;
use crate::signal::notify::{self, AfterDeath};
use crate::signal::{Signals, act};
use crate::tree::{self, Node, Tracee, Tree};
use crate::{CurrentThread, Process, Thread, thread_of};
use kernel_task::{Task, TaskId};

/// `PTRACE_DETACH`: the thread goes on, with a signal.
///
/// # Errors
/// `EIO` for a signal out of range, `ESRCH` if it is not stopped.
pub fn detach(task: &Arc<Task>, signal: u64) -> Result<(), Errno> {
    let thread = thread_of(task).ok_or(Errno::ESRCH)?;
    let mut tree = tree::lock();
    let mut signals = thread.process.signals.lock();
    if !signals.is_living_thread(thread.key, task) {
        return Err(Errno::ESRCH);
    }
    signals.state.detach(thread.key, signal)?;
    go_on(&signals, thread, task);
    drop(signals);
    let gone = leave(&mut tree, thread);
    drop(tree);
    drop(gone);
    Ok(())
}

/// Wakes a thread from its trace stop.
pub(super) fn go_on(signals: &Signals, thread: &Thread, task: &Arc<Task>) {
    if signals.state.needs_attention(thread.key) {
        act::wake_for_signal(task);
    }
    act::end_listening(signals, thread.key, task);
}

/// Takes the tracer's entry about a thread out.
fn leave(tree: &mut Tree, thread: &Thread) -> Option<Tracee> {
    let tracer = thread.tracing.tracer()?;
    thread.tracing.clear_tracer();
    if thread.id() == thread.process.id
        && let Some(node) = tree.node_mut(thread.id())
    {
        node.tracer = None;
    }
    tree.node_mut(tracer.process)?.tracees.remove(&thread.id())
}

/// The running thread is about to end: what it traces goes on, or dies with
/// it.
pub fn end_all(tracer: &CurrentThread) {
    if !tracer.tracing.is_tracer.load(Relaxed) {
        return;
    }
    let task = tracer.task().id();
    let mut gone = Vec::new();
    let mut nodes = Vec::new();
    let mut tree = tree::lock();
    if let Some(node) = tree.node_mut(tracer.process.id) {
        let ids: Vec<TaskId> = node
            .tracees
            .iter()
            .filter(|(_, tracee)| tracee.tracer == task)
            .map(|(id, _)| *id)
            .collect();
        gone.extend(ids.iter().filter_map(|id| node.tracees.remove(id)));
    }
    for tracee in &gone {
        nodes.extend(release(&mut tree, &tracee.task));
    }
    drop(tree);
    drop((gone, nodes));
}

/// A thread has lost its tracer. A dead process that nobody else waits for is
/// returned.
fn release(tree: &mut Tree, task: &Arc<Task>) -> Option<Node> {
    let thread = thread_of(task)?;
    thread.tracing.clear_tracer();
    let mut signals = thread.process.signals.lock();
    if signals.is_living_thread(thread.key, task) {
        let dies = signals.state.dies_with_tracer(thread.key);
        signals.state.release(thread.key, None);
        if dies {
            act::kill_process(&mut signals);
        }
        go_on(&signals, thread, task);
    }
    drop(signals);
    if thread.id() != thread.process.id {
        return None;
    }
    let is_parents = foreign_tracer(tree, &thread.process).is_none();
    tree.node_mut(thread.id())?.tracer = None;
    if is_parents {
        return None;
    }
    tell_parent(tree, &thread.process)
}

/// A dead process has no tracer any more that its parent had to wait for.
fn tell_parent(tree: &mut Tree, process: &Arc<Process>) -> Option<Node> {
    let node = tree.node(process.id)?;
    let (status, signal) = (node.zombie?, node.exit_signal);
    match notify::parent_of_death(tree, process, status, signal) {
        AfterDeath::Reaped => tree.remove(process.id),
        AfterDeath::Zombie => None,
    }
}

/// The tracer waited for the end of a thread: its entry goes.
pub fn reap(tree: &mut Tree, tracee: &Tracee) -> Option<Node> {
    let thread = thread_of(&tracee.task)?;
    thread.tracing.clear_tracer();
    if thread.id() != thread.process.id {
        return None;
    }
    tree.node_mut(thread.id())?.tracer = None;
    tell_parent(tree, &thread.process)
}
