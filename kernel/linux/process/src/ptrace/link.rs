//! Who traces whom, and how it begins.
//!
//! These links are written under the lock over all relations, like those of
//! parents and children. A tracer's process has an entry for each thread that
//! one of its threads traces; the entry outlives the thread until the tracer
//! has waited for it. Read next: `tell.rs`, then `end.rs`.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::signal::{SIGSTOP, SigInfo};
use kernel_core::capability::Capability;
use kernel_core::signal::{Style, Target};

use super::Tracer;
use crate::access;
use crate::authority;
use crate::credentials::{Access, Credentials};
use crate::signal::act;
use crate::tree::{self, Tracee, Tree};
use crate::{CurrentThread, Process, Thread, current, thread_of};
use kernel_machine::arch::thread::work;
use kernel_machine::mm::AddressSpace;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{Task, TaskId, state, table, wake};

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
/// `EPERM` if it is traced already, or has rights that its parent has not.
pub fn trace_me() -> Result<(), Errno> {
    let thread = current();
    let parent = tree::find(thread.process.parent()).ok_or(Errno::EPERM)?;
    let threads = parent.threads();
    let maker = threads.iter().find(|it| it.id() == thread.process.maker);
    let tracer = maker.or(threads.first()).ok_or(Errno::EPERM)?;
    // A program with more rights than its parent must not give them away.
    let sets = |process: &Process| process.credentials.lock().capabilities;
    let theirs = sets(&parent);
    if !theirs.has(Capability::SYS_PTRACE)
        && !theirs.permitted.contains(sets(&thread.process).permitted)
    {
        return Err(Errno::EPERM);
    }
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

/// Whether the running thread may read and change `process`. Nobody may change
/// the first one: its end is the system's, and not even root is to cause that
/// with a wrong byte (Linux lets root).
pub fn may_trace(process: &Arc<Process>) -> bool {
    let own = current();
    Arc::ptr_eq(&own.process, process)
        || process.id != tree::FIRST
            && access::check(process, Access::Attach).is_ok()
}

/// The memory of `thread`, which is `task`'s, for the running one to read and
/// change, as far as [`may_trace`] allows.
///
/// # Errors
/// `EPERM`; `ESRCH` if it has none any more.
pub fn memory_of(
    task: &Task,
    thread: &Thread,
) -> Result<Arc<AddressSpace>, Errno> {
    let process = &thread.process;
    let is_own = Arc::ptr_eq(&current().process, process);
    if process.id == tree::FIRST && !is_own {
        return Err(Errno::EPERM);
    }
    access::space(process, task, Access::Attach)?.ok_or(Errno::ESRCH)
}

/// A program that is traced keeps the rights that its process has, `old`,
/// unless its tracer had privileges when it began: nobody gets more by tracing
/// a program that would, nor by having been root for a moment. The same holds
/// for one whose directories another process shares, which could lead it
/// anywhere (Linux `LSM_UNSAFE_SHARE`).
///
/// The caller is the only thread of its process by now: nobody else gives the
/// directories on, so that they do not become shared any more.
pub(crate) fn keep_rights_if_watched(
    thread: &CurrentThread,
    old: &Credentials,
    new: &mut Credentials,
) {
    let tree = tree::lock();
    keep_rights(&tree, thread, old, new);
}

fn keep_rights(
    tree: &Tree,
    thread: &CurrentThread,
    old: &Credentials,
    new: &mut Credentials,
) {
    let tracing = &thread.tracing;
    let is_watched = tracing.tracer().is_some() && !tracing.is_trusted(tree);
    if !is_watched && !thread.shares_directories() {
        return;
    }
    if !old.has(Capability::SETUID) {
        let [user, group] = old.used();
        new.user.effective = user;
        new.group.effective = group;
        new.become_used();
    }
    new.capabilities.restrict(old.capabilities.permitted);
}

/// An exec gives the running thread's process another memory and the rights
/// that belong to it, at one instant: nobody who may use the one finds the
/// other ([`memory_of`]). It says what the process had before, which the
/// caller drops.
///
/// Others may look at it (`new` says that of the file) unless it uses rights
/// that are not its user's, before or after, or gains some; such a one does not
/// hear of its parent's end either (prctl(2)).
pub(crate) fn install(
    thread: &CurrentThread,
    space: Arc<AddressSpace>,
    mut new: Credentials,
) -> Option<Arc<AddressSpace>> {
    let process = &thread.process;
    let tree = tree::lock();
    let old = process.credentials.lock().clone();
    keep_rights(&tree, thread, &old, &mut new);
    let real = [old.user.real, old.group.real];
    let gains =
        !old.capabilities.permitted.contains(new.capabilities.permitted);
    let is_ordinary = old.used() == real && new.used() == real && !gains;
    new.is_dumpable &= is_ordinary;
    if new.used() != real || new.used() != old.used() || gains {
        process.attributes.death_signal.store(0, Relaxed);
    }
    // No other thread is left that could have changed them meanwhile.
    let mut own = process.credentials.lock();
    let old = core::mem::replace(&mut *own, new);
    let old_space = thread.task().replace_space(Some(space));
    drop(own);
    drop(tree);
    drop(old);
    old_space
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
    // They are checked again under the lock, since an exec may have given it
    // other rights.
    let is_own_wish = core::ptr::eq(Arc::as_ptr(task), &*current().task());
    if !is_own_wish && !may_trace(&thread.process) {
        return Err(Errno::EPERM);
    }
    let process = owner.process.id;
    let is_trusted = authority::has(Capability::SYS_PTRACE);
    {
        // A tracer that ends leaves its process's threads first and lets its
        // tracees go then: it is told here that it has one, or is gone.
        let signals = owner.process.signals.lock();
        if !signals.is_living_thread(owner.key, tracer) {
            return Err(Errno::EPERM);
        }
        owner.tracing.is_tracer.store(true, Relaxed);
    }
    let mut signals = thread.process.signals.lock();
    if !signals.is_living_thread(thread.key, task) {
        return Err(Errno::EPERM);
    }
    let was_stopped = signals.state.attach(thread.key, style, options)?;
    if stops {
        let target = Target::Thread(thread.key);
        let info = SigInfo::kernel(SIGSTOP);
        let sent = signals.state.send(target, &info, true)?;
        act::carry_out(&signals, &sent);
    }
    if was_stopped {
        task.set_work(work::SIGNAL);
        FREEZER.mark_trapping(&FreezerHost, task);
        wake::try_to_wake_up(task, state::STOPPED);
    }
    // The tracer is set before the thread can end: one that ends looks for
    // its tracer after it has left its process's threads.
    let tracer = Tracer { process, task: tracer.id() };
    thread.tracing.set_tracer(tracer, is_trusted);
    drop(signals);
    enter(&mut tree, task, thread, tracer);
    Ok(())
}

fn enter(tree: &mut Tree, task: &Arc<Task>, thread: &Thread, tracer: Tracer) {
    let id = thread.id();
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
    if signals.is_living_thread(thread.key, task) {
        signals.state.inherit_trace(thread.key, settings);
        task.set_work(work::SIGNAL);
    }
    drop(signals);
    thread.tracing.set_tracer(tracer, parent.tracing.is_trusted(&tree));
    enter(&mut tree, task, thread, tracer);
}

/// The thread is known by another number from here on: that of its process,
/// of which no other thread is left. Who traced the thread of that number
/// looks again whom it waits for.
pub fn rename(thread: &CurrentThread) {
    let id = thread.process.id;
    if thread.id() == id {
        return;
    }
    let mut tree = tree::lock();
    // The number changes under the lock: a tracer's entry has the number that
    // the thread has.
    let old_id = thread.visible_id.swap(id, Relaxed);
    let tracer = thread.tracing.tracer();
    let first = tree.node_mut(id).and_then(|node| node.tracer.take());
    let gone =
        first.and_then(|tracer| tree.node_mut(tracer)).and_then(|node| {
            node.process.child_changed.wake_all();
            node.tracees.remove(&id)
        });
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
