//! Bytes in and out: from keys to readers, from writers to the port.

use alloc::vec;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_abi::terminal::TOSTOP;
use kernel_core::line_discipline::{CAPACITY, Received};

use super::job::TerminalUse;
use super::pair::{Pair, WIDEST, news};
use super::state::{Port, Terminal};
use kernel_files::file::{Blocking, interrupted};
use kernel_files::{Input, Output};
use kernel_machine::arch;
use kernel_machine::drivers::console;
use kernel_machine::log::write_between_lines;
use kernel_task::sleep::give_way;
use kernel_task::{Deadline, Interrupted, WaitError};

/// Bytes of output that are translated at once.
const CHUNK: usize = 256;

impl Terminal {
    /// Takes one key: shows it, and does what it means.
    pub(super) fn take_key(&self, byte: u8) {
        let mut echo = Vec::new();
        let received = {
            let mut line = self.line.lock();
            line.input(byte, &mut |byte| echo.push(byte))
        };
        if received.flushed
            && let Some(pair) = self.pair()
        {
            pair.forget_shown();
            pair.tell(news::FLUSH_READ | news::FLUSH_WRITE, 0);
            self.flowing.wake_all();
        }
        if !echo.is_empty() {
            let _output = self.output.lock();
            self.put_out(&echo);
        }
        self.act_on(received);
    }

    fn act_on(&self, received: Received) {
        if let Some(signal) = received.signal {
            self.signal_foreground(signal);
        }
        if received.flow_changed {
            self.flow_changed();
        }
        if received.ready {
            self.readable.wake_all();
        }
    }

    /// Output was stopped, or goes on.
    pub(super) fn flow_changed(&self) {
        let is_stopped = self.line.lock().is_output_stopped();
        match self.pair() {
            Some(pair) if is_stopped => pair.tell(news::STOP, news::START),
            Some(pair) => pair.tell(news::START, news::STOP),
            None => {}
        }
        self.flowing.wake_all();
    }

    /// Shows bytes as they are. The caller holds `output`.
    fn put_out(&self, bytes: &[u8]) {
        match &self.port {
            Port::Console => write_between_lines(bytes),
            Port::Pair(pair) => pair.show(bytes),
        }
    }

    /// Reads what was typed; waits for it as the settings say.
    pub(super) fn read(
        &self,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if output.remaining() == 0 {
            return Ok(0);
        }
        let mut bytes = vec![0; output.remaining().min(CAPACITY)];
        loop {
            if self.is_hung_up() {
                return Ok(0);
            }
            self.check_foreground(TerminalUse::Read)?;
            let taken = self.line.lock().read(&mut bytes);
            if let Some(count) = taken {
                return self.deliver(&bytes[..count], output);
            }
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            match self.wait_for_input(bytes.len()) {
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
        if let Some(pair) = self.pair() {
            pair.typing.wake_all();
        }
        output.put(bytes).map(|()| bytes.len())
    }

    /// Sleeps until a read may have more to give than it had, or its time
    /// (`VTIME`) is over.
    fn wait_for_input(&self, wanted: usize) -> Result<(), WaitError> {
        let (wait_ns, before) = {
            let line = self.line.lock();
            (line.wait_ns(), line.available())
        };
        let deadline =
            wait_ns.map(|wait| arch::timer::now_ns().saturating_add(wait));
        let deadline = deadline.map(Deadline::Monotonic);
        let has_more = || {
            let line = self.line.lock();
            let is_timed = wait_ns.is_some() && line.available() != before;
            (line.is_readable_for(wanted) || is_timed || self.is_hung_up())
                .then_some(())
        };
        self.readable.wait_until_deadline("n_tty_read", deadline, has_more)
    }

    /// Shows what `input` has; waits while output is stopped.
    pub(super) fn write(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        if self.line.lock().termios().lflag & TOSTOP != 0 {
            self.check_foreground(TerminalUse::Write)?;
        }
        while input.remaining() > 0 {
            if let Err(error) = self.wait_for_flow(blocking) {
                return input.short(error);
            }
            if let Err(error) = self.write_piece(input) {
                return input.short(error);
            }
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

    /// Writes as much as there is room for, at most a chunk.
    fn write_piece(&self, input: &mut Input<'_>) -> Result<(), Errno> {
        let _output = self.output.lock();
        let mut bytes = [0; CHUNK];
        let size = input.remaining().min(CHUNK).min(self.room() / WIDEST);
        input.take(&mut bytes[..size])?;
        self.show(&bytes[..size]);
        Ok(())
    }

    /// Sleeps while output is stopped by `VSTOP`, by a master that does not
    /// read, or by a serial port that has too much to send.
    fn wait_for_flow(&self, blocking: Blocking) -> Result<(), Errno> {
        let flows = || self.flows().then_some(());
        if flows().is_none() {
            if blocking == Blocking::Fail {
                return Err(Errno::EAGAIN);
            }
            self.flowing.wait_until("tty_write", flows).map_err(interrupted)?;
        }
        self.check_there()
    }

    /// Bytes that can be shown now.
    fn room(&self) -> usize {
        self.pair().map_or_else(console::terminal_room, Pair::room)
    }

    /// Whether a write would not wait: some byte fits, however wide it is.
    pub(super) fn flows(&self) -> bool {
        let has_room = self.room() >= WIDEST;
        has_room && !self.line.lock().is_output_stopped() || self.is_hung_up()
    }

    /// Sleeps until the serial port has all (`tcdrain(3)`), but for the last bytes
    /// in its own FIFO. A master has what is shown at once.
    ///
    /// # Errors
    /// [`Interrupted`] if a signal came first.
    pub(super) fn drain(&self) -> Result<(), Interrupted> {
        let is_sent = || (self.unsent() == 0).then_some(());
        self.flowing.wait_until("tty_wait_until_sent", is_sent)
    }

    /// Bytes that the serial port has not taken yet.
    pub(super) fn unsent(&self) -> usize {
        self.pair().map_or_else(console::waiting, |_| 0)
    }

    /// Shows what a program writes. The caller holds `output`.
    fn show(&self, bytes: &[u8]) {
        // A newline becomes two bytes, a tab up to eight.
        let mut shown = Vec::with_capacity(bytes.len() * 2);
        let mut line = self.line.lock();
        for byte in bytes {
            line.output(*byte, &mut |byte| shown.push(byte));
        }
        drop(line);
        self.put_out(&shown);
    }
}
