//! A guest that a program talks to: tests and benchmarks.
//!
//! Like a person it waits for the prompt, types a line, and reads what comes
//! back. Every wait has an end; a guest that panics ends every wait.
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::machine::Machine;
use super::screen::{LOADER_STOPPED, Screen};

/// How long a command may take unless told otherwise. An emulated machine on
/// a busy host is slow; a hang is still noticed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often the clock is looked at while the guest says nothing.
const TICK: Duration = Duration::from_millis(5);

/// Silence after a panic means that everything has been said.
const PAUSE: Duration = Duration::from_secs(1);

/// A running machine with its console in our hands.
pub struct Guest {
    child: Child,
    serial: ChildStdin,
    output: Receiver<Vec<u8>>,
    screen: Screen,
    transcript: String,
    has_ended: bool,
}

impl Guest {
    /// Starts `machine` without waiting for anything.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn start(machine: &Machine) -> Result<Guest> {
        let mut child = machine
            .command("stdio")?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("QEMU does not start")?;
        let serial = child.stdin.take().context("stdin is piped")?;
        let (sender, output) = channel();
        let stdout = child.stdout.take().context("stdout is piped")?;
        thread::spawn(move || {
            forward(stdout, &|bytes| sender.send(bytes).is_ok());
        });
        Ok(Guest {
            child,
            serial,
            output,
            screen: machine.screen(),
            transcript: String::new(),
            has_ended: false,
        })
    }

    /// Everything printed so far, with plain line ends.
    pub fn transcript(&self) -> &str {
        &self.transcript
    }

    /// Whether the machine is gone.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Types `text` as it is.
    ///
    /// # Errors
    /// The machine is gone.
    pub fn send(&mut self, text: &str) -> Result<()> {
        self.screen.answer(Instant::now());
        self.serial.write_all(text.as_bytes())?;
        self.serial.flush().context("cannot write to the serial port")
    }

    /// Runs `command` in the shell and returns what it printed.
    ///
    /// # Errors
    /// It took longer than [`PATIENCE`], or the machine ended.
    pub fn run(&mut self, command: &str) -> Result<String> {
        self.run_within(command, PATIENCE)
    }

    /// As [`Guest::run`], with a time of its own.
    ///
    /// # Errors
    /// It took longer than `limit`, or the machine ended.
    pub fn run_within(
        &mut self,
        command: &str,
        limit: Duration,
    ) -> Result<String> {
        let start = self.transcript.len();
        self.send(&format!("{command}\n"))?;
        self.wait_for_prompt(limit)
            .with_context(|| format!("running `{command}`"))?;
        let output = &self.transcript[start..];
        // The terminal's echo comes before the output, the prompt after it.
        let output = output.split_once('\n').map_or("", |(_, rest)| rest);
        let end = output.rfind('\n').map_or(0, |at| at + 1);
        Ok(output[..end].to_owned())
    }

    /// Waits until the shell wants a command.
    ///
    /// # Errors
    /// It does not within `limit`, or the machine ended.
    pub fn wait_for_prompt(&mut self, limit: Duration) -> Result<()> {
        self.wait("a prompt", limit, |guest| {
            guest.screen.has_prompt(Instant::now())
        })
    }

    /// Waits until `text` has been printed after the byte `start` of the
    /// transcript.
    ///
    /// # Errors
    /// It is not within `limit`, or the machine ended.
    pub fn wait_for(
        &mut self,
        text: &str,
        start: usize,
        limit: Duration,
    ) -> Result<()> {
        self.wait(text, limit, |guest| {
            guest.transcript.get(start..).is_some_and(|new| new.contains(text))
        })
    }

    /// Waits until the machine has powered off.
    ///
    /// # Errors
    /// It does not within `limit`, panicked, or QEMU failed.
    pub fn wait_for_end(&mut self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        while !self.has_ended {
            ensure!(Instant::now() < end, "the machine does not power off");
            self.take_output();
        }
        self.check_panic()?;
        let status = self.child.wait()?;
        if !status.success() {
            bail!("QEMU failed: {status}: {}", self.complaints());
        }
        Ok(())
    }

    /// What QEMU, which has ended, said to its standard error since it was
    /// last asked.
    pub fn complaints(&mut self) -> String {
        let mut words = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // Without it the report is shorter, but still one.
            errors.read_to_string(&mut words).ok();
        }
        words.trim().to_owned()
    }

    /// Powers the machine off at the prompt.
    ///
    /// # Errors
    /// See [`Guest::wait_for_end`].
    pub fn power_off(mut self) -> Result<()> {
        self.send("poweroff\n")?;
        self.wait_for_end(PATIENCE)
    }

    fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        is_there: impl Fn(&Guest) -> bool,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        while !is_there(self) {
            self.check_panic()?;
            let is_stopped = self.screen.has_loader_prompt(Instant::now());
            ensure!(!is_stopped, "{LOADER_STOPPED}");
            if self.has_ended {
                let why = self.complaints();
                bail!("the machine ended before {what}; QEMU: {why:?}");
            }
            if Instant::now() >= end {
                bail!("no {what} after {} s", limit.as_secs());
            }
            self.take_output();
        }
        Ok(())
    }

    fn check_panic(&mut self) -> Result<()> {
        let Some(line) = self.screen.panic() else { return Ok(()) };
        let line = line.to_owned();
        // What follows says where, without a pause.
        while !self.has_ended && self.screen.quiet(Instant::now()) < PAUSE {
            self.take_output();
        }
        bail!("{line}")
    }

    fn take_output(&mut self) {
        match self.output.recv_timeout(TICK) {
            Ok(bytes) => {
                self.screen.print(&bytes, Instant::now());
                let text = String::from_utf8_lossy(&bytes);
                self.transcript.extend(text.chars().filter(|c| *c != '\r'));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.has_ended = true,
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself; then neither call does anything.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Hands what `source` gives to `sink` until either ends.
pub(super) fn forward(mut source: impl Read, sink: &dyn Fn(Vec<u8>) -> bool) {
    let mut buffer = [0; 4096];
    while let Ok(size) = source.read(&mut buffer) {
        if size == 0 || !sink(buffer[..size].to_vec()) {
            return;
        }
    }
}
