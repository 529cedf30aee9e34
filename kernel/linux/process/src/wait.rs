//! Waiting for children: `wait4` and `waitid`.
//!
//! A child that dies, stops or continues is entered in its parent's
//! `changed` set (see `tree.rs`), so a waiting parent looks only at children
//! with something to tell, however many sleep. Freezing is none of these
//! events: it is never told here (SPECIFICATION.md G7).

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::signal::status::{self, CONTINUED};

use super::tree::{self, Node, Tree};
use super::{Process, ProcessId};

mod outcome;
mod request;
mod traced;

pub use outcome::Outcome;
use request::Numbers;
pub use request::{Options, Which};

/// Waits until a child of `process` that is meant has something to tell.
/// `None` only with [`Options::NO_HANG`].
///
/// # Errors
/// `ECHILD` if no child is meant; `ERESTARTSYS` for a signal.
pub fn wait(
    process: &Arc<Process>,
    which: &Which,
    options: Options,
) -> Result<Option<Outcome>, Errno> {
    let look = || match try_wait(process, which, options) {
        Ok(None) => None,
        Ok(Some(outcome)) => Some(Ok(outcome)),
        Err(error) => Some(Err(error)),
    };
    if let Some(result) = look() {
        return result.map(Some);
    }
    if options.contains(Options::NO_HANG) {
        return Ok(None);
    }
    let waited = process.child_changed.wait_until("do_wait", look);
    waited.map_err(|_| Errno::ERESTARTSYS)?.map(Some)
}

fn try_wait(
    process: &Process,
    which: &Which,
    options: Options,
) -> Result<Option<Outcome>, Errno> {
    let mut tree = tree::lock();
    let which = which.by_number(&tree)?;
    // This is repeated until nobody is found: one that was found may go on
    // before it is taken, and another, behind it, has something to tell.
    loop {
        let found = find(&tree, process, which, options);
        let taken = match found {
            Ok(Some(id)) => take(&mut tree, process, id, options),
            _ => match traced::find(&tree, process, which, options) {
                Err(_) => return found.map(|_| None),
                Ok(None) => return Ok(None),
                Ok(Some(id)) => traced::take(&mut tree, process, id, options),
            },
        };
        if taken.is_some() {
            return Ok(taken);
        }
    }
}

/// The first child that is meant and has something to tell.
fn find(
    tree: &Tree,
    process: &Process,
    which: Numbers,
    options: Options,
) -> Result<Option<ProcessId>, Errno> {
    let own = tree.node(process.id).ok_or(Errno::ECHILD)?;
    let is_meant = |id: &ProcessId| match which {
        Numbers::Any => true,
        Numbers::Process(wanted) => *id == wanted,
        Numbers::Group(group) => {
            tree.node(*id).is_some_and(|child| child.process.group() == group)
        }
    };
    let exists = match which {
        Numbers::Any => !own.children.is_empty(),
        Numbers::Process(id) => own.children.contains(&id),
        Numbers::Group(_) => own.children.iter().any(is_meant),
    };
    if !exists {
        return Err(Errno::ECHILD);
    }
    let ready = |id: &ProcessId| {
        tree.node(*id)
            .is_some_and(|child| change_of(child, options, false).is_some())
    };
    if let Numbers::Process(id) = which {
        let is_ready = own.changed.contains(&id) && ready(&id);
        return Ok(is_ready.then_some(id));
    }
    let mut changed = own.changed.iter();
    Ok(changed.find(|id| is_meant(id) && ready(id)).copied())
}

/// What a child has to tell, of what `options` asks; told once only if
/// `consume`.
///
/// The tracer of a child that somebody else traces learns of the death first.
/// Stops of a child that the parent itself traces are told as trace stops.
fn change_of(child: &Node, options: Options, consume: bool) -> Option<u32> {
    let parent = child.process.parent();
    if let Some(status) = child.zombie {
        let is_told = child.tracer.is_none_or(|tracer| tracer == parent);
        return (is_told && options.contains(Options::EXITED))
            .then_some(status);
    }
    let state = &mut child.process.signals.lock().state;
    if options.contains(Options::STOPPED)
        && child.tracer != Some(parent)
        && let Some(signal) = state.wait_stopped(consume)
    {
        return Some(status::stopped(signal));
    }
    let continued =
        options.contains(Options::CONTINUED) && state.wait_continued(consume);
    continued.then_some(CONTINUED)
}

/// Tells of child `id`, and takes it out of the tree if it is dead.
fn take(
    tree: &mut Tree,
    parent: &Process,
    id: ProcessId,
    options: Options,
) -> Option<Outcome> {
    let child = tree.node(id)?;
    let process = child.process.clone();
    let consume = !options.contains(Options::NO_WAIT);
    let status = change_of(child, options, consume)?;
    let is_dead = child.zombie.is_some();
    let usage = process.usage_with_children();
    let mut reaped = None;
    if consume && is_dead {
        parent.children_usage.lock().add(&usage);
        reaped = tree.remove(id);
    }
    let user = process.credentials.lock().user.real;
    let _reaped = (reaped, None);
    Some(Outcome { id, user, status, usage, is_trap: false, _reaped })
}
