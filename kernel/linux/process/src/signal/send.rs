//! Sending: to a process, to a thread, to a group, to everybody.
//!
//! The state decides under the signal lock; flags are set and tasks woken
//! under it too; the parent is told after it is released, because that takes
//! the lock over all relations, which comes first. Who sends to several has
//! that lock all the while.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::signal::{SI_TKILL, SI_USER, SIGCONT, SigInfo};
use kernel_core::signal::{Notice, Target, ThreadKey};

use super::act::{self, carry_out};
use super::{Signals, notify};
use crate::tree::{self, Tree};
use crate::{
    Process, ProcessId, Thread, current, find_process, find_task, thread_of,
};
use kernel_task::{Task, TaskId};

/// Sends to the process as a whole.
///
/// # Errors
/// `EINVAL` for a number out of range, `EAGAIN` when the queue is full.
///
/// # Locks
/// Takes the process's signal lock; none of rank signal or above is held.
pub fn to_process(process: &Arc<Process>, info: &SigInfo) -> Result<(), Errno> {
    send(process, Target::Process, info, false)
}

/// As [`to_process`], from the kernel itself: reaches process 1 too.
pub fn from_kernel(process: &Arc<Process>, signal: u32) {
    let info = SigInfo::kernel(signal);
    // A signal without a value always finds room.
    let _ = send(process, Target::Process, &info, true);
}

/// Sends to one thread, which is `task`.
///
/// # Errors
/// As [`to_process`]; `ESRCH` if the thread has left its process. Another may
/// have its key by then.
pub fn to_thread(
    task: &Task,
    thread: &Thread,
    info: &SigInfo,
) -> Result<(), Errno> {
    let process = &thread.process;
    let target = Target::Thread(thread.key);
    send_if(process, target, info, false, |signals| {
        signals.is_living_thread(thread.key, task)
    })
}

fn send(
    process: &Arc<Process>,
    target: Target,
    info: &SigInfo,
    forced: bool,
) -> Result<(), Errno> {
    send_if(process, target, info, forced, |signals| match target {
        Target::Thread(key) => signals.task(key).is_some(),
        _ => true,
    })
}

/// As [`send`], where `is_there` is asked under the lock.
fn send_if(
    process: &Arc<Process>,
    target: Target,
    info: &SigInfo,
    forced: bool,
    is_there: impl FnOnce(&Signals) -> bool,
) -> Result<(), Errno> {
    if let Some(notice) = post(process, target, info, forced, is_there)? {
        notify::parent_of_notice(process, notice);
    }
    Ok(())
}

/// All of [`send_if`] but telling the parent, which is left to the caller.
fn post(
    process: &Process,
    target: Target,
    info: &SigInfo,
    forced: bool,
    is_there: impl FnOnce(&Signals) -> bool,
) -> Result<Option<Notice>, Errno> {
    let mut signals = process.signals.lock();
    if !is_there(&signals) {
        return Err(Errno::ESRCH);
    }
    let sent = signals.state.send(target, info, forced)?;
    carry_out(&signals, &sent);
    Ok(sent.notice)
}

/// Sends to a process as a whole, as one of several: under the lock over all
/// relations, so that none of them makes a child meanwhile that is not sent
/// it. A fork enters its child under that lock, unless such a signal has come
/// since the fork began, whichever thread it is for.
///
/// | sends to the group | a member forks |
/// |---|---|
/// | reads the members | |
/// | | enters a child into the group |
/// | sends to those it read, and the child is left | |
fn post_in(
    tree: &mut Tree,
    process: &Arc<Process>,
    info: &SigInfo,
) -> Result<(), Errno> {
    process.shared_signals.fetch_add(1, Relaxed);
    let notice = post(process, Target::Process, info, false, |_| true)?;
    if let Some(notice) = notice {
        notify::parent_of_notice_in(tree, process, notice);
    }
    Ok(())
}

/// Raises a signal that the running thread cannot refuse: a fault.
pub fn force_current(info: &SigInfo) {
    let thread = current();
    let mut signals = thread.process.signals.lock();
    let sent = signals.state.force(thread.key, info);
    carry_out(&signals, &sent);
}

/// `kill(2)` from the running process: `target` as there.
///
/// # Errors
/// `ESRCH` if nobody is meant, `EPERM` if nobody may be sent it, `EINVAL`
/// for a number out of range.
pub fn kill_call(target: i32, signal: u32) -> Result<(), Errno> {
    let thread = current();
    let own = &thread.process;
    match target {
        1.. => checked(&find_process(target as u32)?, signal),
        0 => to_group(own.group(), signal),
        -1 => to_all(own, signal),
        i32::MIN => Err(Errno::ESRCH),
        _ => to_group(target.unsigned_abs(), signal),
    }
}

fn to_group(group: ProcessId, signal: u32) -> Result<(), Errno> {
    // They are dropped after the lock, since a process can end with them.
    let members;
    let mut tree = tree::lock();
    members = tree.group_members(group).ok_or(Errno::ESRCH)?;
    let tree = &mut *tree;
    best_of(members.iter().map(|member| checked_in(tree, member, signal)))
}

fn to_all(own: &Process, signal: u32) -> Result<(), Errno> {
    let everybody;
    let mut tree = tree::lock();
    everybody = tree.all();
    let tree = &mut *tree;
    let meant =
        everybody.iter().filter(|it| it.id != tree::FIRST && it.id != own.id);
    best_of(meant.map(|process| checked_in(tree, process, signal)))
}

/// Success if any succeeded, else the last failure.
fn best_of(
    results: impl Iterator<Item = Result<(), Errno>>,
) -> Result<(), Errno> {
    let mut best = Err(Errno::ESRCH);
    for result in results {
        if best.is_err() {
            best = result;
        }
    }
    best
}

fn checked(process: &Arc<Process>, signal: u32) -> Result<(), Errno> {
    let info = user_info(signal, SI_USER);
    checked_with(process, signal, &info, |info| to_process(process, info))
}

/// Sends to a process that somebody has by a descriptor: `info`, or what
/// `kill` sends.
///
/// # Errors
/// As [`kill_call`].
pub fn to_known(
    process: &Arc<Process>,
    signal: u32,
    info: Option<&SigInfo>,
) -> Result<(), Errno> {
    match info {
        None => checked(process, signal),
        Some(info) => checked_with(process, signal, info, |info| {
            to_process(process, info)
        }),
    }
}

fn checked_in(
    tree: &mut Tree,
    process: &Arc<Process>,
    signal: u32,
) -> Result<(), Errno> {
    let info = user_info(signal, SI_USER);
    checked_with(process, signal, &info, |info| post_in(tree, process, info))
}

/// Sends `info` by `send` if the running process may.
fn checked_with(
    process: &Arc<Process>,
    signal: u32,
    info: &SigInfo,
    send: impl FnOnce(&SigInfo) -> Result<(), Errno>,
) -> Result<(), Errno> {
    if signal > kernel_abi::signal::SIGRTMAX {
        return Err(Errno::EINVAL);
    }
    if !may_signal(process, signal) {
        return Err(Errno::EPERM);
    }
    if signal == 0 { Ok(()) } else { send(info) }
}

fn may_signal(process: &Arc<Process>, signal: u32) -> bool {
    let thread = current();
    let own = &thread.process;
    if Arc::ptr_eq(own, process) {
        return true;
    }
    let credentials = own.credentials.lock().clone();
    credentials.may_signal(&process.credentials.lock())
        || signal == SIGCONT && own.session() == process.session()
}

/// `tgkill(2)` and `tkill(2)`: `process_id` is checked if it is given.
///
/// # Errors
/// As [`kill_call`].
pub fn tgkill_call(
    process_id: Option<ProcessId>,
    thread_id: TaskId,
    signal: u32,
) -> Result<(), Errno> {
    let info = user_info(signal, SI_TKILL);
    queue_to_thread(process_id, thread_id, signal, &info)
}

/// `rt_tgsigqueueinfo(2)`.
///
/// # Errors
/// As [`kill_call`].
pub fn queue_to_thread(
    process_id: Option<ProcessId>,
    thread_id: TaskId,
    signal: u32,
    info: &SigInfo,
) -> Result<(), Errno> {
    let task = find_task(thread_id).ok_or(Errno::ESRCH)?;
    let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
    if process_id.is_some_and(|id| id != thread.process.id) {
        return Err(Errno::ESRCH);
    }
    let process = &thread.process;
    checked_with(process, signal, info, |info| to_thread(&task, thread, info))
}

/// `rt_sigqueueinfo(2)`.
///
/// # Errors
/// As [`kill_call`].
pub fn queue_to_process(
    id: ProcessId,
    signal: u32,
    info: &SigInfo,
) -> Result<(), Errno> {
    let process = find_process(id)?;
    checked_with(&process, signal, info, |info| to_process(&process, info))
}

#[inline(always)]
fn user_info(signal: u32, code: i32) -> SigInfo {
    let thread = current();
    let user = thread.process.credentials.lock().user.real;
    SigInfo::from_user(signal, code, thread.process.id, user)
}

/// Sends a kernel signal to every process of `group`: the terminal's `^C`.
pub fn group_from_kernel(group: ProcessId, signal: u32) {
    let members;
    let mut tree = tree::lock();
    members = tree.group_members(group).unwrap_or_default();
    for member in &members {
        // A signal without a value always finds room.
        let _ = post_in(&mut tree, member, &SigInfo::kernel(signal));
    }
}

/// Kills a process, whatever it handles, be it the first one.
pub fn kill_process(process: &Process) {
    act::kill_process(&mut process.signals.lock());
}

/// Sends a signal to the running thread, from the kernel: `SIGPIPE`.
pub fn to_current(signal: u32) {
    let thread = current();
    let key: ThreadKey = thread.key;
    let info = SigInfo::kernel(signal);
    let _ = send(&thread.process, Target::Thread(key), &info, false);
}
