//! Standard output through one buffer, standard error without.
//!
//! The buffer goes out when it is full, when the program ends, and whenever
//! [`flush`] is called; [`crate::process::fork`] does, so that no child
//! writes what its parent printed.

use core::fmt::{self, Write};

use spin::Mutex;

use crate::linux::{STDERR_FILENO, STDOUT_FILENO};
use crate::{Errno, Message, Result, file};

const SIZE: usize = 4096;

struct Buffer {
    bytes: [u8; SIZE],
    used: usize,
    /// The first error since the program started.
    error: Option<Errno>,
}

static STDOUT: Mutex<Buffer> =
    Mutex::new(Buffer { bytes: [0; SIZE], used: 0, error: None });

impl Buffer {
    fn flush(&mut self) {
        let pending = &self.bytes[..core::mem::take(&mut self.used)];
        if let Err(error) = file::write_all(STDOUT_FILENO as i32, pending) {
            self.error.get_or_insert(error);
        }
    }

    fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.used == SIZE {
                self.flush();
            }
            let count = bytes.len().min(SIZE - self.used);
            let (now, later) = bytes.split_at(count);
            self.bytes[self.used..][..count].copy_from_slice(now);
            self.used += count;
            bytes = later;
        }
    }
}

/// Prints bytes that need not be text.
pub fn write_bytes(bytes: &[u8]) {
    STDOUT.lock().push(bytes);
}

/// Writes out what is buffered.
///
/// # Errors
/// The first error of any write to standard output so far.
pub fn flush() -> Result<()> {
    let mut stdout = STDOUT.lock();
    stdout.flush();
    stdout.error.map_or(Ok(()), Err)
}

/// Forgets what is buffered, and the error.
pub fn discard() {
    let mut stdout = STDOUT.lock();
    stdout.used = 0;
    stdout.error = None;
}

/// Flushes, and gives the exit status: `status`, or 1 if output was lost.
pub(crate) fn finish(status: i32) -> i32 {
    match flush() {
        Ok(()) => status,
        Err(error) => {
            eprintln(format_args!("write error: {}", error.message()));
            if status == 0 { 1 } else { status }
        }
    }
}

/// Standard output for [`print!`](crate::print).
pub struct Stdout;

impl Write for Stdout {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write_bytes(text.as_bytes());
        Ok(())
    }
}

/// Standard error, unbuffered.
pub struct Stderr;

impl Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        file::write_all(STDERR_FILENO as i32, text.as_bytes())
            .map_err(|_| fmt::Error)
    }
}

/// One line on standard error, in one write where memory allows.
pub fn eprintln(message: fmt::Arguments) {
    let line = alloc::format!("{message}\n");
    // A failing write to standard error leaves nobody to tell.
    let _ = Stderr.write_str(&line);
}

/// Prints to standard output through the buffer.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        // Errors are kept for `flush`.
        let _ = write!($crate::output::Stdout, $($argument)*);
    }};
}

/// Prints a line to standard output through the buffer.
#[macro_export]
macro_rules! println {
    () => { $crate::output::write_bytes(b"\n") };
    ($($argument:tt)*) => {{
        use core::fmt::Write as _;
        // Errors are kept for `flush`.
        let _ = writeln!($crate::output::Stdout, $($argument)*);
    }};
}

/// Prints a line to standard error.
#[macro_export]
macro_rules! eprintln {
    ($($argument:tt)*) => {
        $crate::output::eprintln(format_args!($($argument)*))
    };
}
