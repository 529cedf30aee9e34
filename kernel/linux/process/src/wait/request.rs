//! What `wait4` and `waitid` are asked for.

use alloc::sync::Arc;

use kernel_abi::Errno;

use crate::tree::Tree;
use crate::{Process, ProcessId};

/// Which children are meant.
pub enum Which {
    /// All.
    Any,
    /// The one with this number.
    Process(ProcessId),
    /// This one, whoever has its number (`P_PIDFD`).
    Exactly(Arc<Process>),
    /// Those of a process group.
    Group(ProcessId),
}

/// Which children are meant, as long as the lock over all relations is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Numbers {
    Any,
    Process(ProcessId),
    Group(ProcessId),
}

impl Which {
    /// # Errors
    /// `ECHILD` if it is a process that has been waited for.
    pub(super) fn by_number(&self, tree: &Tree) -> Result<Numbers, Errno> {
        Ok(match self {
            Self::Any => Numbers::Any,
            Self::Process(id) => Numbers::Process(*id),
            Self::Exactly(process) if tree.holds(process) => {
                Numbers::Process(process.id)
            }
            Self::Exactly(_) => return Err(Errno::ECHILD),
            Self::Group(id) => Numbers::Group(*id),
        })
    }
}

bitflags::bitflags! {
    /// Options of `wait4` and `waitid`, with Linux's values.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Options: u32 {
        /// `WNOHANG`: do not wait.
        const NO_HANG = 1;
        /// `WUNTRACED`, `WSTOPPED`: tell of stopped children.
        const STOPPED = 2;
        /// `WEXITED`: tell of dead children.
        const EXITED = 4;
        /// `WCONTINUED`: tell of children that run again.
        const CONTINUED = 8;
        /// `WNOWAIT`: tell, and leave it to be told again.
        const NO_WAIT = 0x0100_0000;
        /// `__WNOTHREAD`: of traced threads, only those of this thread.
        const NO_THREAD = 0x2000_0000;
        /// `__WALL`, `__WCLONE`: accepted, all children are meant in any
        /// case.
        const IGNORED = 0xc000_0000;
    }
}
