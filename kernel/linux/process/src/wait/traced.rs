//! Waiting for threads that the caller traces: their stops, whatever the
//! options are, and their ends.
//!
//! The end of a process that its own parent traces is told as that of any
//! child; here are the ends that only a tracer hears of.

use kernel_abi::Errno;
use kernel_core::signal::status;

use super::outcome::Outcome;
use super::request::{Numbers, Options};
use crate::ptrace::{end, tell};
use crate::tree::{Tracee, Tree};
use crate::usage::Usage;
use crate::{Process, Thread, current, thread_of};
use kernel_task::TaskId;

/// The first traced thread that is meant and has something to tell.
///
/// # Errors
/// `ECHILD` if none is meant.
pub(super) fn find(
    tree: &Tree,
    process: &Process,
    which: Numbers,
    options: Options,
) -> Result<Option<TaskId>, Errno> {
    let own = tree.node(process.id).ok_or(Errno::ECHILD)?;
    let mut exists = false;
    for (id, tracee) in &own.tracees {
        if !is_meant(*id, tracee, which, options) {
            continue;
        }
        exists = true;
        if change_of(tree, *id, tracee, options, false).is_some() {
            return Ok(Some(*id));
        }
    }
    if exists { Ok(None) } else { Err(Errno::ECHILD) }
}

fn is_meant(
    id: TaskId,
    tracee: &Tracee,
    which: Numbers,
    options: Options,
) -> bool {
    let is_others = options.contains(Options::NO_THREAD)
        && tracee.tracer != current().task().id();
    let is_it = match which {
        Numbers::Any => true,
        Numbers::Process(wanted) => id == wanted,
        Numbers::Group(group) => thread_of(&tracee.task)
            .is_some_and(|thread| thread.process.group() == group),
    };
    is_it && !is_others
}

/// What happened to a traced thread: its wait status.
enum Change {
    Stopped(u32),
    Ended(u32),
}

fn change_of(
    tree: &Tree,
    id: TaskId,
    tracee: &Tracee,
    options: Options,
    consume: bool,
) -> Option<Change> {
    let thread = thread_of(&tracee.task)?;
    if let Some(status) = end_of(tree, id, tracee, thread) {
        let is_wanted = options.contains(Options::EXITED);
        return is_wanted.then_some(Change::Ended(status));
    }
    let mut signals = thread.process.signals.lock();
    let is_alive = signals
        .task(thread.key)
        .is_some_and(|task| task.id() == tracee.task.id());
    if !is_alive {
        return None;
    }
    let code = signals.state.report_trace(thread.key, consume)?;
    Some(Change::Stopped(status::stopped(code)))
}

/// The wait status of a thread that has ended: of a process's first thread
/// once the process has, if that is the tracer's to hear.
fn end_of(
    tree: &Tree,
    id: TaskId,
    tracee: &Tracee,
    thread: &Thread,
) -> Option<u32> {
    if id != thread.process.id {
        return tracee.end;
    }
    tell::foreign_tracer(tree, &thread.process)?;
    tree.node(id)?.zombie
}

/// Tells of traced thread `id`, and lets go of it if it has ended.
pub(super) fn take(
    tree: &mut Tree,
    process: &Process,
    id: TaskId,
    options: Options,
) -> Option<Outcome> {
    let consume = !options.contains(Options::NO_WAIT);
    let tracee = tree.node(process.id)?.tracees.get(&id)?;
    let change = change_of(tree, id, tracee, options, consume)?;
    let ended = thread_of(&tracee.task)?.process.clone();
    let user = ended.credentials.lock().user.real;
    let usage: Usage = ended.usage();
    let (status, is_trap) = match change {
        Change::Stopped(status) => (status, true),
        Change::Ended(status) => (status, false),
    };
    let mut reaped = (None, None);
    if consume && !is_trap {
        let gone = tree.node_mut(process.id)?.tracees.remove(&id);
        reaped.0 = gone.as_ref().and_then(|gone| end::reap(tree, gone));
        reaped.1 = gone;
    }
    Some(Outcome { id, user, status, usage, is_trap, _reaped: reaped })
}
