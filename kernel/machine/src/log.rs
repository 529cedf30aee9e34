//! The kernel log: a ring of lines, and the console that shows them.
//!
//! Modules log through the `log` crate (`log::info!`). A line goes into the
//! ring with its time and, unless it is less important than the console
//! level, to the console in Linux's form: `[    0.001234] text`. Any context
//! may log, interrupt handlers too; nothing is allocated. A panic prints with
//! [`Raw`], past the lock, since its holder may be a CPU that was stopped.
//!
//! Command line: `quiet` shows only errors, `loglevel=N` what is below N.

use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::command_line::CommandLine;
use kernel_core::log_ring::{LogRing, Record, TEXT_LIMIT};
use log::{Level, LevelFilter, Log, Metadata};

use crate::arch::timer;
use crate::drivers::console;
use crate::sync::{IrqSpinLock, Rank};

const RING_SIZE: usize = 128 * 1024;
/// Bytes of the terminal that are written under the lock at a time: where
/// sending polls, half a millisecond at 1.5 million baud.
const PIECE: usize = 64;
/// Longest prefix: level, time, brackets.
const PREFIX: usize = 40;

static RING: IrqSpinLock<LogRing<RING_SIZE>> =
    IrqSpinLock::with_rank(Rank::Device, LogRing::new());
/// Lines of a level below this are shown (Linux's `console_loglevel`).
static CONSOLE_LEVEL: AtomicU8 = AtomicU8::new(7);

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        append(number(record.level()), *record.args());
    }

    fn flush(&self) {
        console::flush();
    }
}

/// Linux's number of a level.
fn number(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Makes `log::info!` and the others work.
pub fn init() {
    // It fails only if a logger is set already: this one.
    let _ = log::set_logger(&Logger);
    log::set_max_level(LevelFilter::Debug);
}

/// Takes `quiet` and `loglevel=N` from the command line.
pub fn configure(command_line: &str) {
    for word in CommandLine::new(command_line).arguments() {
        match (word.key, word.value.map(str::parse::<u64>)) {
            ("quiet", None) => set_console_level(4),
            // The highest level shows everything.
            ("loglevel", Some(Ok(level))) => {
                set_console_level(level.min(8) as u8);
            }
            _ => {}
        }
    }
}

/// Shows lines of a level below `level` on the console; at least 1, at most
/// 8 (everything).
pub fn set_console_level(level: u8) {
    CONSOLE_LEVEL.store(level.clamp(1, 8), Relaxed);
}

/// The console level.
pub fn console_level() -> u8 {
    CONSOLE_LEVEL.load(Relaxed)
}

/// Adds a line of Linux's `level` to the log; for what user programs write
/// to `/dev/kmsg`. Several lines in `args` become several records.
pub fn append(level: u8, args: fmt::Arguments<'_>) {
    let mut text = Line::<TEXT_LIMIT>::new();
    // A line that is too long is cut off, which is no error here.
    let _ = text.write_fmt(args);
    let time_ns = timer::now_ns();
    let mut ring = RING.lock();
    for line in text.bytes().split(|&byte| byte == b'\n') {
        ring.push(time_ns, level, line);
        if level < console_level() {
            show(&Record { time_ns, level, text: [line, b""] });
        }
    }
}

/// One record on the console. The ring's lock keeps lines whole.
fn show(record: &Record<'_>) {
    let mut prefix = Line::<PREFIX>::new();
    let _ = write_time(&mut prefix, record.time_ns);
    console::send(prefix.bytes());
    for part in record.text {
        console::send(part);
    }
    console::send(b"\r\n");
}

/// Writes the terminal's output to the console, in pieces short enough that
/// nobody waits long for the lock: a line of the log may come between two of
/// them, but is torn by none.
pub fn write_between_lines(bytes: &[u8]) {
    for piece in bytes.chunks(PIECE) {
        let _whole = RING.lock();
        console::send(piece);
    }
}

/// `[    0.001234] `
fn write_time(out: &mut impl Write, time_ns: u64) -> fmt::Result {
    let micros = time_ns / 1_000;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    write!(out, "[{seconds:5}.{micros:06}] ")
}

/// The whole log as `syslog(2)` gives it: `<6>[    0.001234] text` lines.
pub fn read_all() -> Vec<u8> {
    // Allocation under the lock could log in turn; so copy in two steps,
    // and what came in between waits for the next reader.
    let room = RING.lock().used() * 2 + PREFIX;
    let mut out = Vec::with_capacity(room);
    let ring = RING.lock();
    for record in ring.records() {
        let mut prefix = Line::<PREFIX>::new();
        let _ = write!(prefix, "<{}>", record.level);
        let _ = write_time(&mut prefix, record.time_ns);
        let parts = [prefix.bytes(), record.text[0], record.text[1], b"\n"];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if out.capacity() - out.len() < length {
            break;
        }
        parts.iter().for_each(|part| out.extend_from_slice(part));
    }
    out
}

/// Empties the log.
pub fn clear() {
    RING.lock().clear();
}

/// Bytes the ring can hold.
pub fn capacity() -> usize {
    RING_SIZE
}

/// The console for a panic: no lock and no ring.
pub struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive('\n') {
            match part.strip_suffix('\n') {
                Some(line) => {
                    console::write(line.as_bytes());
                    console::write(b"\r\n");
                }
                None => console::write(part.as_bytes()),
            }
        }
        Ok(())
    }
}

/// Text of at most `N` bytes on the stack; more is cut off.
pub struct Line<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Line<N> {
    /// An empty line.
    pub const fn new() -> Self {
        Line { bytes: [0; N], length: 0 }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl<const N: usize> Write for Line<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.length..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length += length;
        if length < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}
