//! What `wait4` and `waitid` are asked for.

use crate::ProcessId;

/// Which children are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// All.
    Any,
    /// This one.
    Process(ProcessId),
    /// Those of a process group.
    Group(ProcessId),
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
