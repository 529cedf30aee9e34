//! Terminals: the console's serial port behind a line discipline, and pairs
//! that programs make (`pair.rs`).
//!
//! ```text
//! interrupt ─> queue ─> thread ─> line discipline ─> waiting readers
//!                          └─> signals to the foreground process group
//! program ─> line discipline ─> serial port, polled
//! ```
//!
//! The interrupt only queues a byte. What a key means is worked out in a
//! kernel thread, which is never frozen: it may take locks that an interrupt
//! must not, above all to send `^C`'s signal. Readers sleep in skip waits, so
//! they freeze in place. Output is polled and works while all else is frozen.
//!
//! Read next: `state.rs` (what one consists of), `job.rs` (who may use it),
//! `transfer.rs` (how bytes pass), `control.rs` (its `ioctl`s), `pair.rs`.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::terminal::{Termios, Winsize};
use kernel_core::power::wakeup::Source;

use kernel_files::OpenFlags;
use kernel_files::device;
use kernel_files::file::File;
use kernel_files::inode::DeviceNumber;
use kernel_machine::drivers::console as serial;
use kernel_machine::sync::{IrqSpinLock, Rank};
use kernel_task::freezer::wakeup;
use kernel_task::{WaitQueue, kthread};

mod control;
mod devpts;
mod file;
mod job;
mod master;
mod pair;
mod pairs;
mod state;
mod transfer;

use file::OpenTerminal;
pub use job::{leave_session, of_session};
use state::{CONSOLE, CONSOLE_NUMBER, Port, Terminal, console};

/// Bytes that can wait for the thread; more are dropped.
const QUEUE_MAX: usize = 4096;

/// Bytes from the port that no thread has looked at yet.
static QUEUE: IrqSpinLock<VecDeque<u8>> =
    IrqSpinLock::with_rank(Rank::Object, VecDeque::new());
static QUEUE_FILLED: WaitQueue = WaitQueue::new();

/// Makes the terminal and its devices, and starts to listen.
///
/// # Errors
/// `ENOMEM`, and those of [`device::register`].
pub fn init() -> Result<(), Errno> {
    let window = Winsize { rows: 24, columns: 80, ..Winsize::default() };
    let termios = Termios::default();
    let made = Terminal::new(CONSOLE_NUMBER, Port::Console, window, termios)?;
    CONSOLE.call_once(|| Arc::new(made));
    QUEUE.lock().reserve(QUEUE_MAX);
    device::register("ttyAMA0", CONSOLE_NUMBER, 0o600, open)?;
    device::register("console", DeviceNumber::new(5, 1), 0o600, open_console)?;
    device::register("tty", DeviceNumber::new(5, 0), 0o666, open_own)?;
    devpts::init()?;
    kthread::kthread_run("ttyinput", take_input)?;
    serial::start();
    Ok(())
}

/// Opens the serial port; a session leader without a terminal gets it as its
/// controlling one.
fn open(flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    let terminal = console()?;
    terminal.offer_to_opener(flags);
    Ok(OpenTerminal::open(terminal, flags))
}

/// Opens the console, which never becomes a controlling terminal by itself.
fn open_console(flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    Ok(OpenTerminal::open(console()?, flags))
}

/// Opens the controlling terminal of the caller's session.
fn open_own(flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    Ok(OpenTerminal::open(job::own()?, flags))
}

/// Takes a byte from the port, which is a wakeup event, too. It runs in
/// interrupt context.
pub fn on_byte(byte: u8) {
    let mut queue = QUEUE.lock();
    if queue.len() < QUEUE_MAX {
        queue.push_back(byte);
    }
    drop(queue);
    QUEUE_FILLED.wake_one();
    wakeup::event(Source::Console);
}

/// There is room again for what programs write. It runs in interrupt context.
pub fn on_sent() {
    if let Some(terminal) = CONSOLE.get() {
        terminal.flowing.wake_all();
    }
}

/// The thread that gives bytes to the line discipline.
fn take_input() {
    let Some(terminal) = CONSOLE.get() else { return };
    loop {
        let next = || {
            let mut queue = QUEUE.lock();
            (!queue.is_empty()).then(|| queue.drain(..).collect::<Vec<u8>>())
        };
        // Nobody sends signals to this thread; should somebody, it waits on.
        let Ok(bytes) = QUEUE_FILLED.wait_until("tty_input", next) else {
            continue;
        };
        for byte in bytes {
            terminal.take_key(byte);
        }
    }
}
