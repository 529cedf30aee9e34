//! The process or thread that a number means, and what belongs to it.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::capability::Capability;
use kernel_core::number;

use kernel_files::{FileTable, FsContext, Location};
use kernel_machine::mm::{AddressSpace, Observed};
use kernel_process::credentials::Access;
use kernel_process::{
    Process, Thread, access, authority, find_task, number_of, thread_of, tree,
};
use kernel_task::{self as task, Task, kthread, state, table};

/// The numbers of all processes, kernel threads included, ascending.
pub(super) fn processes() -> Vec<u32> {
    let mut ids: Vec<u32> =
        tree::lock().nodes().map(|node| node.process.id).collect();
    kthread::for_each(|task| ids.push(task.id()));
    ids.sort_unstable();
    ids
}

/// A task that is asked about.
pub(super) struct Target {
    pub(super) task: Arc<Task>,
    /// What of its process, unless it is a kernel thread.
    pub(super) user: Option<User>,
    /// The process as a whole is meant, not the thread alone.
    pub(super) is_whole: bool,
}

/// What is known of a user task's process.
pub(super) struct User {
    pub(super) process: Arc<Process>,
    pub(super) exit_signal: u32,
    pub(super) zombie: Option<u32>,
}

impl Target {
    /// Finds the process `id`, or one of its threads.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(super) fn find(id: u32, thread: Option<u32>) -> Result<Self, Errno> {
        let is_whole = thread.is_none();
        let Some((user, leader)) = find_process(id) else {
            let task = table::find(id).filter(|task| is_kthread(task));
            let task = task.ok_or(Errno::ESRCH)?;
            let is_it = thread.is_none_or(|thread| thread == id);
            return match is_it {
                true => Ok(Self { task, user: None, is_whole }),
                false => Err(Errno::ESRCH),
            };
        };
        let task = match thread {
            Some(thread) if thread != id => {
                let mut all = user.process.threads().into_iter();
                all.find(|task| number_of(task) == thread)
                    .ok_or(Errno::ESRCH)?
            }
            // The leader itself is dead after another's exec.
            _ => find_task(id).unwrap_or(leader),
        };
        Ok(Self { task, user: Some(user), is_whole })
    }

    /// Its process, unless it is a kernel thread.
    pub(super) fn process(&self) -> Option<&Arc<Process>> {
        Some(&self.user.as_ref()?.process)
    }

    /// The thread, unless it is a kernel thread.
    pub(super) fn thread(&self) -> Option<&Thread> {
        thread_of(&self.task)
    }

    /// Numbers of its process's threads, ascending.
    pub(super) fn threads(&self) -> Vec<u32> {
        let threads = self.process().map(|process| process.threads());
        let mut ids: Vec<u32> = threads
            .unwrap_or_default()
            .iter()
            .map(|it| number_of(it))
            .collect();
        if ids.is_empty() {
            ids.push(self.process().map_or(self.task.id(), |it| it.id));
        }
        ids.sort_unstable();
        ids
    }

    /// User and group to whom its files belong: those of its directories that
    /// all may read, `is_open`, to who it is, others to root if nobody may
    /// look at it.
    pub(super) fn owner(&self, is_open: bool) -> (u32, u32) {
        self.process().map_or((0, 0), |process| {
            let credentials = process.credentials.lock();
            match is_open || credentials.is_dumpable {
                true => credentials.used().into(),
                false => (0, 0),
            }
        })
    }

    /// True if it is the running process.
    pub(super) fn is_own(&self) -> bool {
        let own = task::current();
        let own = thread_of(&own).map(|thread| &thread.process);
        self.process()
            .zip(own)
            .is_some_and(|(process, own)| Arc::ptr_eq(process, own))
    }

    /// The thread, for the running one to see or set how late its timers may
    /// be: itself, or any for who may say how others are scheduled.
    ///
    /// # Errors
    /// `EPERM`; `ESRCH` for a kernel thread.
    fn paced_thread(&self) -> Result<&Thread, Errno> {
        let thread = self.thread().ok_or(Errno::ESRCH)?;
        let own = task::current();
        let Some(asker) = thread_of(&own) else { return Ok(thread) };
        let may_all = || authority::has(Capability::SYS_NICE);
        match core::ptr::eq(asker, thread) || may_all() {
            true => Ok(thread),
            false => Err(Errno::EPERM),
        }
    }

    /// The text of `timerslack_ns`.
    ///
    /// # Errors
    /// `EPERM`, `ESRCH`.
    pub(super) fn timer_slack(&self) -> Result<Vec<u8>, Errno> {
        let slack_ns = self.paced_thread()?.timer_slack.get();
        Ok(format!("{slack_ns}\n").into_bytes())
    }

    /// Sets what `timerslack_ns` shows.
    ///
    /// # Errors
    /// `EPERM`, `ESRCH`; `EINVAL` for no number.
    pub(super) fn set_timer_slack(&self, text: &[u8]) -> Result<usize, Errno> {
        let slack_ns = number::parse_decimal(number::trim(text))?;
        self.paced_thread()?.timer_slack.set(slack_ns);
        Ok(text.len())
    }

    /// Its memory, for the running process to look at; `None` if it has none.
    ///
    /// # Errors
    /// `EACCES` if that may not.
    pub(super) fn memory(&self) -> Result<Option<Observed>, Errno> {
        let Some(process) = self.process() else {
            return match authority::has(Capability::SYS_PTRACE) {
                true => Ok(None),
                false => Err(Errno::EACCES),
            };
        };
        let task = process.any_thread();
        let task = task.as_ref().unwrap_or(&self.task);
        let space = access::space(process, task, Access::Look);
        Ok(space.map_err(|_| Errno::EACCES)?.map(Observed::from))
    }

    /// What `take` finds of it, if the running process may look at it before
    /// and after, and it is the same program.
    ///
    /// # Errors
    /// `EACCES`; those of `take`.
    pub(super) fn look<T>(
        &self,
        take: impl FnOnce(&Self) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let before = self.memory()?;
        let found = take(self);
        let after = self.memory()?;
        let place = |space: &Arc<AddressSpace>| Arc::as_ptr(space);
        match before.as_deref().map(place) == after.as_deref().map(place) {
            true => found,
            false => Err(Errno::EACCES),
        }
    }

    /// Its process's descriptors.
    ///
    /// # Errors
    /// `ESRCH` if it has none: it is a kernel thread, or dead.
    pub(super) fn files(&self) -> Result<Arc<FileTable>, Errno> {
        let task = self.living_thread()?;
        thread_of(&task).ok_or(Errno::ESRCH)?.files()
    }

    /// Its process's root and working directory.
    ///
    /// # Errors
    /// `ESRCH` if it has none: it is a kernel thread, or dead.
    pub(super) fn context(&self) -> Result<Arc<FsContext>, Errno> {
        let task = self.living_thread()?;
        thread_of(&task).ok_or(Errno::ESRCH)?.fs()
    }

    fn living_thread(&self) -> Result<Arc<Task>, Errno> {
        let process = self.process().ok_or(Errno::ESRCH)?;
        process.any_thread().ok_or(Errno::ESRCH)
    }

    /// The program it runs.
    ///
    /// # Errors
    /// `ENOENT` for a kernel thread, and for a dead process.
    pub(super) fn program(&self) -> Result<Location, Errno> {
        let process = self.process().ok_or(Errno::ENOENT)?;
        let program = process.image.lock().program.clone();
        Ok(program.ok_or(Errno::ENOENT)?.location.clone())
    }
}

fn find_process(id: u32) -> Option<(User, Arc<Task>)> {
    let tree = tree::lock();
    let node = tree.node(id)?;
    let user = User {
        process: node.process.clone(),
        exit_signal: node.exit_signal,
        zombie: node.zombie,
    };
    Some((user, node.leader.clone()))
}

fn is_kthread(task: &Task) -> bool {
    task.kind() == task::Kind::Kernel && task.state() & state::DEAD == 0
}
