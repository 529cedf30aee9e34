//! The terminal: the console's serial port behind a line discipline.
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
//! Read next: `job.rs` (who may use it), `control.rs` (its `ioctl`s).

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::terminal::{TOSTOP, Winsize};
use kernel_core::line_discipline::{CAPACITY, LineDiscipline, Received};

use super::buffer::{Input, Output};
use super::device;
use super::file::{Blocking, File, interrupted};
use super::flags::{OpenFlags, PollEvents};
use super::inode::DeviceNumber;
use kernel_machine::arch;
use kernel_machine::drivers::console;
use kernel_machine::log::write_between_lines;
use kernel_machine::sync::{IrqSpinLock, Rank, SpinLock};
use kernel_task::sleep::give_way;
use kernel_task::{Mutex, PollTable, WaitError, WaitQueue, kthread};

mod control;
mod job;

pub use job::{
    JobControl, Member, TerminalUse, leave_session, of_session, set_job_control,
};

/// Number of the serial port.
const NUMBER: DeviceNumber = DeviceNumber::new(204, 64);
/// Bytes that can wait for the thread; more are dropped.
const QUEUE_MAX: usize = 4096;
/// Bytes of output that are translated at once.
const CHUNK: usize = 256;

/// Bytes from the port that no thread has looked at yet.
static QUEUE: IrqSpinLock<VecDeque<u8>> =
    IrqSpinLock::with_rank(Rank::Object, VecDeque::new());
static QUEUE_FILLED: WaitQueue = WaitQueue::new();
/// Called for each byte, in interrupt context.
static KEY_HOOK: spin::Once<fn()> = spin::Once::new();

static TERMINAL: spin::Once<Terminal> = spin::Once::new();

struct Terminal {
    line: SpinLock<LineDiscipline>,
    readable: Arc<WaitQueue>,
    /// Writers that wait for `VSTART`.
    flowing: Arc<WaitQueue>,
    /// Keeps the pieces of one write together.
    output: Mutex<()>,
    window: SpinLock<Winsize>,
    job: SpinLock<job::Job>,
}

/// Makes the terminal and its devices, and starts to listen.
///
/// # Errors
/// `ENOMEM`, and those of [`device::register`].
pub fn init() -> Result<(), Errno> {
    let line = LineDiscipline::new().map_err(|_| Errno::ENOMEM)?;
    let window = Winsize { rows: 24, columns: 80, ..Winsize::default() };
    TERMINAL.call_once(|| Terminal {
        line: SpinLock::new(line),
        readable: Arc::new(WaitQueue::new()),
        flowing: Arc::new(WaitQueue::new()),
        output: Mutex::new(()),
        window: SpinLock::new(window),
        job: SpinLock::new(job::Job::default()),
    });
    QUEUE.lock().reserve(QUEUE_MAX);
    device::register("ttyAMA0", NUMBER, 0o600, open)?;
    device::register("console", DeviceNumber::new(5, 1), 0o600, open_console)?;
    device::register("tty", DeviceNumber::new(5, 0), 0o666, open_own)?;
    kthread::kthread_run("ttyinput", take_input)?;
    console::set_receiver(on_byte);
    Ok(())
}

fn terminal() -> Result<&'static Terminal, Errno> {
    TERMINAL.get().ok_or(Errno::ENXIO)
}

/// Opens the serial port; a session leader without a terminal gets it as its
/// controlling one.
fn open(flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    let terminal = terminal()?;
    if !flags.contains(OpenFlags::NO_CONTROLLING_TERMINAL) {
        terminal.offer_to_session();
    }
    Ok(Arc::new(OpenTerminal(terminal)))
}

/// Opens the console, which never becomes a controlling terminal by itself.
fn open_console(_flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    Ok(Arc::new(OpenTerminal(terminal()?)))
}

/// Opens the controlling terminal of the caller's session.
fn open_own(_flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
    let terminal = terminal()?;
    match terminal.is_own() {
        true => Ok(Arc::new(OpenTerminal(terminal))),
        false => Err(Errno::ENXIO),
    }
}

/// Has `hook` called for each key, in interrupt context (a wakeup event).
pub fn set_key_hook(hook: fn()) {
    KEY_HOOK.call_once(|| hook);
}

/// A byte came from the port. In interrupt context.
fn on_byte(byte: u8) {
    let mut queue = QUEUE.lock();
    if queue.len() < QUEUE_MAX {
        queue.push_back(byte);
    }
    drop(queue);
    QUEUE_FILLED.wake_one();
    if let Some(hook) = KEY_HOOK.get() {
        hook();
    }
}

/// The thread that gives bytes to the line discipline.
fn take_input() {
    let Some(terminal) = TERMINAL.get() else { return };
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

impl Terminal {
    fn take_key(&self, byte: u8) {
        let mut echo = Vec::new();
        let received = {
            let mut line = self.line.lock();
            line.input(byte, &mut |byte| echo.push(byte))
        };
        if !echo.is_empty() {
            let _output = self.output.lock();
            write_between_lines(&echo);
        }
        self.act_on(received);
    }

    fn act_on(&self, received: Received) {
        if let Some(signal) = received.signal {
            self.signal_foreground(signal);
        }
        if received.flow_changed {
            self.flowing.wake_all();
        }
        if received.ready {
            self.readable.wake_all();
        }
    }

    fn read(
        &self,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() == 0 {
            return Ok(0);
        }
        let mut bytes = vec![0; output.remaining().min(CAPACITY)];
        loop {
            self.check_foreground(TerminalUse::Read)?;
            let taken = self.line.lock().read(&mut bytes);
            if let Some(count) = taken {
                return self.deliver(&bytes[..count], output);
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            match self.wait_for_input() {
                Ok(()) => {}
                Err(WaitError::Interrupted) => return Err(Errno::ERESTARTSYS),
                Err(WaitError::TimedOut) => {
                    let count = self.line.lock().read_timed_out(&mut bytes);
                    return self.deliver(&bytes[..count], output);
                }
            }
        }
    }

    fn deliver(
        &self,
        bytes: &[u8],
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        if self.line.lock().is_readable() {
            self.readable.wake_one();
        }
        output.put(bytes).map(|()| bytes.len())
    }

    /// Sleeps until a read may have more to give than it had, or its time
    /// (`VTIME`) is over.
    fn wait_for_input(&self) -> Result<(), WaitError> {
        let (wait_ns, before) = {
            let line = self.line.lock();
            (line.wait_ns(), line.available())
        };
        let deadline =
            wait_ns.map(|wait| arch::timer::now_ns().saturating_add(wait));
        let has_more = || {
            let line = self.line.lock();
            let is_timed = wait_ns.is_some() && line.available() != before;
            (line.is_readable() || is_timed).then_some(())
        };
        self.readable.wait_until_deadline("n_tty_read", deadline, has_more)
    }

    fn write(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if self.line.lock().termios().lflag & TOSTOP != 0 {
            self.check_foreground(TerminalUse::Write)?;
        }
        let mut bytes = [0; CHUNK];
        while input.remaining() > 0 {
            if let Err(error) = self.wait_for_flow(blocking) {
                return input.short(error);
            }
            let size = input.remaining().min(CHUNK);
            if let Err(error) = input.take(&mut bytes[..size]) {
                return input.short(error);
            }
            self.show(&bytes[..size]);
            // A console is slow: the rest may take minutes. The first piece
            // is written whatever comes, so that each call gets further.
            if input.remaining() > 0
                && let Err(error) = give_way()
            {
                return input.short(error);
            }
        }
        Ok(input.done())
    }

    /// Sleeps while output is stopped by `VSTOP`.
    fn wait_for_flow(&self, blocking: Blocking) -> Result<(), Errno> {
        let flows = || (!self.line.lock().is_output_stopped()).then_some(());
        if flows().is_some() {
            return Ok(());
        }
        if blocking == Blocking::Fail {
            return Err(Errno::EAGAIN);
        }
        self.flowing.wait_until("tty_write", flows).map_err(interrupted)
    }

    fn show(&self, bytes: &[u8]) {
        // A newline becomes two bytes, a tab up to eight.
        let mut shown = Vec::with_capacity(bytes.len() * 2);
        let _output = self.output.lock();
        let mut line = self.line.lock();
        for byte in bytes {
            line.output(*byte, &mut |byte| shown.push(byte));
        }
        drop(line);
        write_between_lines(&shown);
    }
}

/// An open terminal.
struct OpenTerminal(&'static Terminal);

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
