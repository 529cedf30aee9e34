//! Telling parents: `SIGCHLD`, and waking those that wait.
//!
//! A parent learns of deaths, stops and continues, never of freezing
//! (freezer-spec G7). A continue is told when `SIGCONT` is sent, also while
//! the child is frozen (G5).

use alloc::sync::Arc;

use kernel_abi::signal::{SIGCHLD, SigInfo};
use kernel_core::signal::{Notice, Target, status};

use super::send;
use crate::Process;
use crate::tree::{self, Tree};
use crate::usage::TICK_NS;

/// Tells the parent of `process` that it stopped or goes on.
///
/// # Locks
/// Takes the lock over all relations, and under it the parent's signal lock.
pub fn parent_of_notice(process: &Arc<Process>, notice: Notice) {
    parent_of_notice_in(&mut tree::lock(), process, notice);
}

/// As [`parent_of_notice`], for who holds the lock over all relations.
pub fn parent_of_notice_in(
    tree: &mut Tree,
    process: &Arc<Process>,
    notice: Notice,
) {
    let Some(parent) = mark(tree, process) else { return };
    let (code, status) = notice.code_and_status();
    let info = child_info(process, code, status);
    let mut signals = parent.signals.lock();
    if signals.state.actions().wants_stop_notice()
        && let Ok(sent) = signals.state.send(Target::Process, &info, false)
    {
        send::carry_out(&signals, &sent);
    }
    drop(signals);
    parent.child_changed.wake_all();
}

/// What becomes of a child that died.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remains {
    /// A zombie, until its parent waits for it.
    Zombie,
    /// Nothing: its parent said that it will not wait.
    Nothing,
}

/// Tells the parent of `process` that it died with `status`.
///
/// # Locks
/// The caller holds the lock over all relations (`tree`); takes the parent's
/// signal lock.
pub fn parent_of_death(
    tree: &mut Tree,
    process: &Arc<Process>,
    status: u32,
    signal: u32,
) -> Remains {
    let Some(parent) = mark(tree, process) else { return Remains::Nothing };
    let (code, child_status) = status::child_code_and_status(status);
    let mut info = child_info(process, code, child_status);
    info.signo = signal as i32;
    let mut signals = parent.signals.lock();
    let policy = signals.state.actions().child_exit_policy();
    let is_child_signal = signal == SIGCHLD;
    if signal != 0
        && (policy.signal || !is_child_signal)
        && let Ok(sent) = signals.state.send(Target::Process, &info, false)
    {
        send::carry_out(&signals, &sent);
    }
    drop(signals);
    parent.child_changed.wake_all();
    if is_child_signal && policy.reap {
        return Remains::Nothing;
    }
    Remains::Zombie
}

/// Notes that `process` has something to tell; its parent.
fn mark(tree: &mut Tree, process: &Process) -> Option<Arc<Process>> {
    tree.mark_changed(process.id);
    Some(tree.node(process.parent())?.process.clone())
}

fn child_info(process: &Process, code: i32, status: i32) -> SigInfo {
    let user = process.credentials.lock().user.real;
    let usage = process.usage();
    let ticks = [usage.user_ns / TICK_NS, usage.system_ns / TICK_NS];
    SigInfo::child(code, process.id, user, status, ticks)
}
