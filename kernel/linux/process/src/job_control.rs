//! What the terminal asks of processes.

use kernel_abi::Errno;

use super::signal::send;
use super::{group, thread_of, tree};
use kernel_files::tty::{JobControl, Member, TerminalUse};
use kernel_task as task;

/// Answers for the terminal.
pub(super) struct Processes;

impl JobControl for Processes {
    fn member(&self) -> Option<Member> {
        let task = task::current();
        let process = &thread_of(&task)?.process;
        Some(Member {
            process: process.id,
            group: process.group(),
            session: process.session(),
        })
    }

    fn signal_group(&self, group: u32, signal: u32) {
        send::group_from_kernel(group, signal);
    }

    fn session_of_group(&self, group: u32) -> Option<u32> {
        tree::lock().group_session(group)
    }

    fn use_in_background(&self, what: TerminalUse) -> Result<(), Errno> {
        group::use_terminal(what)
    }
}
