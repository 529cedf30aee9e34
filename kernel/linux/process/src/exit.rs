//! The end of threads and processes.
//!
//! A thread gives back what it has, memory first, then leaves its process;
//! the last one to leave makes the process a zombie and tells the parent. By
//! then every frame of its memory is free, so a parent whose `wait` returned
//! finds the memory back. The task itself ends in
//! [`scheduler::exit_current`], which takes it out of the freezer's counts
//! (SPECIFICATION.md F3, P5).

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::signal::{SIGCHLD, SIGCONT, SIGHUP, SigInfo};
use kernel_core::cgroup::Trail;
use kernel_core::freezer::Hierarchy;

use super::ptrace::{end, tell};
use super::reaping;
use super::signal::notify::{self, AfterDeath};
use super::signal::{act, send};
use super::terminal::SESSION_ENDED;
use super::tree::{self, Node, Tree};
use super::{CurrentThread, Process, ProcessId, current, futex, thread_usage};
use kernel_machine::mm::{AddressSpace, user};
use kernel_machine::sync::Hook;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{Task, scheduler};

/// Finds the trail of a task.
pub type FindTrail = fn(&Task) -> Option<Arc<Trail>>;

/// What a thread that ends keeps of its group of cgroup v2, which a layer
/// above knows. It is asked on the thread's way out.
pub static TRAIL: Hook<FindTrail> = Hook::new();

/// Tells that the running thread, which has made segments of shared memory,
/// ends.
pub static MAKER_ENDS: Hook<fn()> = Hook::new();

/// Ends the whole process with this wait status; the first status counts.
pub fn exit_group(status: u32) -> ! {
    let process = current().process.clone();
    let mut signals = process.signals.lock();
    let others = signals.state.begin_exit(status);
    act::everybody(&signals, others);
    drop(signals);
    drop(process);
    exit_thread(status)
}

/// Ends the running thread. If it is the last one of a process that does not
/// end as a whole already, `status` is the process's.
///
/// # Panics
/// If the first process ends: without it, nothing can go on.
pub fn exit_thread(status: u32) -> ! {
    let thread = current();
    FREEZER.exiting(&FreezerHost, &*thread.task());
    take_no_signals(&thread);
    futex::release_robust_list(&thread);
    futex::pi::release(&thread, futex::End::Exit);
    let take = || thread.task().replace_space(None);
    let peak_pages = release_memory(&thread, take);
    // Each guard ends with its statement, before what it guarded is dropped.
    let undo = thread.undo.lock().take();
    drop(undo);
    if thread.has_made_segments.load(Relaxed)
        && let Some(maker_ends) = MAKER_ENDS.get()
    {
        maker_ends();
    }
    let files = thread.files.lock().take();
    drop(files);
    let fs = thread.fs.lock().take();
    drop(fs);
    leave_process(&thread, status, peak_pages);
    scheduler::exit_current()
}

/// A signal to the process that comes while the thread gives back what it has
/// is for the others: this one would take it and do nothing about it.
fn take_no_signals(thread: &CurrentThread) {
    let mut signals = thread.process.signals.lock();
    let lost = signals.state.begin_leaving(thread.key);
    act::retarget(&signals, lost);
}

/// Gives the memory back that `take` takes from the thread, and wakes the
/// parent that a vfork keeps waiting. The result is the most pages that the
/// memory had.
pub(super) fn release_memory(
    thread: &CurrentThread,
    take: impl FnOnce() -> Option<Arc<AddressSpace>>,
) -> u64 {
    clear_word(thread);
    let space = take();
    let peak = space.as_ref().map_or(0, |space| space.resident_pages());
    if let Some(space) = space {
        AddressSpace::leave(space);
    }
    let done = thread.vfork.lock().take();
    if let Some(done) = done {
        done.complete();
    }
    peak as u64
}

/// `CLONE_CHILD_CLEARTID`: tells those that share the memory.
fn clear_word(thread: &CurrentThread) {
    let word = thread.clear_at_exit.swap(0, Relaxed) as usize;
    let Ok(space) = thread.space() else { return };
    // Two references are this one and the task's own.
    let is_shared = Arc::strong_count(&space) > 2;
    if word != 0 && is_shared && user::write_value(word, &0_u32).is_ok() {
        futex::wake_one_at(&space, word);
    }
}

fn leave_process(thread: &CurrentThread, status: u32, peak_pages: u64) {
    let process = thread.process.clone();
    // It leaves before anybody hears of the end: who has heard can remove the
    // group.
    keep_trail(thread);
    FREEZER.leave_groups(&FreezerHost, &*thread.task());
    let mut signals = process.signals.lock();
    let departure = signals.state.remove_thread(thread.key);
    signals.threads.retain(|member| member.key != thread.key);
    let used = thread_usage(&thread.task());
    {
        let mut ended = process.ended_usage.lock();
        ended.add(&used);
        ended.peak_pages = ended.peak_pages.max(peak_pages);
    }
    act::retarget(&signals, departure.retarget);
    let is_last = signals.threads.is_empty();
    let status = signals.state.exit_status().unwrap_or(status);
    drop(signals);
    if let Some(notice) = departure.notice {
        notify::parent_of_notice(&process, notice);
    }
    end::end_all(thread);
    tell::thread_ended(thread, status);
    process.threads_changed.wake_all();
    if is_last {
        // The file may be written again before anybody hears of the end.
        let program = process.image.lock().program.take();
        drop(program);
        end_process(&process, status);
    }
}

/// A dead thread tells in which group of cgroup v2 it ended.
fn keep_trail(thread: &CurrentThread) {
    let task = thread.task();
    if task.freezer.groups().of(Hierarchy::V2) != 0
        && let Some(find) = TRAIL.get()
        && let Some(trail) = find(&task)
    {
        thread.trail.call_once(|| trail);
    }
}

/// The last thread is gone.
fn end_process(process: &Arc<Process>, status: u32) {
    if process.id == tree::FIRST {
        panic!("Attempted to kill init! exitcode={status:#010x}");
    }
    process.timers.end();
    if process.session() == process.id
        && let Some(session_ended) = SESSION_ENDED.get()
    {
        session_ended(process.id);
    }
    let mut gone = Vec::new();
    let mut tree = tree::lock();
    let children = children_of(&tree, process);
    let orphaned = give_children_away(&mut tree, process, &children, &mut gone);
    let signal = match tree.node_mut(process.id) {
        Some(node) => {
            node.zombie = Some(status);
            node.exit_signal
        }
        None => 0,
    };
    let after = if tell::process_ended(&tree, process, status) {
        AfterDeath::Zombie
    } else {
        notify::parent_of_death(&mut tree, process, status, signal)
    };
    if after == AfterDeath::Reaped {
        gone.extend(tree.remove(process.id));
    }
    let reaps = reaps_of(&tree, process, &children);
    drop(tree);
    drop(gone);
    process.end.tell();
    for (reaper, count) in reaps.into_iter().flatten() {
        reaping::pay(&reaper, count);
    }
    orphaned.into_iter().for_each(hang_up);
    children.iter().for_each(tell_of_parents_death);
}

/// Who has to wait for orphans that are zombies from now on, and for how many:
/// for this one, and for children that it had not waited for.
fn reaps_of(
    tree: &Tree,
    process: &Arc<Process>,
    children: &[Arc<Process>],
) -> [Option<(Arc<Process>, u32)>; 2] {
    let is_zombie = |id| tree.node(id).is_some_and(|it| it.zombie.is_some());
    let zombies = children.iter().filter(|child| is_zombie(child.id)).count();
    let parent_of =
        |it: &Process| Some(tree.node(it.parent())?.process.clone());
    let heirs = children.first().filter(|_| zombies != 0);
    let for_children = heirs.and_then(|child| parent_of(child));
    let is_own = process.is_orphan.load(Relaxed) && is_zombie(process.id);
    let for_own = if is_own { parent_of(process) } else { None };
    [for_own.map(|it| (it, 1)), for_children.map(|it| (it, zombies as u32))]
}

/// `prctl(PR_SET_PDEATHSIG)`.
fn tell_of_parents_death(child: &Arc<Process>) {
    let signal = child.attributes.death_signal.load(Relaxed);
    if signal != 0 {
        // An ordinary signal always finds room.
        let _ = send::to_process(child, &SigInfo::kernel(signal));
    }
}

fn children_of(tree: &Tree, process: &Process) -> Vec<Arc<Process>> {
    let Some(node) = tree.node(process.id) else { return Vec::new() };
    let children = node.children.iter();
    children.filter_map(|id| Some(tree.node(*id)?.process.clone())).collect()
}

/// Gives the children to who reaps them. Returns groups that nobody looks
/// after any more although they have stopped members.
fn give_children_away(
    tree: &mut Tree,
    process: &Process,
    children: &[Arc<Process>],
    gone: &mut Vec<Node>,
) -> Vec<ProcessId> {
    let mut groups: BTreeSet<ProcessId> = children
        .iter()
        .filter(|child| looks_after(process, child))
        .map(|child| child.group())
        .collect();
    let parent = tree.node(process.parent()).map(|node| &node.process);
    if parent.is_some_and(|parent| looks_after(parent, process)) {
        groups.insert(process.group());
    }
    let reaper = reaper_of(tree, process);
    tree.reparent(process.id, reaper);
    for child in children {
        // Whoever reaps children waits for them by SIGCHLD, whatever the one
        // that made them asked for.
        if let Some(node) = tree.node_mut(child.id) {
            node.exit_signal = SIGCHLD;
        }
        tell_again(tree, child, gone);
    }
    groups
        .into_iter()
        .filter(|group| tree.is_orphaned(*group, process.id))
        .filter(|group| has_stopped_member(tree, *group))
        .collect()
}

/// Who takes over the children of `process`: the nearest ancestor that said
/// so (`prctl(PR_SET_CHILD_SUBREAPER)`), or the first process.
fn reaper_of(tree: &Tree, process: &Process) -> ProcessId {
    let mut id = process.parent();
    while let Some(node) = tree.node(id) {
        if node.zombie.is_none()
            && node.process.attributes.is_reaper.load(Relaxed)
        {
            return id;
        }
        id = node.process.parent();
    }
    tree::FIRST
}

/// True if `parent` keeps the group of `child` from being orphaned. Groups
/// of which this holds for nobody that ends or loses a parent stay as they
/// are, so nothing is searched for them.
fn looks_after(parent: &Process, child: &Process) -> bool {
    parent.id != tree::FIRST
        && parent.group() != child.group()
        && parent.session() == child.session()
}

/// Tells the new parent of a child that died before.
fn tell_again(tree: &mut Tree, child: &Arc<Process>, gone: &mut Vec<Node>) {
    let Some(node) = tree.node(child.id) else { return };
    let Some(status) = node.zombie else { return };
    let signal = node.exit_signal;
    if tell::foreign_tracer(tree, child).is_some() {
        return;
    }
    let after = notify::parent_of_death(tree, child, status, signal);
    if after == AfterDeath::Reaped {
        gone.extend(tree.remove(child.id));
    }
}

fn has_stopped_member(tree: &Tree, group: ProcessId) -> bool {
    let members = tree.group_members(group).unwrap_or_default();
    members.iter().any(|member| {
        let signals = member.signals.lock();
        let mut threads = signals.threads.iter();
        threads.any(|thread| signals.state.is_stopped(thread.key))
    })
}

/// A stopped group that nobody can continue any more is told so.
fn hang_up(group: ProcessId) {
    send::group_from_kernel(group, SIGHUP);
    send::group_from_kernel(group, SIGCONT);
}
