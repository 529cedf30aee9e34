//! Processes that are no copy of another: the first one, and the kernel's
//! helpers.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::{Flags, Groups};
use kernel_core::signal::{Actions, SignalSet};

use super::credentials::Credentials;
use super::fork::{self, FirstStep};
use super::image::Image;
use super::limits::Limits;
use super::signal::{Member, Signals};
use super::traits::Traits;
use super::tree::{self, Node};
use super::{Inherited, NewThread, Process, Thread, futex};
use kernel_files::{FileTable, FsContext};
use kernel_machine::mm::AddressSpace;
use kernel_task::refrigerator::{FREEZER, FreezerHost};
use kernel_task::{Kind, NewTask, Numbered, Task};

/// What the first process may become.
pub struct Programs {
    /// Paths, the best first.
    pub candidates: Vec<Vec<u8>>,
    /// Arguments after the path.
    pub arguments: Vec<Vec<u8>>,
    /// Environment, `NAME=value` each.
    pub environment: Vec<Vec<u8>>,
}

/// Makes the first process, number 1, with these open files and directories.
/// It runs once it is woken by [`wake_new`](kernel_task::wake::wake_new), and
/// then becomes one of `programs`.
///
/// # Errors
/// `ENOMEM`.
pub fn first_process(
    programs: Programs,
    files: Arc<FileTable>,
    fs: Arc<FsContext>,
) -> Result<Arc<Task>, Errno> {
    make_process(New {
        id: Numbered::First,
        name: b"swapper/0",
        first_step: FirstStep::Program(programs),
        files,
        fs,
        flags: Flags::empty(),
    })
}

/// A process in the making.
pub(super) struct New {
    pub(super) id: Numbered,
    pub(super) name: &'static [u8],
    pub(super) first_step: FirstStep,
    pub(super) files: Arc<FileTable>,
    pub(super) fs: Arc<FsContext>,
    pub(super) flags: Flags,
}

/// Makes a process of root without a parent, in no group.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub(super) fn make_process(new: New) -> Result<Arc<Task>, Errno> {
    let is_init = matches!(new.id, Numbered::First);
    let task = Task::new(NewTask {
        id: new.id,
        kind: Kind::User,
        name: new.name,
        entry: fork::first_step,
        space: Some(AddressSpace::new()?),
        allowed: u32::MAX,
        nice: 0,
        user_state: None,
    })?;
    let mut signals = Signals::new(Actions::default(), is_init);
    let key = signals.state.add_thread(SignalSet::EMPTY)?;
    let process = Process::new(
        task.id(),
        [0; 3],
        Inherited {
            signals,
            credentials: Credentials::default(),
            limits: Limits::initial(),
            image: Image::default(),
            maker: 0,
            traits: Traits::default(),
        },
    );
    task.set_owner(Arc::new(Thread::new(NewThread {
        process: process.clone(),
        id: task.id(),
        files: new.files,
        fs: new.fs,
        key,
        futex: futex::Waiter::new(),
        clear_at_exit: 0,
        vfork: None,
        first_step: new.first_step,
    })));
    let member = Member { key, task: task.clone() };
    process.signals.lock().threads.push(member);
    FREEZER.born_with(&FreezerHost, &task.freezer, new.flags, Groups::ROOT);
    tree::lock().insert(Node::new(process, task.clone(), 0));
    Ok(task)
}
