//! How far the writing of a file is: a line that changes on a terminal, and
//! one line at the end elsewhere.
use std::io::{self, IsTerminal, Write};
use std::path::Path;

const MIB: usize = 1 << 20;

/// The line about one file.
pub struct Progress {
    name: String,
    size: usize,
    is_terminal: bool,
}

impl Progress {
    /// About the file `path`, which will have `size` bytes.
    pub fn new(path: &Path, size: usize) -> Progress {
        let name = path.display().to_string();
        Progress { name, size, is_terminal: io::stdout().is_terminal() }
    }

    /// So many bytes are written.
    pub fn show(&self, done: usize) {
        if self.is_terminal {
            let (done, all) = (done / MIB, self.size / MIB);
            print!("\r{}: {done} of {all} MiB", self.name);
            // A line that shows late is no reason to stop writing.
            io::stdout().flush().ok();
        }
    }

    /// All is written.
    pub fn end(&self) {
        let start = if self.is_terminal { "\r" } else { "" };
        println!("{start}{}: {} bytes", self.name, self.size);
    }
}
