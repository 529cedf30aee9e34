//! Editing of the line that is not complete yet.

use kernel_abi::terminal::{
    ECHO, ECHOE, ECHOK, ECHOKE, IUTF8, VERASE, VKILL, VREPRINT,
};

use super::screen::BACKSPACE;
use super::state::{Cell, LineDiscipline};

impl LineDiscipline {
    /// Whether nothing of the next line was typed yet.
    pub(super) fn line_is_empty(&self) -> bool {
        self.last().is_none()
    }

    fn last(&self) -> Option<u8> {
        match self.cells.back() {
            Some(&Cell::Data(byte)) => Some(byte),
            _ => None,
        }
    }

    /// Takes the last character, which may be several bytes of UTF-8.
    fn take_last(&mut self) -> Option<u8> {
        loop {
            let byte = self.last()?;
            self.cells.pop_back();
            let continues = byte & 0xc0 == 0x80 && self.has_input_flag(IUTF8);
            if !continues || self.line_is_empty() {
                return Some(byte);
            }
        }
    }

    /// The line being edited.
    fn line(&self) -> impl Iterator<Item = u8> {
        let is_data = |cell: &&Cell| matches!(cell, Cell::Data(_));
        let len = self.cells.iter().rev().take_while(is_data).count();
        let start = self.cells.len() - len;
        self.cells.iter().skip(start).filter_map(|cell| match cell {
            Cell::Data(byte) => Some(*byte),
            _ => None,
        })
    }

    fn end_column(&self) -> usize {
        let start = self.start_column;
        self.line().fold(start, |at, byte| self.column_after(at, byte))
    }

    /// Removes from the screen what is no longer in the line, which ended in
    /// column `old_end`. What a program wrote behind it stays: the line is not
    /// longer than its cells, the screen may be.
    fn wipe_to_end(&mut self, old_end: usize, screen: &mut impl FnMut(u8)) {
        let end = self.end_column();
        let beyond = self.screen.column.saturating_sub(end);
        for _ in 0..beyond.min(old_end.saturating_sub(end)) {
            for byte in [BACKSPACE, b' ', BACKSPACE] {
                self.output(byte, screen);
            }
        }
    }

    pub(super) fn erase_character(&mut self, screen: &mut impl FnMut(u8)) {
        let old_end = self.end_column();
        if self.take_last().is_none() || !self.has_local_flag(ECHO) {
            return;
        }
        if self.has_local_flag(ECHOE) {
            self.wipe_to_end(old_end, screen);
        } else {
            self.echo(self.termios.cc[VERASE], screen);
        }
    }

    pub(super) fn erase_word(&mut self, screen: &mut impl FnMut(u8)) {
        let is_word = |byte: u8| {
            byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
        };
        let old_end = self.end_column();
        let mut seen = false;
        while let Some(byte) = self.last() {
            if seen && !is_word(byte) {
                break;
            }
            seen |= is_word(byte);
            self.take_last();
        }
        if self.has_local_flag(ECHO | ECHOE) {
            self.wipe_to_end(old_end, screen);
        }
    }

    pub(super) fn erase_line(&mut self, screen: &mut impl FnMut(u8)) {
        let old_end = self.end_column();
        while self.take_last().is_some() {}
        if !self.has_local_flag(ECHO) {
            return;
        }
        if self.has_local_flag(ECHOE | ECHOK | ECHOKE) {
            self.wipe_to_end(old_end, screen);
            return;
        }
        self.echo(self.termios.cc[VKILL], screen);
        if self.has_local_flag(ECHOK) {
            self.output(b'\n', screen);
        }
    }

    pub(super) fn reprint(&mut self, screen: &mut impl FnMut(u8)) {
        if !self.has_local_flag(ECHO) {
            return;
        }
        self.echo(self.termios.cc[VREPRINT], screen);
        self.output(b'\n', screen);
        self.start_column = self.screen.column;
        let len = self.line().count();
        let start = self.cells.len() - len;
        for at in start..self.cells.len() {
            if let Cell::Data(byte) = self.cells[at] {
                self.echo(byte, screen);
            }
        }
    }
}
