//! What is kept of one terminal: its settings, what was typed, its screen.

use alloc::collections::{TryReserveError, VecDeque};

use kernel_abi::terminal::{ICANON, Termios};

use super::screen::Screen;

/// Bytes that can wait to be read, the end of the line included.
pub const CAPACITY: usize = 4096;

/// One place in the input buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    /// A byte within a line.
    Data(u8),
    /// A byte that ends a line.
    End(u8),
    /// The end of a line, or of the file, without a byte.
    Eof,
}

/// State of one terminal. Guarded by the terminal's lock.
pub struct LineDiscipline {
    pub(super) termios: Termios,
    pub(super) cells: VecDeque<Cell>,
    /// Number of `End` and `Eof` cells.
    pub(super) lines: usize,
    pub(super) screen: Screen,
    /// Where the line being edited starts on the screen.
    pub(super) start_column: usize,
    /// The next key is data, whatever it is (`VLNEXT`).
    pub(super) is_literal: bool,
    /// `VSTOP` was typed.
    pub(super) is_stopped: bool,
}

impl LineDiscipline {
    /// A terminal with the settings of a fresh console.
    ///
    /// # Errors
    /// The allocator's; nothing is allocated later on.
    pub fn new() -> Result<Self, TryReserveError> {
        let mut cells = VecDeque::new();
        cells.try_reserve_exact(CAPACITY)?;
        Ok(LineDiscipline {
            termios: Termios::default(),
            cells,
            lines: 0,
            screen: Screen::default(),
            start_column: 0,
            is_literal: false,
            is_stopped: false,
        })
    }

    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    /// Changes the settings. Waiting readers look again, since what can be
    /// read may have changed.
    pub fn set_termios(&mut self, termios: Termios) {
        let was_canonical = self.is_canonical();
        self.termios = termios;
        if self.is_canonical() && !was_canonical {
            self.end_lines();
        }
        self.is_literal = false;
        if !self.has_input_flag(kernel_abi::terminal::IXON) {
            self.is_stopped = false;
        }
    }

    /// A newline that was typed in raw mode ends a line from now on. What
    /// follows the last one is edited on (Linux `n_tty_set_termios` gives all
    /// of it as one line).
    fn end_lines(&mut self) {
        for cell in &mut self.cells {
            if *cell == Cell::Data(b'\n') {
                *cell = Cell::End(b'\n');
                self.lines += 1;
            }
        }
    }

    /// Whether output waits for `VSTART`.
    pub fn is_output_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Stops or restarts output (`TCXONC`).
    pub fn set_output_stopped(&mut self, stopped: bool) {
        self.is_stopped = stopped;
    }

    /// Forgets what was typed and not read.
    pub fn flush_input(&mut self) {
        self.cells.clear();
        self.lines = 0;
        self.is_literal = false;
    }

    pub(super) fn is_canonical(&self) -> bool {
        self.has_local_flag(ICANON)
    }

    pub(super) fn has_local_flag(&self, flags: u32) -> bool {
        self.termios.lflag & flags == flags
    }

    pub(super) fn has_input_flag(&self, flag: u32) -> bool {
        self.termios.iflag & flag != 0
    }

    /// Whether `byte` is the control character at `index`; 0 is none.
    pub(super) fn is_key(&self, index: usize, byte: u8) -> bool {
        byte != 0 && self.termios.cc[index] == byte
    }
}
