//! How threads and processes are put together: by `clone`, and by the kernel
//! for the first process and its helpers.
//!
//! ```text
//!  Task::new          a task with a number, which runs `begin`
//!  new_process        for a process of its own
//!  Unentered::new     the task is a thread, with files, directories, a key
//!  -- from here on nothing fails, and others can find it --
//!  Unentered::join    a thread among the others of its process
//!  Unentered::enter   a process in the tree
//!  wake_new           it runs
//! ```

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_core::signal::{SignalSet, ThreadKey};

use super::first_step::FirstStep;
use super::fork::VforkDone;
use super::process::{Inherited, Process};
use super::signal::Member;
use super::thread::{NewThread, Thread, current};
use super::tree::{Node, Tree};
use super::undo::Undo;
use super::user::Place;
use super::{exit, futex};
use kernel_files::{FileTable, FsContext};
use kernel_machine::arch::thread::{Last, work};
use kernel_machine::arch::trap;
use kernel_machine::mm::user;
use kernel_task::{Task, TaskId, scheduler};

/// What a new thread has of its own, or shares.
pub(super) struct Belongings {
    /// Its open files.
    pub files: Arc<FileTable>,
    /// Its directories.
    pub fs: Arc<FsContext>,
    /// See [`Thread`].
    pub clear_at_exit: u64,
    /// See [`Thread`].
    pub vfork: Option<Arc<VforkDone>>,
    /// See [`Thread`].
    pub undo: Option<Arc<Undo>>,
    /// What its user has taken for it.
    pub place: Place,
    /// How it begins.
    pub first_step: FirstStep,
}

/// A thread that has all it needs, and is not yet among those of its process.
pub(super) struct Unentered {
    /// Its task.
    pub task: Arc<Task>,
    /// Its process.
    pub process: Arc<Process>,
    key: ThreadKey,
}

/// A process whose only thread is still to be made and blocks `blocked`; and
/// that thread's key.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`.
#[inline(always)]
pub(super) fn new_process(
    id: TaskId,
    mut inherited: Inherited,
    blocked: SignalSet,
) -> Result<(Arc<Process>, ThreadKey), Errno> {
    let key = inherited.signals.state.add_thread(blocked)?;
    Ok((Process::new(id, inherited), key))
}

impl Unentered {
    /// Makes `task` the thread `key` of `process`.
    pub(super) fn new(
        task: Arc<Task>,
        process: Arc<Process>,
        key: ThreadKey,
        belongings: Belongings,
    ) -> Self {
        let Belongings {
            files,
            fs,
            clear_at_exit,
            vfork,
            undo,
            place,
            first_step,
        } = belongings;
        process.tasks.enter(place);
        let thread = Thread::new(NewThread {
            process: process.clone(),
            id: task.id(),
            files,
            fs,
            key,
            futex: futex::Waiter::new(),
            undo,
            clear_at_exit,
            vfork,
            first_step,
        });
        task.set_owner(Arc::new(thread));
        Self { task, process, key }
    }

    /// Puts it among the threads of its process. This is done once it is
    /// certain that it lives: process and task hold each other from here on,
    /// until the task exits.
    pub(super) fn join(&self) {
        let (key, task) = (self.key, self.task.clone());
        let mut signals = self.process.signals.lock();
        signals.threads.push(Member { key, task });
        if signals.state.needs_attention(key) {
            self.task.set_work(work::SIGNAL);
        }
    }

    /// Puts it into its process, as the first thread, and the process into
    /// the tree, where others find it; before that, `enter_freezer` puts the
    /// task into its freezer groups.
    pub(super) fn enter(
        self,
        tree: &mut Tree,
        exit_signal: u32,
        enter_freezer: impl FnOnce(&Task),
    ) -> Arc<Task> {
        self.join();
        enter_freezer(&self.task);
        tree.insert(Node::new(self.process, self.task.clone(), exit_signal));
        self.task
    }
}

/// Where every thread begins, on its own stack.
pub(super) extern "C" fn begin(last: Last) -> ! {
    scheduler::begin(last);
    let thread = current();
    let step = thread.first_step.lock().take();
    match step {
        Some(FirstStep::Registers(frame, word)) => {
            if word != 0 {
                let _ = user::write_value(word, &thread.id());
            }
            trap::enter_user(&frame)
        }
        // What the closure held is dropped with it: whatever is on this stack
        // by now is never dropped.
        Some(FirstStep::Program(become_program)) => match become_program() {
            Ok(frame) => trap::enter_user(&frame),
            Err(status) => exit::exit_thread(status),
        },
        None => unreachable!("a thread takes its first step once"),
    }
}
