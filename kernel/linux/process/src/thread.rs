//! What each task of a process has of its own.

use alloc::sync::Arc;
use core::ops::Deref;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, AtomicU64};

use kernel_abi::Errno;
use kernel_core::cgroup::Trail;
use kernel_core::signal::ThreadKey;

use crate::first_step::FirstStep;
use crate::fork::VforkDone;
use crate::futex::{Contended, Waiter};
use crate::personality::Personality;
use crate::prctl::TimerSlack;
use crate::process::Process;
use crate::ptrace::{Tracer, Tracing};
use crate::signal::restart::RestartNote;
use crate::undo::Undo;
use kernel_files::{FileTable, FsContext, FsShare};
use kernel_machine::mm::AddressSpace;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{self as task, Task, TaskId};

/// The place at a disk of a thread that has asked for none: no class, the middle
/// level.
pub const NO_IO_PRIORITY: u16 = 4;

/// What each task of a process has of its own.
pub struct Thread {
    /// The process it belongs to.
    pub process: Arc<Process>,
    /// Its number as programs see it: after `execve` that of the process,
    /// whichever thread called it.
    pub(crate) visible_id: AtomicU32,
    /// Its name in the process's signal state.
    pub key: ThreadKey,
    /// What is kept of an interrupted system call.
    pub(crate) restart: RestartNote,
    pub(crate) files: SpinLock<Option<Arc<FileTable>>>,
    pub(crate) fs: SpinLock<Option<FsShare>>,
    /// Where the kernel writes 0 and wakes a futex at the end; 0 for nowhere
    /// (`CLONE_CHILD_CLEARTID`, `set_tid_address`).
    pub clear_at_exit: AtomicU64,
    /// Head of its list of robust futexes; 0 for none.
    pub robust_list: AtomicU64,
    /// Page faults.
    pub faults: AtomicU64,
    /// Its place in a futex's queue, one at a time.
    pub(crate) futex: Arc<Waiter>,
    /// Whether others wait for locks that it owns.
    pub(crate) contended: Contended,
    /// It has made segments of shared memory.
    pub has_made_segments: AtomicBool,
    /// What it has to undo when it ends.
    pub(crate) undo: SpinLock<Option<Arc<Undo>>>,
    /// Whom a vfork keeps waiting until this thread lets go of its memory.
    pub(crate) vfork: SpinLock<Option<Arc<VforkDone>>>,
    /// How it begins; taken by its first step.
    pub(crate) first_step: SpinLock<Option<FirstStep>>,
    /// How late its timers may be.
    pub timer_slack: TimerSlack,
    /// How it wants the kernel to behave.
    pub personality: Personality,
    /// Its class and level for disks, as `ioprio_set(2)` writes them.
    pub io_priority: AtomicU16,
    /// Who traces it, and what it shows the tracer.
    pub(crate) tracing: Tracing,
    /// The group of cgroup v2 in which it ended.
    pub(crate) trail: spin::Once<Arc<Trail>>,
}

/// What a thread is made of.
pub(crate) struct NewThread {
    /// The process it belongs to.
    pub process: Arc<Process>,
    /// Its number.
    pub id: TaskId,
    /// Its open files.
    pub files: Arc<FileTable>,
    /// Its directories.
    pub fs: Arc<FsContext>,
    /// Its name in the process's signal state.
    pub key: ThreadKey,
    /// Its own futex waiter.
    pub futex: Arc<Waiter>,
    /// See [`Thread`].
    pub undo: Option<Arc<Undo>>,
    /// See [`Thread`].
    pub clear_at_exit: u64,
    /// See [`Thread`].
    pub vfork: Option<Arc<VforkDone>>,
    /// See [`Thread`].
    pub first_step: FirstStep,
}

impl Drop for Thread {
    /// A zombie counts for its user until it is forgotten.
    fn drop(&mut self) {
        self.process.tasks.leave();
    }
}

impl Thread {
    /// A thread for a task that has not run yet.
    pub(crate) fn new(new: NewThread) -> Self {
        let cell = Rank::Device;
        let own = task::current();
        let maker = thread_of(&own);
        Self {
            process: new.process,
            visible_id: AtomicU32::new(new.id),
            key: new.key,
            restart: RestartNote::new(),
            files: SpinLock::with_rank(cell, Some(new.files)),
            fs: SpinLock::with_rank(cell, Some(FsShare::of(new.fs))),
            clear_at_exit: AtomicU64::new(new.clear_at_exit),
            robust_list: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            futex: new.futex,
            contended: Contended::default(),
            has_made_segments: AtomicBool::new(false),
            undo: SpinLock::with_rank(cell, new.undo),
            vfork: SpinLock::with_rank(cell, new.vfork),
            first_step: SpinLock::with_rank(cell, Some(new.first_step)),
            timer_slack: TimerSlack::inherited(maker.map(|it| &it.timer_slack)),
            personality: Personality::inherited(
                maker.map(|it| &it.personality),
            ),
            io_priority: AtomicU16::new(
                maker.map_or(NO_IO_PRIORITY, |it| it.io_priority.load(Relaxed)),
            ),
            tracing: Tracing::new(),
            trail: spin::Once::new(),
        }
    }

    /// Its number as programs see it.
    #[inline]
    pub fn id(&self) -> TaskId {
        self.visible_id.load(Relaxed)
    }

    /// Its open files.
    ///
    /// # Errors
    /// `ESRCH` once the thread has begun to end.
    #[inline]
    pub fn files(&self) -> Result<Arc<FileTable>, Errno> {
        self.files.lock().clone().ok_or(Errno::ESRCH)
    }

    /// What it has to undo, to be shared with a new thread or added to. Only
    /// the thread itself asks.
    pub fn undo(&self) -> Arc<Undo> {
        if let Some(undo) = &*self.undo.lock() {
            return undo.clone();
        }
        let new = Arc::new(Undo::default());
        *self.undo.lock() = Some(new.clone());
        new
    }

    /// Its open files, which nobody shares with it from now on.
    ///
    /// # Errors
    /// `ENOMEM`; `ESRCH` once the thread has begun to end.
    pub fn own_files(&self) -> Result<Arc<FileTable>, Errno> {
        let files = self.files()?;
        // Two references are this one and the thread's own.
        if Arc::strong_count(&files) <= 2 {
            return Ok(files);
        }
        let own = files.fork()?;
        let old = self.files.lock().replace(own.clone());
        drop(old);
        Ok(own)
    }

    /// Who traces it.
    #[inline]
    pub fn tracer(&self) -> Option<Tracer> {
        self.tracing.tracer()
    }

    /// The group of cgroup v2 in which it ended, if it has.
    pub fn trail(&self) -> Option<&Trail> {
        self.trail.get().map(|trail| &**trail)
    }

    /// Its root and working directory.
    ///
    /// # Errors
    /// `ESRCH` once the thread has begun to end.
    #[inline]
    pub fn fs(&self) -> Result<Arc<FsContext>, Errno> {
        let fs = self.fs.lock();
        let share = fs.as_ref().ok_or(Errno::ESRCH)?;
        Ok(share.context().clone())
    }

    /// True if another thread, of whichever process, has its root and working
    /// directory, too.
    pub(crate) fn shares_directories(&self) -> bool {
        self.fs.lock().as_ref().is_some_and(FsShare::has_others)
    }
}

/// The thread of `task`, if it belongs to a process.
#[inline]
pub fn thread_of(task: &Task) -> Option<&Thread> {
    task.owner()
}

/// The number by which programs know a task: a thread's own, which an exec
/// changes, or that of a kernel thread.
pub fn number_of(task: &Task) -> TaskId {
    thread_of(task).map_or(task.id(), Thread::id)
}

/// The running thread.
#[derive(Clone, Copy)]
pub struct CurrentThread {
    task: task::Current,
    thread: &'static Thread,
}

impl Deref for CurrentThread {
    type Target = Thread;
    #[inline(always)]
    fn deref(&self) -> &Thread {
        self.thread
    }
}

impl CurrentThread {
    /// Its task.
    #[inline(always)]
    pub fn task(&self) -> task::Current {
        self.task
    }

    /// Its memory.
    ///
    /// # Errors
    /// `EFAULT` once it has none.
    pub fn space(&self) -> Result<Arc<AddressSpace>, Errno> {
        self.task.space().ok_or(Errno::EFAULT)
    }
}

/// The running thread. Only system calls, faults and signals of user tasks
/// ask for it.
///
/// # Panics
/// In a kernel thread.
#[inline]
pub fn current() -> CurrentThread {
    let task = task::current();
    let thread = task.as_static().owner::<Thread>();
    CurrentThread { task, thread: thread.expect("a task of a process") }
}

/// Open files of the running thread, if it is one of a process.
///
/// # Errors
/// `ESRCH` in a kernel thread.
#[inline]
pub fn current_files() -> Result<Arc<FileTable>, Errno> {
    thread_of(&task::current()).ok_or(Errno::ESRCH)?.files()
}
