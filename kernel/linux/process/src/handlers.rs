//! Processes that share signal handlers: `CLONE_SIGHAND` without
//! `CLONE_THREAD`.
//!
//! Each process keeps dispositions of its own, under its own signal lock, so
//! that sending looks at one process only. Who shares them stands in a list;
//! a change is made in all of them, one after the other, while the list's
//! lock makes changes take turns. What a delivery resets (`SA_RESETHAND`) is
//! reset only where the signal was taken.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::signal::SigAction;

use super::Process;
use kernel_machine::sync::SpinLock;
use kernel_task::Mutex;

/// Processes with the same handlers.
type Sharers = Mutex<Vec<Weak<Process>>>;

/// A process's share in such a list; none for nearly all.
pub struct Handlers(SpinLock<Option<Arc<Sharers>>>);

impl Handlers {
    /// Shared with nobody.
    pub fn new() -> Self {
        Self(SpinLock::new(None))
    }

    fn sharers(&self) -> Option<Arc<Sharers>> {
        self.0.lock().clone()
    }
}

/// Makes `child`, which nobody knows yet, share the handlers of `parent`.
pub fn share(parent: &Arc<Process>, child: &Arc<Process>) {
    let new = Arc::new(Mutex::new(Vec::from([Arc::downgrade(parent)])));
    let sharers = parent.handlers.0.lock().get_or_insert(new).clone();
    let mut list = sharers.lock();
    // What the child has copied may have changed until now.
    let actions = parent.signals.lock().state.actions().clone();
    child.signals.lock().state.adopt_actions(actions);
    list.retain(|sharer| sharer.strong_count() > 0);
    list.push(Arc::downgrade(child));
    drop(list);
    *child.handlers.0.lock() = Some(sharers);
}

/// Sets a disposition in `process` and in all that share it; the old one.
///
/// # Errors
/// `EINVAL` for what cannot be caught.
pub fn set_action(
    process: &Arc<Process>,
    signal: u32,
    action: SigAction,
) -> Result<SigAction, Errno> {
    let set = |process: &Process| {
        process.signals.lock().state.set_action(signal, action)
    };
    let Some(sharers) = process.handlers.sharers() else {
        return set(process);
    };
    let list = sharers.lock();
    let old = set(process)?;
    for other in list.iter().filter_map(Weak::upgrade) {
        if !Arc::ptr_eq(&other, process) {
            set(&other)?;
        }
    }
    Ok(old)
}

/// From now on `process` has handlers of its own (`execve`).
pub fn unshare(process: &Arc<Process>) {
    let sharers = process.handlers.0.lock().take();
    if let Some(sharers) = sharers {
        let own = Arc::as_ptr(process);
        sharers.lock().retain(|sharer| sharer.as_ptr() != own);
    }
}
