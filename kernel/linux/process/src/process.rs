//! What the threads of a program share.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::credentials::Credentials;
use crate::end::End;
use crate::image::Image;
use crate::limits::Limits;
use crate::prctl::Attributes;
use crate::signal::Signals;
use crate::timer::Timers;
use crate::usage::Usage;
use crate::user::{Tasks, User};
use kernel_machine::mm::AddressSpace;
use kernel_machine::sync::{Rank, SpinLock, copy_out};
use kernel_task::{Mutex, Task, TaskId, WaitQueue};

/// Number of a process: that of its first task.
pub type ProcessId = TaskId;

/// Numbers of relatives. They are written under the tree's lock and read by
/// anybody.
pub(crate) struct Relations {
    /// The process that is told of this one's death; 0 for none.
    pub(crate) parent: AtomicU32,
    /// Its process group.
    pub(crate) group: AtomicU32,
    /// Its session.
    pub(crate) session: AtomicU32,
}

/// Processes with the same signal handlers.
pub(crate) type Sharers = Mutex<Vec<Weak<Process>>>;

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
    pub(crate) threads_changed: WaitQueue,
    /// Whose it is.
    pub credentials: SpinLock<Credentials>,
    /// What it may use.
    pub limits: SpinLock<Limits>,
    /// Its threads, and whose count they are part of.
    pub(crate) tasks: Tasks,
    /// What it runs.
    pub image: SpinLock<Image>,
    /// Its parent is not who made it, but who got it when that one ended.
    pub(crate) is_orphan: AtomicBool,
    /// Orphans that it has to wait for and nobody has paid for.
    pub(crate) unpaid_reaps: AtomicU32,
    /// How often it has called `execve`: which program of its this is.
    pub(crate) programs: AtomicU64,
    /// The thread that made it.
    pub(crate) maker: TaskId,
    /// Who has the same handlers; `None` for nearly all (`handlers.rs`).
    pub(crate) sharers: SpinLock<Option<Arc<Sharers>>>,
    /// What it says of itself.
    pub attributes: Attributes,
    /// Whether it has ended, for descriptors of it.
    pub(crate) end: End,
    /// Sum over threads that ended.
    pub(crate) ended_usage: SpinLock<Usage>,
    /// Sum over children that were waited for.
    pub children_usage: SpinLock<Usage>,
    /// `setitimer`, `timer_create`.
    pub timers: Timers,
    /// How many signals came to it as one of several. It is written under the
    /// lock over all relations.
    pub(crate) shared_signals: AtomicU32,
}

impl Process {
    /// A process without threads yet. It has no relatives before it enters
    /// the tree.
    #[inline(always)]
    pub(crate) fn new(id: ProcessId, inherited: Inherited) -> Arc<Self> {
        let [parent, group, session] = [const { AtomicU32::new(0) }; 3];
        let leaf = |usage| SpinLock::with_rank(Rank::Device, usage);
        Arc::new(Self {
            id,
            relations: Relations { parent, group, session },
            signals: SpinLock::with_rank(Rank::Signal, inherited.signals),
            child_changed: WaitQueue::new(),
            threads_changed: WaitQueue::new(),
            credentials: SpinLock::new(inherited.credentials),
            limits: SpinLock::with_rank(Rank::Device, inherited.limits),
            tasks: Tasks::new(inherited.user),
            image: SpinLock::new(inherited.image),
            is_orphan: AtomicBool::new(false),
            unpaid_reaps: AtomicU32::new(0),
            programs: AtomicU64::new(0),
            maker: inherited.maker,
            sharers: SpinLock::new(None),
            attributes: inherited.attributes,
            end: End::new(),
            shared_signals: AtomicU32::new(0),
            ended_usage: leaf(Usage::default()),
            children_usage: leaf(Usage::default()),
            timers: Timers::new(),
        })
    }

    /// Which program of its it runs: 0 before its first `execve`. It is
    /// another before the next one has its rights.
    pub fn program(&self) -> u64 {
        self.programs.load(SeqCst)
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
        copy_out(|room| {
            let threads = &self.signals.lock().threads;
            if threads.len() <= room.capacity() {
                room.extend(threads.iter().map(|member| member.task.clone()));
            }
            threads.len()
        })
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
}

/// What a process gets from the one that makes it.
pub(crate) struct Inherited {
    /// Handlers; nothing pending.
    pub signals: Signals,
    /// Whose it is.
    pub credentials: Credentials,
    /// What it may use.
    pub limits: Limits,
    /// For whom it counts.
    pub user: Arc<User>,
    /// What it runs.
    pub image: Image,
    /// The thread that makes it.
    pub maker: TaskId,
    /// What it says of itself.
    pub attributes: Attributes,
}
