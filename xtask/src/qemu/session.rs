//! One run of QEMU with the person at its console, or a pipe.
//!
//! ```text
//!   stdin ──lines──▶ pacer ──▶ QEMU's serial port ──▶ screen ──▶ stdout
//! ```
//!
//! With a terminal QEMU reads it itself (raw, `^C` goes to the guest); a pipe
//! is fed line by line. In both cases we see the output, since a panic in it
//! decides about our exit status.
use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::guest::forward;
use super::machine::Machine;
use super::pacer::Pacer;
use super::screen::{LOADER_STOPPED, Screen};

/// How often the clock is looked at while nothing happens.
const TICK: Duration = Duration::from_millis(10);

/// A guest that has panicked gets this long to print its state.
const LAST_WORDS: Duration = Duration::from_secs(10);

enum Event {
    Output(Vec<u8>),
    OutputEnd,
    Input(Vec<u8>),
    InputEnd,
}

/// Runs `machine` until it powers off, at most for `limit`.
///
/// # Errors
/// The kernel panicked, the time is over, or QEMU failed.
pub fn run(machine: &Machine, limit: Option<Duration>) -> Result<()> {
    let is_terminal = io::stdin().is_terminal();
    let serial = if is_terminal { "mon:stdio" } else { "stdio" };
    if is_terminal {
        eprintln!("QEMU: Ctrl-A X ends the machine, Ctrl-A H helps");
    }
    let stdin = if is_terminal { Stdio::inherit() } else { Stdio::piped() };
    let child = machine
        .command(serial)?
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .context("QEMU does not start")?;
    Session::new(child, machine.screen(), limit).run()
}

struct Session {
    child: Child,
    serial: Option<ChildStdin>,
    events: Receiver<Event>,
    lines: VecDeque<Vec<u8>>,
    is_input_over: bool,
    screen: Screen,
    pacer: Pacer,
    deadline: Option<Instant>,
}

impl Session {
    fn new(
        mut child: Child,
        screen: Screen,
        limit: Option<Duration>,
    ) -> Session {
        let (sender, events) = channel();
        let serial = child.stdin.take();
        if serial.is_some() {
            let sender = sender.clone();
            thread::spawn(move || read_lines(&sender));
        }
        let output = child.stdout.take().expect("stdout is piped");
        thread::spawn(move || read_output(output, &sender));
        Session {
            child,
            serial,
            events,
            lines: VecDeque::new(),
            is_input_over: false,
            screen,
            pacer: Pacer::default(),
            deadline: limit.map(|limit| Instant::now() + limit),
        }
    }

    fn run(mut self) -> Result<()> {
        let is_over = self.pump();
        if !matches!(is_over, Ok(true)) {
            // It may have ended by itself meanwhile; then nothing is lost.
            self.child.kill().ok();
        }
        let status = self.child.wait()?;
        let is_over = is_over?;
        if let Some(line) = self.screen.panic() {
            bail!("{line}");
        }
        if !is_over {
            bail!("time-out: the machine did not power off");
        }
        if !status.success() {
            bail!("QEMU failed: {status}");
        }
        Ok(())
    }

    /// Moves bytes until QEMU closes its output (true) or time is over.
    fn pump(&mut self) -> Result<bool> {
        loop {
            match self.events.recv_timeout(TICK) {
                Ok(Event::Output(bytes)) => self.show(&bytes)?,
                Ok(Event::Input(line)) => self.lines.push_back(line),
                Ok(Event::InputEnd) => self.is_input_over = true,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Event::OutputEnd) | Err(RecvTimeoutError::Disconnected) => {
                    return Ok(true);
                }
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| now >= deadline) {
                return Ok(false);
            }
            // A person can still tell a boot loader what to do; a pipe not.
            if self.serial.is_some() && self.screen.has_loader_prompt(now) {
                bail!("{LOADER_STOPPED}");
            }
            self.feed(now)?;
        }
    }

    fn show(&mut self, bytes: &[u8]) -> Result<()> {
        let now = Instant::now();
        let had_panic = self.screen.panic().is_some();
        self.screen.print(bytes, now);
        if self.screen.panic().is_some() && !had_panic {
            let end = now + LAST_WORDS;
            self.deadline = Some(self.deadline.map_or(end, |d| d.min(end)));
        }
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            stdout.write_all(bytes)?;
        } else {
            // A file of the transcript gets plain line ends.
            let plain = bytes.iter().copied().filter(|byte| *byte != b'\r');
            stdout.write_all(&plain.collect::<Vec<u8>>())?;
        }
        stdout.flush()?;
        Ok(())
    }

    fn feed(&mut self, now: Instant) -> Result<()> {
        let Some(serial) = &mut self.serial else { return Ok(()) };
        let has_input = !self.lines.is_empty() || self.is_input_over;
        if !has_input || !self.pacer.may_send(&self.screen, now) {
            return Ok(());
        }
        let sent = match self.lines.pop_front() {
            Some(line) => serial.write_all(&line),
            None => serial.write_all(self.pacer.farewell(&self.screen, now)),
        };
        self.screen.answer(now);
        match sent.and_then(|()| serial.flush()) {
            // QEMU has just ended; its output says how.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.context("cannot write to the serial port"),
        }
    }
}

fn read_lines(sender: &Sender<Event>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let event = match stdin.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => Event::InputEnd,
            Ok(_) => Event::Input(line),
        };
        let is_last = matches!(event, Event::InputEnd);
        if sender.send(event).is_err() || is_last {
            return;
        }
    }
}

fn read_output(output: impl Read, sender: &Sender<Event>) {
    forward(output, &|bytes| sender.send(Event::Output(bytes)).is_ok());
    // Nobody listens when the session is over already.
    sender.send(Event::OutputEnd).ok();
}
