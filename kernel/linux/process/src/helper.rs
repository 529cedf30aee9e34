//! Usermode helpers: programs that the kernel itself starts (Linux
//! kernel/umh.c).
//!
//! A helper is a process without a parent. It begins as a copy of nothing,
//! under the freezer's flag `NOFREEZE`, and loses that with its `execve`: up to
//! there a freeze waits for it, from there on it is frozen like any other
//! program (freezer-spec H1, F1).
//!
//! ```text
//!  kernel thread                       helper
//!  -------------                       ------
//!  wait for a permit
//!  make the process             --->   execve
//!  sleep                        <---   tell how it went
//!  give the permit back                run, or end
//! ```

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::freezer::Flags;

use super::fork::FirstStep;
use super::start::{New, Programs, make_process};
use super::{exec, exit, thread_of, tree};
use kernel_files::{FileTable, FsContext};
use kernel_machine::arch::trap;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::freezer::helper::Permit;
use kernel_task::{Numbered, WaitQueue, wake};

/// Wait status of a helper whose program cannot be run; nobody reads it.
const NOT_RUN: u32 = 127 << 8;

/// How a helper's `execve` went.
struct Outcome {
    result: SpinLock<Option<Result<(), Errno>>>,
    is_known: WaitQueue,
}

impl Outcome {
    fn new() -> Arc<Self> {
        let result = SpinLock::with_rank(Rank::Device, None);
        Arc::new(Self { result, is_known: WaitQueue::new() })
    }

    fn tell(&self, result: Result<(), Errno>) {
        *self.result.lock() = Some(result);
        self.is_known.wake_all();
    }

    fn wait(&self) -> Result<(), Errno> {
        let result = || *self.result.lock();
        self.is_known.wait_uninterruptible("usermodehelper", result)
    }
}

/// What a helper's first step is.
pub struct Helper {
    programs: Programs,
    outcome: Arc<Outcome>,
}

/// Starts a program as root, and returns once it runs (Linux
/// `call_usermodehelper` with `UMH_WAIT_EXEC`). Without open files; its
/// environment is what Linux gives to helpers.
///
/// Waits while the system freezes: call it from a kernel thread that does
/// not.
///
/// # Errors
/// Those of `execve(2)`; `ENOMEM`.
pub fn call(path: &[u8], arguments: &[&[u8]]) -> Result<(), Errno> {
    const ENVIRONMENT: [&[u8]; 2] =
        [b"HOME=/", b"PATH=/sbin:/bin:/usr/sbin:/usr/bin"];
    let copies = |texts: &[&[u8]]| texts.iter().map(|it| it.to_vec()).collect();
    let programs = Programs {
        candidates: Vec::from([path.to_vec()]),
        arguments: copies(arguments),
        environment: copies(&ENVIRONMENT),
    };
    let permit = Permit::wait();
    let result = start(programs).and_then(|outcome| outcome.wait());
    drop(permit);
    result
}

fn start(programs: Programs) -> Result<Arc<Outcome>, Errno> {
    let outcome = Outcome::new();
    let helper = Helper { programs, outcome: outcome.clone() };
    let task = make_process(New {
        id: Numbered::Next,
        name: b"usermodehelper",
        first_step: FirstStep::Helper(helper),
        files: FileTable::new(),
        fs: directories()?,
        flags: Flags::NOFREEZE,
    })?;
    wake::wake_new(&task);
    Ok(outcome)
}

/// The root directory of the first process, which may have chosen another
/// than it was given: helpers see what it sees.
fn directories() -> Result<Arc<FsContext>, Errno> {
    let task = tree::find(tree::FIRST).and_then(|init| init.any_thread());
    let task = task.ok_or(Errno::ESRCH)?;
    let thread = thread_of(&task).ok_or(Errno::ESRCH)?;
    Ok(FsContext::new(thread.fs()?.root()))
}

impl Helper {
    /// The helper's first step: becomes the program, or ends.
    pub(super) fn begin(self) -> ! {
        let Self { programs, outcome } = self;
        let result = exec::only_program(programs);
        outcome.tell(result.as_ref().map(drop).map_err(|error| *error));
        // Nothing that is on this stack is dropped any more.
        drop(outcome);
        match result {
            Ok(frame) => trap::enter_user(&frame),
            Err(_) => exit::exit_thread(NOT_RUN),
        }
    }
}
