//! The terminal as an open file.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::terminal::TIOCSCTTY;
use kernel_core::capability::Capability;

use super::pair::Pair;
use super::state::Terminal;
use kernel_files::file::{Blocking, File};
use kernel_files::{Input, OpenFlags, Output, PollEvents};
use kernel_process::authority;
use kernel_task::PollTable;

/// An open terminal.
pub(super) struct OpenTerminal {
    terminal: Arc<Terminal>,
    /// Who may only write does not get it as a controlling terminal.
    can_read: bool,
}

impl OpenTerminal {
    /// Opens it.
    pub(super) fn open(
        terminal: Arc<Terminal>,
        flags: OpenFlags,
    ) -> Arc<dyn File> {
        if let Some(pair) = terminal.pair() {
            pair.enter();
        }
        Arc::new(Self { terminal, can_read: flags.can_read() })
    }
}

impl Drop for OpenTerminal {
    fn drop(&mut self) {
        if let Some(pair) = self.terminal.pair() {
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
        self.terminal.read(output, blocking)
    }

    fn write(
        &self,
        _position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.terminal.write(input, blocking)
    }

    fn poll(&self, table: Option<&mut PollTable>) -> PollEvents {
        if let Some(table) = table {
            table.add(&self.terminal.readable);
            table.add(&self.terminal.flowing);
        }
        let is_hung_up = self.terminal.is_hung_up();
        let is_readable = self.terminal.line.lock().is_readable();
        let mut events = PollEvents::empty();
        events.set(PollEvents::READABLE, is_readable || is_hung_up);
        events.set(PollEvents::WRITABLE, self.terminal.flows());
        events.set(PollEvents::ERROR | PollEvents::HANG_UP, is_hung_up);
        events
    }

    fn control(&self, request: u32, argument: usize) -> Result<usize, Errno> {
        let may_claim = self.can_read || authority::has(Capability::SYS_ADMIN);
        if request == TIOCSCTTY && !may_claim {
            return Err(Errno::EPERM);
        }
        self.terminal.control(request, argument)
    }

    fn held(&self) -> usize {
        self.terminal.pair().map_or(0, Pair::held)
    }
}
