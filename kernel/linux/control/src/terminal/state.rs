//! What a terminal consists of.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_abi::terminal::{Termios, Winsize};
use kernel_core::line_discipline::LineDiscipline;

use super::pair::Pair;
use kernel_files::inode::DeviceNumber;
use kernel_machine::sync::SpinLock;
use kernel_task::{Mutex, WaitQueue};

/// Number of the serial port.
pub(super) const CONSOLE_NUMBER: DeviceNumber = DeviceNumber::new(204, 64);

/// The terminal at the serial port.
pub(super) static CONSOLE: spin::Once<Arc<Terminal>> = spin::Once::new();

/// A terminal.
pub(super) struct Terminal {
    /// Its device.
    pub(super) number: DeviceNumber,
    /// Who types, and who sees what is written.
    pub(super) port: Port,
    pub(super) line: SpinLock<LineDiscipline>,
    pub(super) readable: Arc<WaitQueue>,
    /// Writers that wait for `VSTART`, or for room in a pair.
    pub(super) flowing: Arc<WaitQueue>,
    /// Keeps the pieces of one write together.
    pub(super) output: Mutex<()>,
    pub(super) window: SpinLock<Winsize>,
    pub(super) job: SpinLock<Job>,
}

/// Where a terminal's bytes come from and go to.
pub(super) enum Port {
    /// The serial port of the console.
    Console,
    /// A program, by the other end of a pair (`pty(7)`).
    Pair(Box<Pair>),
}

/// Whose terminal it is; 0 for nobody's.
#[derive(Clone, Copy, Default)]
pub(super) struct Job {
    pub(super) session: u32,
    pub(super) foreground: u32,
}

impl Terminal {
    /// A terminal that is nobody's.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn new(
        number: DeviceNumber,
        port: Port,
        window: Winsize,
        termios: Termios,
    ) -> Result<Self, Errno> {
        let mut line = LineDiscipline::new().map_err(|_| Errno::ENOMEM)?;
        line.set_termios(termios);
        Ok(Self {
            number,
            port,
            line: SpinLock::new(line),
            readable: Arc::new(WaitQueue::new()),
            flowing: Arc::new(WaitQueue::new()),
            output: Mutex::new(()),
            window: SpinLock::new(window),
            job: SpinLock::new(Job::default()),
        })
    }

    /// Its other end, if it is one of a pair.
    pub(super) fn pair(&self) -> Option<&Pair> {
        match &self.port {
            Port::Console => None,
            Port::Pair(pair) => Some(pair),
        }
    }

    /// Whether nobody is at the other end any more, nor will be.
    pub(super) fn is_hung_up(&self) -> bool {
        self.pair().is_some_and(Pair::is_hung_up)
    }

    /// Whether it cannot be opened yet.
    pub(super) fn is_locked(&self) -> bool {
        self.pair().is_some_and(|pair| pair.is_locked.load(Relaxed))
    }

    /// Fails if nobody is at the other end any more.
    ///
    /// # Errors
    /// `EIO`.
    pub(super) fn check_there(&self) -> Result<(), Errno> {
        if self.is_hung_up() { Err(Errno::EIO) } else { Ok(()) }
    }
}

/// The terminal at the serial port.
///
/// # Errors
/// `ENXIO` before there is one.
pub(super) fn console() -> Result<Arc<Terminal>, Errno> {
    CONSOLE.get().cloned().ok_or(Errno::ENXIO)
}
