//! Waiting for any of several files (`ppoll`, `pselect6`).
//!
//! The wait is in place: a freeze neither ends nor prolongs it, and the
//! caller's structures are written once, at the end.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::flags::PollEvents;
use super::open_file::OpenFile;
use kernel_task::{PollTable, WaitError};

/// One file to wait for.
pub struct Item {
    /// The file; `None` if the descriptor is not open.
    pub file: Option<Arc<OpenFile>>,
    /// What to wait for; errors and hang-ups are waited for always.
    pub wanted: PollEvents,
    /// What happened.
    pub found: PollEvents,
}

impl Item {
    fn look(&mut self, table: Option<&mut PollTable>) -> bool {
        let always = PollEvents::ERROR | PollEvents::HANG_UP;
        self.found = match &self.file {
            Some(open) => open.file().poll(table) & (self.wanted | always),
            None => PollEvents::INVALID,
        };
        !self.found.is_empty()
    }
}

/// Waits until something happened to one of `items`, or until `deadline_ns`
/// on the monotonic clock; gives the number of items with events, 0 after
/// the deadline.
///
/// # Errors
/// `EINTR` by a signal.
pub fn wait(
    items: &mut [Item],
    deadline_ns: Option<u64>,
) -> Result<usize, Errno> {
    let waited = PollTable::wait("do_sys_poll", deadline_ns, |table| {
        let mut count = 0;
        for item in items.iter_mut() {
            // Once something is found nobody is going to sleep.
            let registers = (count == 0).then_some(&mut *table);
            count += usize::from(item.look(registers));
        }
        (count > 0).then_some(count)
    });
    match waited {
        Ok(count) => Ok(count),
        Err(WaitError::TimedOut) => Ok(0),
        Err(WaitError::Interrupted) => Err(Errno::ERESTARTNOHAND),
    }
}
