//! What `/proc` asks of processes.
//!
//! Answers are made from snapshots; no lock taken here is ever held by a
//! task that sleeps or freezes, so `ps` works whatever state the system is
//! in. The texts are made in `subject.rs`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::{number_of, thread_of, tree};
use kernel_files::proc::{ProcessSource, Text};
use kernel_files::{self as files, FileTable, FsContext, Location};
use kernel_task::{self as task, kthread};

mod subject;

use subject::Subject;

/// The text of `/proc/PID/cgroup` about a task.
pub type Groups = fn(&task::Task) -> Vec<u8>;

static GROUPS: spin::Once<Groups> = spin::Once::new();

/// Connects the layer that knows of groups, once.
pub fn set_groups(groups: Groups) {
    GROUPS.call_once(|| groups);
}

/// Answers for `/proc`.
struct Reporter;

/// Connects the layer below.
pub fn init() {
    files::proc::set_source(&Reporter);
}

impl ProcessSource for Reporter {
    fn processes(&self) -> Vec<u32> {
        let mut ids: Vec<u32> =
            tree::lock().nodes().map(|node| node.process.id).collect();
        kthread::for_each(|task| ids.push(task.id()));
        ids.sort_unstable();
        ids
    }

    fn threads(&self, process: u32) -> Result<Vec<u32>, Errno> {
        let subject = Subject::find(process, None)?;
        let threads = subject.process().map(|process| process.threads());
        let mut ids: Vec<u32> = threads
            .unwrap_or_default()
            .iter()
            .map(|it| number_of(it))
            .collect();
        if ids.is_empty() {
            ids.push(process);
        }
        ids.sort_unstable();
        Ok(ids)
    }

    fn current(&self) -> Option<(u32, u32)> {
        let task = task::current();
        let thread = thread_of(&task)?;
        Some((thread.process.id, thread.id()))
    }

    fn text(
        &self,
        process: u32,
        thread: Option<u32>,
        what: Text,
    ) -> Result<Vec<u8>, Errno> {
        Subject::find(process, thread)?.text(what, thread.is_none())
    }

    fn owner(&self, process: u32) -> (u32, u32) {
        let Ok(subject) = Subject::find(process, None) else { return (0, 0) };
        subject.process().map_or((0, 0), |process| {
            let credentials = process.credentials.lock();
            (credentials.user.effective, credentials.group.effective)
        })
    }

    fn files(&self, process: u32) -> Result<Arc<FileTable>, Errno> {
        let subject = Subject::find(process, None)?;
        let process = subject.process().ok_or(Errno::ESRCH)?;
        let task = process.any_thread().ok_or(Errno::ESRCH)?;
        thread_of(&task).ok_or(Errno::ESRCH)?.files()
    }

    fn context(&self, process: u32) -> Result<Arc<FsContext>, Errno> {
        let subject = Subject::find(process, None)?;
        let process = subject.process().ok_or(Errno::ESRCH)?;
        let task = process.any_thread().ok_or(Errno::ESRCH)?;
        thread_of(&task).ok_or(Errno::ESRCH)?.fs()
    }

    fn program(&self, process: u32) -> Result<Location, Errno> {
        let subject = Subject::find(process, None)?;
        let process = subject.process().ok_or(Errno::ENOENT)?;
        let program = process.image.lock().program.clone();
        Ok(program.ok_or(Errno::ENOENT)?.location.clone())
    }
}
