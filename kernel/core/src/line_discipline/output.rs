//! A program's output and the echo of keys.

use kernel_abi::terminal::ECHOCTL;

use super::screen::{TAB_STOP, width};
use super::state::LineDiscipline;

impl LineDiscipline {
    /// Translates one byte of a program's output.
    pub fn output(&mut self, byte: u8, sink: &mut impl FnMut(u8)) {
        self.screen.put(byte, &self.termios, sink);
    }

    /// Shows a typed byte, control characters as `^X`.
    pub(super) fn echo(&mut self, byte: u8, sink: &mut impl FnMut(u8)) {
        if self.shows_caret(byte) {
            self.output(b'^', sink);
            self.output(byte ^ 0x40, sink);
        } else {
            self.output(byte, sink);
        }
    }

    fn shows_caret(&self, byte: u8) -> bool {
        self.has_local_flag(ECHOCTL)
            && byte.is_ascii_control()
            && byte != b'\t'
            && byte != b'\n'
    }

    /// The column after `byte` is echoed at `column`.
    pub(super) fn column_after(&self, column: usize, byte: u8) -> usize {
        if byte == b'\t' {
            column + TAB_STOP - column % TAB_STOP
        } else if self.shows_caret(byte) {
            column + 2
        } else {
            column + width(byte)
        }
    }
}
