//! `clone(2)`: new processes and new threads.
//!
//! One function makes both. What can fail comes first and leaves no trace;
//! from the moment the child stands in the tree (or among its process's
//! threads), nothing fails any more. `creation.rs` puts it together and says
//! where it begins.
//!
//! A task that enters here while it should freeze does so before it takes
//! any memory, so a fork bomb cannot outrun the freezer (SPECIFICATION.md P2).
//! The child counts as awake before its parent can sleep, in its parent's
//! freezer group (SPECIFICATION.md P1). The parent of a vfork counts as frozen
//! where it waits (SPECIFICATION.md P3).

use alloc::sync::Arc;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use kernel_abi::Errno;
use kernel_core::freezer;
use kernel_core::signal::ThreadKey;

use super::creation::{self, Belongings, Unentered};
use super::first_step::FirstStep;
use super::pidfd::Told;
use super::process::{Inherited, Process};
use super::ptrace::link;
use super::signal::{Signals, act};
use super::tree;
use super::undo::Undo;
use super::user::Place;
use super::{CurrentThread, current, handlers, timer};
use kernel_files::{FileTable, FsContext};
use kernel_machine::arch::thread as machine;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::{AddressSpace, user};
use kernel_machine::trace;
use kernel_task::refrigerator::{FREEZER, FreezerHost, try_to_freeze};
use kernel_task::{Kind, NewTask, Numbered, Task, TaskId, account, wake};

mod birthplace;
mod request;
mod vfork;

pub use birthplace::Birthplace;
use birthplace::Kept;
pub use request::{Flags, Request};
pub use vfork::{Cloned, VforkDone};

/// `clone(2)` with the caller's registers in `frame`. With `traces`, the
/// child is traced as its parent.
///
/// # Errors
/// `ENOMEM`, `EAGAIN` when memory or numbers are short; `ERESTARTNOINTR` if
/// the caller has a signal to see to first; `EEXIST`, `EINVAL` for a number
/// that the child cannot have; `EMFILE`, `EFAULT` where a descriptor is asked
/// for; those of [`Birthplace::keep`].
pub fn clone(
    frame: &TrapFrame,
    request: &Request<'_>,
    traces: bool,
) -> Result<Cloned, Errno> {
    try_to_freeze();
    let parent = current();
    // This is read before the look: a signal after it is seen at the end.
    let signals_before = parent.process.shared_signals.load(Acquire);
    if parent.task().signal_pending() {
        return Err(Errno::ERESTARTNOINTR);
    }
    let place = parent.process.take_place()?;
    let shares = Shares::take(&parent, request)?;
    let task = new_task(&parent, request, shares.space.clone())?;
    let kept = request.birthplace.map(|place| Kept::new(place, &task));
    let kept = kept.transpose()?;
    let done = request.has(Flags::VFORK).then(Arc::<VforkDone>::default);
    let traces = traces || request.has(Flags::PTRACE);
    let child = Child {
        task,
        shares,
        place,
        kept,
        done: done.clone(),
        traces,
        signals_before,
    };
    let first = first_registers(frame, request);
    let id = if request.has(Flags::THREAD) {
        child.join(&parent, request, first)?
    } else {
        child.separate(&parent, request, first)?
    };
    Ok(Cloned::new(id, done))
}

/// What the child shares with its parent or has a copy of.
struct Shares {
    space: Arc<AddressSpace>,
    files: Arc<FileTable>,
    fs: Arc<FsContext>,
    undo: Option<Arc<Undo>>,
}

impl Shares {
    fn take(
        parent: &CurrentThread,
        request: &Request<'_>,
    ) -> Result<Self, Errno> {
        let space = parent.space()?;
        let files = parent.files()?;
        let fs = parent.fs()?;
        Ok(Self {
            space: match request.has(Flags::VM) {
                true => space,
                false => space.fork()?,
            },
            files: match request.has(Flags::FILES) {
                true => files,
                false => files.fork()?,
            },
            fs: match request.has(Flags::FS) {
                true => fs,
                false => fs.fork(),
            },
            undo: request.has(Flags::SYSVSEM).then(|| parent.undo()),
        })
    }
}

/// Out of line, so that what it needs of the stack is free again when the
/// process is made.
#[inline(never)]
fn new_task(
    parent: &CurrentThread,
    request: &Request<'_>,
    space: Arc<AddressSpace>,
) -> Result<Arc<Task>, Errno> {
    let own = parent.task();
    let pointer = match request.has(Flags::SETTLS) {
        true => request.thread_pointer,
        false => machine::user_thread_pointer(),
    };
    Task::new(NewTask {
        id: request.wanted_id.map_or(Numbered::Next, Numbered::Exactly),
        kind: Kind::User,
        name: own.name().as_bytes(),
        entry: creation::begin,
        space: Some(space),
        allowed: own.allowed_cpus(),
        account: account::fork(),
        user_state: Some((machine::fp_state(), pointer)),
    })
}

fn first_registers(frame: &TrapFrame, request: &Request<'_>) -> FirstStep {
    let mut first = *frame;
    first.x[0] = 0;
    if request.stack != 0 {
        first.sp = request.stack;
    }
    let word = match request.has(Flags::CHILD_SETTID) {
        true => request.child_word,
        false => 0,
    };
    FirstStep::Registers(first, word)
}

/// A child in the making.
struct Child<'a> {
    task: Arc<Task>,
    shares: Shares,
    place: Place,
    /// Its place in a group, if that is not its parent's.
    kept: Option<Kept<'a>>,
    done: Option<Arc<VforkDone>>,
    traces: bool,
    /// What `shared_signals` was when the call began.
    signals_before: u32,
}

impl Child<'_> {
    /// Makes it a thread of the parent's process.
    #[inline(never)]
    fn join(
        mut self,
        parent: &CurrentThread,
        request: &Request<'_>,
        first: FirstStep,
    ) -> Result<TaskId, Errno> {
        let process = parent.process.clone();
        let key = {
            let mut signals = process.signals.lock();
            if signals.state.is_dying(parent.key) {
                // Its sibling's exec waits for those it saw; one more would
                // not be told to end.
                return Err(Errno::ERESTARTNOINTR);
            }
            let blocked = signals.state.blocked(parent.key);
            signals.state.add_thread(blocked)?
        };
        let traces = self.traces;
        let kept = self.kept.take();
        let child = self.finish(request, process, key, first);
        child.join();
        let task = child.task;
        timer::cpu::watch_if_set(&parent.process, &task);
        // It stands among its process's threads by now: who moves the process
        // to another group finds it there, or has moved its parent before.
        enter_freezer(kept, &task, parent);
        share_end(parent, &task, key);
        Ok(start(request, task, traces))
    }

    /// Makes it the first thread of a process of its own.
    ///
    /// Who its relatives are is read under the tree's lock, under which it
    /// also enters: others change that any time.
    ///
    /// | clone | meanwhile |
    /// |---|---|
    /// | reads nothing of group and parent | the shell moves the caller |
    /// | | the caller's parent ends: its children go to another |
    /// | locks the tree, reads, enters | a kill of the group waits |
    fn separate(
        mut self,
        parent: &CurrentThread,
        request: &Request<'_>,
        first: FirstStep,
    ) -> Result<TaskId, Errno> {
        let kept = self.kept.take();
        let (process, key) = new_process(parent, request, self.task.id())?;
        let descriptor = match request.has(Flags::PIDFD) {
            true => Some(Told::new(parent, &process, request.pidfd_word)?),
            false => None,
        };
        if request.has(Flags::SIGHAND) {
            handlers::share(&parent.process, &process);
        }
        let (traces, before) = (self.traces, self.signals_before);
        let child = self.finish(request, process, key, first);
        timer::cpu::watch_first(&child.process, &child.task);
        let mut tree = tree::lock();
        let signals = parent.process.shared_signals.load(Relaxed);
        if parent.task().signal_pending() || signals != before {
            // A signal to the group must reach parent and child, or be
            // handled, perhaps by another thread, before there is a child.
            return Err(Errno::ERESTARTNOINTR);
        }
        let own = &parent.process;
        // A sibling's end is told as the caller's own will be.
        let (parent_id, exit_signal) = match request.has(Flags::PARENT) {
            true => {
                let signal = tree.node(own.id).map_or(0, |it| it.exit_signal);
                (own.parent(), signal)
            }
            false => (own.id, request.exit_signal),
        };
        tree.relate(&child.process, parent_id, own);
        // It is in its group before anybody can find it: who kills a group
        // finds every child, or has killed its parent before it was made.
        let task = child.enter(&mut tree, exit_signal, |task| {
            enter_freezer(kept, task, parent);
        });
        drop(tree);
        descriptor.into_iter().for_each(Told::keep);
        Ok(start(request, task, traces))
    }

    fn finish(
        self,
        request: &Request<'_>,
        process: Arc<Process>,
        key: ThreadKey,
        first_step: FirstStep,
    ) -> Unentered {
        let clear_at_exit = match request.has(Flags::CHILD_CLEARTID) {
            true => request.child_word as u64,
            false => 0,
        };
        let belongings = Belongings {
            files: self.shares.files,
            fs: self.shares.fs,
            clear_at_exit,
            vfork: self.done,
            undo: self.shares.undo,
            place: self.place,
            first_step,
        };
        Unentered::new(self.task, process, key, belongings)
    }
}

/// The child is born: into the group where a place was kept, or its parent's.
fn enter_freezer(kept: Option<Kept<'_>>, child: &Task, parent: &CurrentThread) {
    let own = &parent.task().freezer;
    match kept {
        Some(mut kept) => kept.enter(own),
        None => FREEZER.born(&FreezerHost, &child.freezer, own),
    }
}

/// Whoever ends the process marks the threads that stand among its threads. A
/// thread that has just come there may have been missed, and is marked here.
/// It is in its group already: who kills a group finds it there, or has marked
/// its parent before.
fn share_end(parent: &CurrentThread, task: &Arc<Task>, key: ThreadKey) {
    let signals = parent.process.signals.lock();
    if signals.state.is_dying(key) {
        act::kill_thread(task);
    }
    drop(signals);
    if parent.task().freezer.flags().contains(freezer::Flags::KILLED) {
        FREEZER.mark_killed(&FreezerHost, task);
    }
}

/// A process like the parent's. What it is made of is large: it leaves the
/// stack before the rest of a fork needs that.
#[inline(never)]
fn new_process(
    parent: &CurrentThread,
    request: &Request<'_>,
    id: TaskId,
) -> Result<(Arc<Process>, ThreadKey), Errno> {
    let own = &parent.process;
    // The first process has no parent that could wait.
    if request.has(Flags::PARENT) && own.parent() == 0 {
        return Err(Errno::EINVAL);
    }
    let (blocked, stack) = {
        let state = &own.signals.lock().state;
        let stack = state.alternative_stack(parent.key, 0);
        (state.blocked(parent.key), stack)
    };
    let inherited = inherited(parent);
    let (process, key) = creation::new_process(id, inherited, blocked)?;
    if request.has(Flags::CLEAR_SIGHAND) {
        process.signals.lock().state.clear_handlers();
    }
    if !request.has(Flags::VM) || request.has(Flags::VFORK) {
        let state = &mut process.signals.lock().state;
        // A stack that was set is well formed.
        let _ = state.set_alternative_stack(key, 0, &stack);
    }
    Ok((process, key))
}

/// Out of line, as [`new_task`]: it is large.
#[inline(never)]
fn inherited(parent: &CurrentThread) -> Inherited {
    let own = &parent.process;
    // Only one lock is held at a time: each guard ends with its statement.
    let actions = own.signals.lock().state.actions().clone();
    let credentials = own.credentials.lock().clone();
    let limits = own.limits.lock().clone();
    let image = own.image.lock().clone();
    let user = own.tasks.user();
    let room = user.room(limits.pending());
    Inherited {
        signals: Signals::new(actions, false, room),
        credentials,
        limits,
        user,
        image,
        maker: parent.task().id(),
        attributes: own.attributes.fork(),
    }
}

/// Nothing fails any more: the child runs. Its number.
fn start(request: &Request<'_>, task: Arc<Task>, traces: bool) -> TaskId {
    let id = task.id();
    if traces {
        link::inherit(&task);
    }
    if request.has(Flags::PARENT_SETTID) {
        // As on Linux, a bad address is the caller's own loss.
        let _ = user::write_value(request.parent_word, &id);
    }
    trace::record(trace::EventKind::Born, current().id(), id);
    wake::wake_new(&task);
    id
}
