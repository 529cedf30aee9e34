//! What a wait found.

use kernel_abi::signal::{CLD_CONTINUED, CLD_STOPPED, CLD_TRAPPED, SIGCONT};
use kernel_core::signal::status::{self, CONTINUED};

use crate::ProcessId;
use crate::tree::{Node, Tracee};
use crate::usage::Usage;

/// What a wait found.
pub struct Outcome {
    /// The child.
    pub id: ProcessId,
    /// Its real user.
    pub user: u32,
    /// What happened, as `wait4` encodes it.
    pub status: u32,
    /// What the child used.
    pub usage: Usage,
    /// It is a trace stop, not a group stop.
    pub(super) is_trap: bool,
    /// What is to be dropped outside the tree's lock: a dead child's node, the
    /// entry of a thread that was traced.
    pub(super) _reaped: (Option<Node>, Option<Tracee>),
}

impl Outcome {
    /// `si_code` and `si_status` for `waitid`.
    pub fn code_and_status(&self) -> (i32, i32) {
        let code = (self.status >> 8) as i32;
        match self.status & 0x7f {
            _ if self.status == CONTINUED => (CLD_CONTINUED, SIGCONT as i32),
            0x7f if self.is_trap => (CLD_TRAPPED, code),
            0x7f => (CLD_STOPPED, code),
            _ => status::child_code_and_status(self.status),
        }
    }
}
