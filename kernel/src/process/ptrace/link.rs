//! Who traces whom: begin, stops told, end.
//!
//! Written under the lock over all relations, like those of parents and
//! children. A tracer's process has an entry for each thread that one of its
//! threads traces; the entry outlives the thread until the tracer has waited
//! for it. The death of a process that another than its parent traces is told
//! to the tracer first, and to the parent once the tracer has waited.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::signal::{CLD_STOPPED, CLD_TRAPPED, SIGKILL, SIGSTOP, SigInfo};
use kernel_core::signal::{
    Cause, Everybody, Sent, Style, Target, TraceStop, status,
};

use super::Tracer;
use crate::arch::thread::work;
use crate::process::credentials::Credentials;
use crate::process::signal::notify::{self, Remains};
use crate::process::signal::{Signals, send};
use crate::process::tree::{self, Node, Tracee, Tree};
use crate::process::{
    CurrentThread, Process, ProcessId, Thread, current, thread_of,
};
use crate::task::{Task, TaskId, state, table, wake};

/// The task of the thread that programs know as `id`.
///
/// # Errors
/// `ESRCH`; `EPERM` for a kernel thread.
pub fn find(id: TaskId) -> Result<Arc<Task>, Errno> {
    if let Some(process) = tree::find(id) {
        let threads = process.threads();
        let mut named =
            threads.into_iter().filter(|task| is_known_as(task, id));
        // A process without threads is dead.
        return named.next().ok_or(Errno::EPERM);
    }
    let task = table::find(id).ok_or(Errno::ESRCH)?;
    match thread_of(&task) {
        Some(thread) if thread.id() == id => Ok(task),
        Some(_) => Err(Errno::ESRCH),
        None => Err(Errno::EPERM),
    }
}

fn is_known_as(task: &Task, id: TaskId) -> bool {
    thread_of(task).is_some_and(|thread| thread.id() == id)
}

/// `PTRACE_TRACEME`: the running thread is traced by the one that made its
/// process.
///
/// # Errors
/// `EPERM` if it is traced already.
pub fn trace_me() -> Result<(), Errno> {
    let thread = current();
    let parent = tree::find(thread.process.parent()).ok_or(Errno::EPERM)?;
    let threads = parent.threads();
    let maker = threads.iter().find(|it| it.id() == thread.process.maker);
    let tracer = maker.or(threads.first()).ok_or(Errno::EPERM)?;
    begin(&thread.task().to_arc(), tracer, Style::Attached, 0, false)
}

/// `PTRACE_ATTACH`, `PTRACE_SEIZE`: the running thread traces `task`.
///
/// # Errors
/// `EPERM` if it may not, or the task is traced already or ends.
pub fn attach(
    task: &Arc<Task>,
    style: Style,
    options: u32,
) -> Result<(), Errno> {
    let own = current();
    let thread = thread_of(task).ok_or(Errno::EPERM)?;
    if Arc::ptr_eq(&thread.process, &own.process) || !may_trace(&thread.process)
    {
        return Err(Errno::EPERM);
    }
    let stops = style == Style::Attached;
    begin(task, &own.task().to_arc(), style, options, stops)
}

/// Whether the running thread may read and change `process`.
pub fn may_trace(process: &Arc<Process>) -> bool {
    let own = current();
    if Arc::ptr_eq(&own.process, process) {
        return true;
    }
    let credentials = own.process.credentials.lock().clone();
    credentials.may_trace(&process.credentials.lock())
}

/// An exec gives the running thread's process other rights. One that is traced
/// by somebody without privileges keeps those it has: nobody gets more by
/// tracing a program that would.
pub fn set_credentials(thread: &CurrentThread, mut new: Credentials) {
    let process = &thread.process;
    let tree = tree::lock();
    let tracer = thread.tracing.tracer();
    let tracer = tracer.and_then(|it| tree.node(it.process));
    let is_watched =
        tracer.is_some_and(|it| !it.process.credentials.lock().is_privileged());
    let mut own = process.credentials.lock();
    if is_watched {
        new.user.effective = own.user.effective;
        new.group.effective = own.group.effective;
        new.user.saved = own.user.effective;
        new.group.saved = own.group.effective;
    }
    let old = core::mem::replace(&mut *own, new);
    drop(own);
    drop(tree);
    drop(old);
}

fn begin(
    task: &Arc<Task>,
    tracer: &Arc<Task>,
    style: Style,
    options: u32,
    stops: bool,
) -> Result<(), Errno> {
    let thread = thread_of(task).ok_or(Errno::EPERM)?;
    let owner = thread_of(tracer).ok_or(Errno::EPERM)?;
    let mut tree = tree::lock();
    // Again under the lock, since an exec may have given it other rights.
    let is_own_wish = core::ptr::eq(Arc::as_ptr(task), &*current().task());
    if !is_own_wish && !may_trace(&thread.process) {
        return Err(Errno::EPERM);
    }
    let mut signals = thread.process.signals.lock();
    if !holds(&signals, thread, task) {
        return Err(Errno::EPERM);
    }
    let was_stopped = signals.state.attach(thread.key, style, options)?;
    if stops {
        let target = Target::Thread(thread.key);
        let info = SigInfo::kernel(SIGSTOP);
        let sent = signals.state.send(target, &info, true)?;
        send::carry_out(&signals, &sent);
    }
    if was_stopped {
        task.set_work(work::SIGNAL);
        wake::try_to_wake_up(task, state::STOPPED);
    }
    drop(signals);
    let process = owner.process.id;
    owner.tracing.is_tracer.store(true, Relaxed);
    enter(&mut tree, task, thread, Tracer { process, task: tracer.id() });
    Ok(())
}

/// True if the thread lives: names of threads are used again.
pub(super) fn holds(signals: &Signals, thread: &Thread, task: &Task) -> bool {
    let holder = signals.task(thread.key);
    holder.is_some_and(|it| core::ptr::eq(Arc::as_ptr(it), task))
}

fn enter(tree: &mut Tree, task: &Arc<Task>, thread: &Thread, tracer: Tracer) {
    let id = thread.id();
    thread.tracing.set_tracer(Some(tracer));
    if let Some(node) = tree.node_mut(tracer.process) {
        let tracee =
            Tracee { task: task.clone(), tracer: tracer.task, end: None };
        node.tracees.insert(id, tracee);
    }
    if id == thread.process.id
        && let Some(node) = tree.node_mut(id)
    {
        node.tracer = Some(tracer.process);
    }
}

/// A child that the running thread makes is traced as it is itself. Call
/// before the child runs.
pub fn inherit(task: &Arc<Task>) {
    let parent = current();
    let Some(thread) = thread_of(task) else { return };
    let mut tree = tree::lock();
    let Some(tracer) = parent.tracing.tracer() else { return };
    let settings =
        parent.process.signals.lock().state.trace_settings(parent.key);
    let Some(settings) = settings else { return };
    let mut signals = thread.process.signals.lock();
    if holds(&signals, thread, task) {
        signals.state.inherit_trace(thread.key, settings);
        task.set_work(work::SIGNAL);
    }
    drop(signals);
    enter(&mut tree, task, thread, tracer);
}

/// The thread is known by another number from here on: that of its process,
/// of which no other thread is left.
pub fn renamed(thread: &CurrentThread, old_id: TaskId) {
    let id = thread.process.id;
    if old_id == id {
        return;
    }
    let mut tree = tree::lock();
    let tracer = thread.tracing.tracer();
    let first = tree.node_mut(id).and_then(|node| node.tracer.take());
    let gone = first
        .and_then(|tracer| tree.node_mut(tracer))
        .and_then(|node| node.tracees.remove(&id));
    if let Some(tracer) = tracer {
        if let Some(node) = tree.node_mut(tracer.process)
            && let Some(tracee) = node.tracees.remove(&old_id)
        {
            node.tracees.insert(id, tracee);
        }
        if let Some(node) = tree.node_mut(id) {
            node.tracer = Some(tracer.process);
        }
    }
    drop(tree);
    drop(gone);
}

/// Tells the tracer of the running thread that it has stopped; the tracer's
/// process.
pub(super) fn tell_of_stop(
    thread: &CurrentThread,
    what: &TraceStop,
) -> Option<ProcessId> {
    let tree = tree::lock();
    let tracer = thread.tracing.tracer()?.process;
    let code = match what.cause {
        Cause::Group => CLD_STOPPED,
        _ => CLD_TRAPPED,
    };
    let status = (what.code & 0x7f) as i32;
    let info = child_info(thread, code, status);
    tell(&tree, tracer, &info, true);
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

/// `PTRACE_DETACH`: the thread goes on, with a signal.
///
/// # Errors
/// `EIO` for a signal out of range, `ESRCH` if it is not stopped.
pub fn detach(task: &Arc<Task>, signal: u64) -> Result<(), Errno> {
    let thread = thread_of(task).ok_or(Errno::ESRCH)?;
    let mut tree = tree::lock();
    let mut signals = thread.process.signals.lock();
    if !holds(&signals, thread, task) {
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
        send::attract(task);
    }
    send::end_listening(signals, thread.key, task);
}

/// Takes the tracer's entry about a thread out.
fn leave(tree: &mut Tree, thread: &Thread) -> Option<Tracee> {
    let tracer = thread.tracing.tracer()?;
    thread.tracing.set_tracer(None);
    if thread.id() == thread.process.id
        && let Some(node) = tree.node_mut(thread.id())
    {
        node.tracer = None;
    }
    tree.node_mut(tracer.process)?.tracees.remove(&thread.id())
}

/// The running thread is about to end: what it traces goes on, or dies with
/// it.
pub fn let_go(tracer: &CurrentThread) {
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
    thread.tracing.set_tracer(None);
    let mut signals = thread.process.signals.lock();
    if holds(&signals, thread, task) {
        let dies = signals.state.dies_with_tracer(thread.key);
        signals.state.release(thread.key, None);
        if dies {
            kill(&mut signals);
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

fn kill(signals: &mut Signals) {
    let info = SigInfo::kernel(SIGKILL);
    let nothing =
        Sent { thread: None, everybody: Everybody::Nothing, notice: None };
    let sent = signals.state.send(Target::Process, &info, true);
    send::carry_out(signals, &sent.unwrap_or(nothing));
}

/// A dead process has no tracer any more that its parent had to wait for.
fn tell_parent(tree: &mut Tree, process: &Arc<Process>) -> Option<Node> {
    let node = tree.node(process.id)?;
    let (status, signal) = (node.zombie?, node.exit_signal);
    match notify::parent_of_death(tree, process, status, signal) {
        Remains::Nothing => tree.remove(process.id),
        Remains::Zombie => None,
    }
}

/// The tracer waited for the end of a thread: its entry goes.
pub fn reap(tree: &mut Tree, tracee: &Tracee) -> Option<Node> {
    let thread = thread_of(&tracee.task)?;
    thread.tracing.set_tracer(None);
    if thread.id() != thread.process.id {
        return None;
    }
    tree.node_mut(thread.id())?.tracer = None;
    tell_parent(tree, &thread.process)
}
