//! The terminal as an open file.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::state::Terminal;
use kernel_files::file::{Blocking, File};
use kernel_files::{Input, Output, PollEvents};
use kernel_task::PollTable;

/// An open terminal.
pub(super) struct OpenTerminal(Arc<Terminal>);

impl OpenTerminal {
    /// Opens it.
    pub(super) fn open(terminal: Arc<Terminal>) -> Arc<dyn File> {
        if let Some(pair) = terminal.pair() {
            pair.enter();
        }
        Arc::new(Self(terminal))
    }
}

impl Drop for OpenTerminal {
    fn drop(&mut self) {
        if let Some(pair) = self.0.pair() {
            pair.leave();
        }
    }
}

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
        let is_hung_up = self.0.is_hung_up();
        let is_readable = self.0.line.lock().is_readable();
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, is_readable || is_hung_up);
        events.set(PollEvents::WRITABLE, self.0.flows());
        events.set(PollEvents::ERROR | PollEvents::HANG_UP, is_hung_up);
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        self.0.control(request, argument)
    }
}
