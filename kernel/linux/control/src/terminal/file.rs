//! The terminal as an open file.

use kernel_abi::Errno;

use super::state::Terminal;
use kernel_files::file::{Blocking, File};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;

/// An open terminal.
pub(super) struct OpenTerminal(pub(super) &'static Terminal);

impl File for OpenTerminal {
    fn read(
        &self,
        _position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.0.read(output, blocking)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.0.write(input, blocking)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.0.readable);
            table.add(&self.0.flowing);
        }
        let line = self.0.line.lock();
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, line.is_readable());
        events.set(PollEvents::WRITABLE, !line.is_output_stopped());
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        self.0.control(request, argument)
    }
}
