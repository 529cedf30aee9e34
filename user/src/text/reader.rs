//! Input for programs that take files or standard input, line by line.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::linux::{O_CLOEXEC, O_RDONLY};
use user_lib::{Result, file};

use user_lib::option::fail;

/// Calls `action` with each file opened, or with standard input if there is
/// none or for `-`; gives the exit status.
pub fn each_input(
    program: &str,
    paths: &[String],
    mut action: impl FnMut(i32, &str) -> Result<()>,
) -> i32 {
    let mut status = 0;
    let standard = [String::from("-")];
    let paths = if paths.is_empty() { &standard[..] } else { paths };
    for path in paths {
        let result = match path.as_str() {
            "-" => action(0, path),
            _ => with_file(path, &mut action),
        };
        if let Err(error) = result {
            status = fail(program, path, error);
        }
    }
    status
}

fn with_file(
    path: &str,
    action: &mut impl FnMut(i32, &str) -> Result<()>,
) -> Result<()> {
    let descriptor = file::open(path, O_RDONLY | O_CLOEXEC, 0)?;
    let result = action(descriptor, path);
    let _ = file::close(descriptor);
    result
}

/// Gives the lines of a descriptor one by one.
pub struct Lines {
    descriptor: i32,
    buffer: Vec<u8>,
    start: usize,
    is_at_end: bool,
}

impl Lines {
    /// Lines of what is read from `descriptor`.
    pub fn new(descriptor: i32) -> Self {
        Self { descriptor, buffer: Vec::new(), start: 0, is_at_end: false }
    }

    /// The next line with its newline, which the last may lack.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        let mut searched = self.start;
        loop {
            let new = &self.buffer[searched..];
            if let Some(index) = new.iter().position(|&byte| byte == b'\n') {
                return Ok(Some(self.take(searched + index + 1)));
            }
            if self.is_at_end {
                let end = self.buffer.len();
                return Ok((self.start < end).then(|| self.take(end)));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            searched = self.buffer.len();
            self.fill()?;
        }
    }

    fn take(&mut self, end: usize) -> &[u8] {
        let start = core::mem::replace(&mut self.start, end);
        &self.buffer[start..end]
    }

    fn fill(&mut self) -> Result<()> {
        let mut bytes = [0; 2048];
        let count = file::read(self.descriptor, &mut bytes)?;
        self.is_at_end = count == 0;
        self.buffer.extend_from_slice(&bytes[..count]);
        Ok(())
    }
}
