//! A key arrives: translated, acted on, stored, shown.

use kernel_abi::signal::{SIGINT, SIGQUIT, SIGTSTP};
use kernel_abi::terminal::{
    ECHO, ECHOCTL, ECHONL, ICRNL, IEXTEN, IGNCR, IMAXBEL, INLCR, ISIG, ISTRIP,
    IUCLC, IXANY, IXON, NOFLSH, VEOF, VEOL, VEOL2, VERASE, VINTR, VKILL,
    VLNEXT, VQUIT, VREPRINT, VSTART, VSTOP, VSUSP, VWERASE,
};

use super::screen::{BACKSPACE, BELL};
use super::state::{CAPACITY, Cell, LineDiscipline};

/// What a key did.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Received {
    /// Send this to the foreground process group.
    pub signal: Option<u32>,
    /// Wake those who wait for input.
    pub ready: bool,
    /// Output was stopped or goes on; see
    /// [`LineDiscipline::is_output_stopped`].
    pub flow_changed: bool,
    /// What was typed is forgotten, and so should be what waits to be shown.
    pub flushed: bool,
}

impl LineDiscipline {
    /// Takes one byte from the keyboard; what the person shall see of it goes
    /// to `screen`.
    pub fn input(&mut self, byte: u8, screen: &mut impl FnMut(u8)) -> Received {
        let byte = self.strip(byte);
        if core::mem::take(&mut self.is_literal) {
            return self.store(Cell::Data(byte), screen);
        }
        if let Some(received) = self.flow_key(byte) {
            return received;
        }
        if let Some(signal) = self.signal_key(byte) {
            return self.raise(signal, byte, screen);
        }
        let Some(byte) = self.translate(byte) else {
            return Received::default();
        };
        if self.is_canonical() {
            self.canonical_key(byte, screen)
        } else {
            self.store(Cell::Data(byte), screen)
        }
    }

    fn strip(&self, byte: u8) -> u8 {
        let mut byte = byte;
        if self.has_input_flag(ISTRIP) {
            byte &= 0x7f;
        }
        if self.has_input_flag(IUCLC) && self.has_local_flag(IEXTEN) {
            byte.make_ascii_lowercase();
        }
        byte
    }

    fn flow_key(&mut self, byte: u8) -> Option<Received> {
        if !self.has_input_flag(IXON) {
            return None;
        }
        let was_stopped = self.is_stopped;
        let is_start = self.is_key(VSTART, byte);
        let is_stop = self.is_key(VSTOP, byte) && !is_start;
        let restarts = was_stopped && self.has_input_flag(IXANY);
        if is_start || (restarts && !is_stop) {
            self.is_stopped = false;
        } else if is_stop {
            self.is_stopped = true;
        }
        let flow_changed = self.is_stopped != was_stopped;
        let taken = is_start || is_stop;
        taken.then_some(Received { flow_changed, ..Received::default() })
    }

    fn signal_key(&self, byte: u8) -> Option<u32> {
        let keys = [(VINTR, SIGINT), (VQUIT, SIGQUIT), (VSUSP, SIGTSTP)];
        let found = keys.into_iter().find(|&(key, _)| self.is_key(key, byte));
        found.filter(|_| self.has_local_flag(ISIG)).map(|(_, signal)| signal)
    }

    fn raise(
        &mut self,
        signal: u32,
        byte: u8,
        screen: &mut impl FnMut(u8),
    ) -> Received {
        let was_stopped = core::mem::take(&mut self.is_stopped);
        let flushed = !self.has_local_flag(NOFLSH);
        if flushed {
            self.flush_input();
        }
        if self.has_local_flag(ECHO) {
            self.echo(byte, screen);
        }
        Received {
            signal: Some(signal),
            ready: false,
            flow_changed: was_stopped,
            flushed,
        }
    }

    fn translate(&self, byte: u8) -> Option<u8> {
        match byte {
            b'\r' if self.has_input_flag(IGNCR) => None,
            b'\r' if self.has_input_flag(ICRNL) => Some(b'\n'),
            b'\n' if self.has_input_flag(INLCR) => Some(b'\r'),
            _ => Some(byte),
        }
    }

    fn canonical_key(
        &mut self,
        byte: u8,
        screen: &mut impl FnMut(u8),
    ) -> Received {
        let extended = self.has_local_flag(IEXTEN);
        if byte == b'\n' {
            return self.store(Cell::End(byte), screen);
        }
        if self.is_key(VERASE, byte) {
            self.erase_character(screen);
        } else if self.is_key(VKILL, byte) {
            self.erase_line(screen);
        } else if extended && self.is_key(VWERASE, byte) {
            self.erase_word(screen);
        } else if extended && self.is_key(VREPRINT, byte) {
            self.reprint(screen);
        } else if extended && self.is_key(VLNEXT, byte) {
            self.announce_literal(screen);
        } else if self.is_key(VEOF, byte) {
            return self.store(Cell::Eof, screen);
        } else if self.is_key(VEOL, byte)
            || (extended && self.is_key(VEOL2, byte))
        {
            return self.store(Cell::End(byte), screen);
        } else {
            return self.store(Cell::Data(byte), screen);
        }
        Received::default()
    }

    fn announce_literal(&mut self, screen: &mut impl FnMut(u8)) {
        self.is_literal = true;
        if self.has_local_flag(ECHO | ECHOCTL) {
            self.output(b'^', screen);
            self.output(BACKSPACE, screen);
        }
    }

    /// The last place is kept for the end of the line.
    fn store(&mut self, cell: Cell, screen: &mut impl FnMut(u8)) -> Received {
        let ends = !matches!(cell, Cell::Data(_));
        let room = if ends { CAPACITY } else { CAPACITY - 1 };
        if self.cells.len() >= room {
            if self.has_input_flag(IMAXBEL) || self.is_canonical() {
                screen(BELL);
            }
            return Received::default();
        }
        self.show(cell, screen);
        self.cells.push_back(cell);
        self.lines += usize::from(ends);
        let ready = ends || !self.is_canonical();
        Received { ready, ..Received::default() }
    }

    fn show(&mut self, cell: Cell, screen: &mut impl FnMut(u8)) {
        let byte = match cell {
            Cell::Eof => return,
            Cell::Data(byte) | Cell::End(byte) => byte,
        };
        if self.line_is_empty() {
            self.start_column = self.screen.column;
        }
        let echo = self.has_local_flag(ECHO);
        let newline = byte == b'\n' && self.has_local_flag(ECHONL);
        if echo || (newline && self.is_canonical()) {
            self.echo(byte, screen);
        }
    }
}
