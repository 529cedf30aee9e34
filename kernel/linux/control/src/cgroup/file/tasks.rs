//! `cgroup.procs`, `cgroup.threads` and `tasks`: who is in a group, and who is
//! to be.
//!
//! Whether a task may move is asked of who opened the file: a program that is
//! given the descriptor, and may more, moves nobody by it.

use super::super::attach::{self, Opener, What};
use super::super::group::Group;
use super::text::{Kept, Show, accept, ready};
use kernel_abi::Errno;
use kernel_files::file::{Blocking, File, Offset};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;

/// An open list of tasks.
pub(super) struct TasksFile {
    group: Group,
    show: Show,
    what: What,
    opener: Opener,
    text: Kept,
}

impl TasksFile {
    /// As the running process opens it.
    pub(super) fn new(group: Group, show: Show, what: What) -> Self {
        let opener = Opener::current();
        Self { group, show, what, opener, text: Kept::new() }
    }
}

impl File for TasksFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.text.read(position, output, || (self.show)(self.group))
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        _blocking: Blocking,
    ) -> Result<usize, Errno> {
        accept(input, |text| {
            attach::attach(self.group, &self.opener, text, self.what)
        })
    }

    fn poll(&self, _table: Option<&mut PollTable>) -> PollEvents {
        ready(self.group)
    }

    fn offset(&self) -> Offset {
        Offset::Loose
    }
}
