//! Processes: tasks that run programs.
//!
//! A [`Process`] is what its threads share and what others see by its number
//! (Linux's thread group); a [`Thread`] is what each of its tasks has of its
//! own, and hangs on [`Task::owner`]. Memory, files and directories are
//! shared by counting references, so every mixture that `clone` can ask for
//! is the same code.
//!
//! ```text
//!   Task -- owner --> Thread -- process --> Process <-- node -- tree
//!    |                  |                     |
//!   space             files, fs             signals (handlers, threads)
//! ```
//!
//! In the order of a life: `start.rs` and `fork.rs` (begin), `exec.rs`
//! (become a program), `signal.rs` (be told), `ptrace.rs` (be watched),
//! `fault.rs`, `exit.rs` (end), `wait.rs` (be missed).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use kernel_abi::Errno;
use kernel_core::signal::ThreadKey;

use kernel_files::{FileTable, FsContext};
use kernel_machine::mm::AddressSpace;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::{self as task, Task, TaskId, WaitQueue};

pub mod authority;
pub mod clock;
pub mod credentials;
pub mod exec;
pub mod exit;
pub mod fault;
pub mod fork;
pub mod futex;
pub mod group;
pub mod handlers;
pub mod helper;
pub mod image;
pub mod limits;
mod load;
pub mod oom;
pub mod ptrace;
pub mod report;
pub mod signal;
pub mod start;
pub mod terminal;
pub mod timer;
pub mod traits;
mod trampoline;
pub mod tree;
pub mod usage;
pub mod wait;

use credentials::Credentials;
use image::Image;
use limits::Limits;
use signal::Signals;
use signal::restart::RestartNote;
use traits::Traits;
use usage::Usage;

/// Connects the layers below and starts this layer's kernel threads.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn init() -> Result<(), Errno> {
    report::init();
    futex::init();
    oom::init()?;
    kernel_task::alarm::init()
}

/// Number of a process: that of its first task.
pub type ProcessId = TaskId;

/// Numbers of relatives. Written under the tree's lock, read by anybody.
pub struct Relations {
    /// The process that is told of this one's death; 0 for none.
    pub(crate) parent: AtomicU32,
    /// Its process group.
    pub(crate) group: AtomicU32,
    /// Its session.
    pub(crate) session: AtomicU32,
}

/// What the threads of a program share.
pub struct Process {
    /// Its number.
    pub id: ProcessId,
    pub(crate) relations: Relations,
    /// Handlers, signals to the process as a whole, its threads.
    pub signals: SpinLock<Signals>,
    /// Where it waits for its children.
    pub child_changed: WaitQueue,
    /// Where `execve` waits for the other threads to end.
    threads_changed: WaitQueue,
    /// Whose it is.
    pub credentials: SpinLock<Credentials>,
    /// What it may use.
    pub limits: SpinLock<Limits>,
    /// What it runs.
    pub image: SpinLock<Image>,
    /// It has called `execve`, or is not a fork's child.
    pub has_executed: AtomicBool,
    /// The thread that made it.
    pub(crate) maker: TaskId,
    /// Who has the same handlers.
    pub handlers: handlers::Handlers,
    /// What it says of itself.
    pub traits: Traits,
    /// Sum over threads that ended.
    ended_usage: SpinLock<Usage>,
    /// Sum over children that were waited for.
    pub children_usage: SpinLock<Usage>,
    /// `setitimer`, `timer_create`.
    pub timers: timer::Timers,
    /// How many signals came to it as one of several. Written under the lock
    /// over all relations.
    pub(crate) shared_signals: AtomicU32,
}

impl Process {
    /// A process without threads yet, as a child of the one with these
    /// `relations` (parent, group, session).
    pub fn new(
        id: ProcessId,
        relations: [ProcessId; 3],
        inherited: Inherited,
    ) -> Arc<Self> {
        let [parent, group, session] = relations.map(AtomicU32::new);
        let leaf = |usage| SpinLock::with_rank(Rank::Device, usage);
        Arc::new(Self {
            id,
            relations: Relations { parent, group, session },
            signals: SpinLock::with_rank(Rank::Signal, inherited.signals),
            child_changed: WaitQueue::new(),
            threads_changed: WaitQueue::new(),
            credentials: SpinLock::new(inherited.credentials),
            limits: SpinLock::with_rank(Rank::Device, inherited.limits),
            image: SpinLock::new(inherited.image),
            has_executed: AtomicBool::new(false),
            maker: inherited.maker,
            handlers: handlers::Handlers::new(),
            traits: inherited.traits,
            shared_signals: AtomicU32::new(0),
            ended_usage: leaf(Usage::default()),
            children_usage: leaf(Usage::default()),
            timers: timer::Timers::new(),
        })
    }

    /// The process that is told of this one's death; 0 for none.
    #[inline]
    pub fn parent(&self) -> ProcessId {
        self.relations.parent.load(Relaxed)
    }

    /// Its process group.
    #[inline]
    pub fn group(&self) -> ProcessId {
        self.relations.group.load(Relaxed)
    }

    /// Its session.
    #[inline]
    pub fn session(&self) -> ProcessId {
        self.relations.session.load(Relaxed)
    }

    /// Its living threads.
    pub fn threads(&self) -> Vec<Arc<Task>> {
        let signals = self.signals.lock();
        signals.threads.iter().map(|member| member.task.clone()).collect()
    }

    /// One of its living threads, the first if that one lives.
    pub fn any_thread(&self) -> Option<Arc<Task>> {
        let signals = self.signals.lock();
        signals.threads.first().map(|member| member.task.clone())
    }

    /// Its memory, while it has any.
    pub fn space(&self) -> Option<Arc<AddressSpace>> {
        self.any_thread()?.space()
    }

    /// What its threads used so far.
    pub fn usage(&self) -> Usage {
        // A thread that ends moves from the one to the other under this lock.
        let signals = self.signals.lock();
        let mut sum = *self.ended_usage.lock();
        for member in &signals.threads {
            sum.add(&thread_usage(&member.task));
        }
        sum
    }

    /// What it and its children that were waited for used.
    pub fn usage_with_children(&self) -> Usage {
        let mut sum = self.usage();
        sum.add(&self.children_usage.lock());
        sum
    }
}

/// What a task used.
pub fn thread_usage(task: &Task) -> Usage {
    let (user_ns, system_ns) = task.times_ns();
    let (voluntary, involuntary) = task.switches();
    let thread: Option<&Thread> = task.owner();
    let faults = thread.map_or(0, |thread| thread.faults.load(Relaxed));
    Usage { user_ns, system_ns, faults, voluntary, involuntary, peak_pages: 0 }
}

/// What a process gets from the one that makes it.
pub struct Inherited {
    /// Handlers; nothing pending.
    pub signals: Signals,
    /// Whose it is.
    pub credentials: Credentials,
    /// What it may use.
    pub limits: Limits,
    /// What it runs.
    pub image: Image,
    /// The thread that makes it.
    pub maker: TaskId,
    /// What it says of itself.
    pub traits: Traits,
}

/// What each task of a process has of its own.
pub struct Thread {
    /// The process it belongs to.
    pub process: Arc<Process>,
    /// Its number as programs see it: after `execve` that of the process,
    /// whichever thread called it.
    visible_id: AtomicU32,
    /// Its name in the process's signal state.
    pub key: ThreadKey,
    /// What is kept of an interrupted system call.
    pub(crate) restart: RestartNote,
    files: SpinLock<Option<Arc<FileTable>>>,
    fs: SpinLock<Option<Arc<FsContext>>>,
    /// Where the kernel writes 0 and wakes a futex at the end; 0 for nowhere
    /// (`CLONE_CHILD_CLEARTID`, `set_tid_address`).
    pub clear_at_exit: AtomicU64,
    /// Head of its list of robust futexes; 0 for none.
    pub robust_list: AtomicU64,
    /// Page faults.
    pub faults: AtomicU64,
    /// Its place in a futex's queue, one at a time.
    futex: Arc<futex::Waiter>,
    /// Whom a vfork keeps waiting until this thread lets go of its memory.
    vfork: SpinLock<Option<Arc<fork::Release>>>,
    /// How it begins; taken by its first step.
    first_step: SpinLock<Option<fork::FirstStep>>,
    /// Who traces it, and what it shows the tracer.
    pub(crate) tracing: ptrace::Tracing,
}

/// What a thread is made of.
pub struct NewThread {
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
    pub futex: Arc<futex::Waiter>,
    /// See [`Thread`].
    pub clear_at_exit: u64,
    /// See [`Thread`].
    pub vfork: Option<Arc<fork::Release>>,
    /// See [`Thread`].
    pub first_step: fork::FirstStep,
}

impl Thread {
    /// A thread for a task that has not run yet.
    pub fn new(new: NewThread) -> Self {
        let cell = Rank::Device;
        Self {
            process: new.process,
            visible_id: AtomicU32::new(new.id),
            key: new.key,
            restart: RestartNote::new(),
            files: SpinLock::with_rank(cell, Some(new.files)),
            fs: SpinLock::with_rank(cell, Some(new.fs)),
            clear_at_exit: AtomicU64::new(new.clear_at_exit),
            robust_list: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            futex: new.futex,
            vfork: SpinLock::with_rank(cell, new.vfork),
            first_step: SpinLock::with_rank(cell, Some(new.first_step)),
            tracing: ptrace::Tracing::new(),
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

    /// Its root and working directory.
    ///
    /// # Errors
    /// `ESRCH` once the thread has begun to end.
    #[inline]
    pub fn fs(&self) -> Result<Arc<FsContext>, Errno> {
        self.fs.lock().clone().ok_or(Errno::ESRCH)
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

/// The task that programs know by this number. A thread that executed another
/// program has its process's number, not that of its task.
pub fn find_task(id: TaskId) -> Option<Arc<Task>> {
    let Some(task) = task::table::find(id) else { return living_thread(id) };
    let Some(thread) = thread_of(&task) else { return Some(task) };
    if thread.id() != id {
        return None;
    }
    if thread.process.signals.lock().is_borne_by(thread.key, &task) {
        return Some(task);
    }
    // Dead, and known until its process is waited for.
    living_thread(id).or(Some(task))
}

fn living_thread(id: TaskId) -> Option<Arc<Task>> {
    let mut threads = tree::find(id)?.threads().into_iter();
    threads.find(|task| number_of(task) == id)
}

/// The running thread.
#[derive(Clone, Copy)]
pub struct CurrentThread {
    task: task::Current,
    thread: &'static Thread,
}

impl core::ops::Deref for CurrentThread {
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
