//! What a terminal consists of.

use alloc::sync::Arc;

use kernel_abi::Errno;
use kernel_abi::terminal::Winsize;
use kernel_core::line_discipline::LineDiscipline;

use kernel_files::inode::DeviceNumber;
use kernel_machine::sync::SpinLock;
use kernel_task::{Mutex, WaitQueue};

/// Number of the serial port.
pub(super) const NUMBER: DeviceNumber = DeviceNumber::new(204, 64);

pub(super) static TERMINAL: spin::Once<Terminal> = spin::Once::new();

/// The terminal.
pub(super) struct Terminal {
    pub(super) line: SpinLock<LineDiscipline>,
    pub(super) readable: Arc<WaitQueue>,
    /// Writers that wait for `VSTART`.
    pub(super) flowing: Arc<WaitQueue>,
    /// Keeps the pieces of one write together.
    pub(super) output: Mutex<()>,
    pub(super) window: SpinLock<Winsize>,
    pub(super) job: SpinLock<Job>,
}

/// Whose terminal it is; 0 for nobody's.
#[derive(Clone, Copy, Default)]
pub(super) struct Job {
    pub(super) session: u32,
    pub(super) foreground: u32,
}

impl Terminal {
    /// A terminal of the usual size that is nobody's.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn new() -> Result<Self, Errno> {
        let line = LineDiscipline::new().map_err(|_| Errno::ENOMEM)?;
        let window = Winsize { rows: 24, columns: 80, ..Winsize::default() };
        Ok(Self {
            line: SpinLock::new(line),
            readable: Arc::new(WaitQueue::new()),
            flowing: Arc::new(WaitQueue::new()),
            output: Mutex::new(()),
            window: SpinLock::new(window),
            job: SpinLock::new(Job::default()),
        })
    }
}

/// The terminal.
///
/// # Errors
/// `ENXIO` before there is one.
pub(super) fn terminal() -> Result<&'static Terminal, Errno> {
    TERMINAL.get().ok_or(Errno::ENXIO)
}
