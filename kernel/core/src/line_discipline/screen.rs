//! From bytes to the screen: newline translation, tabs, the cursor's column.

use kernel_abi::terminal::{
    OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, Termios, XTABS,
};

pub(super) const BACKSPACE: u8 = 8;
pub(super) const BELL: u8 = 7;
pub(super) const TAB_STOP: usize = 8;

/// Where the cursor is.
#[derive(Default)]
pub(super) struct Screen {
    pub(super) column: usize,
}

impl Screen {
    /// Shows a byte.
    pub(super) fn put(
        &mut self,
        byte: u8,
        termios: &Termios,
        sink: &mut impl FnMut(u8),
    ) {
        let has = |flag| termios.oflag & flag != 0;
        if !has(OPOST) {
            return sink(byte);
        }
        match byte {
            b'\n' if has(ONLCR) => {
                self.column = 0;
                sink(b'\r');
                sink(b'\n');
            }
            b'\n' => {
                if has(ONLRET) {
                    self.column = 0;
                }
                sink(b'\n');
            }
            b'\r' if has(ONOCR) && self.column == 0 => {}
            b'\r' if has(OCRNL) => {
                if has(ONLRET) {
                    self.column = 0;
                }
                sink(b'\n');
            }
            b'\r' => {
                self.column = 0;
                sink(b'\r');
            }
            b'\t' => self.tab(termios.oflag & TABDLY == XTABS, sink),
            BACKSPACE => {
                self.column = self.column.saturating_sub(1);
                sink(byte);
            }
            _ => {
                self.column += width(byte);
                let upper = has(OLCUC);
                sink(if upper { byte.to_ascii_uppercase() } else { byte });
            }
        }
    }

    fn tab(&mut self, as_spaces: bool, sink: &mut impl FnMut(u8)) {
        let spaces = TAB_STOP - self.column % TAB_STOP;
        self.column += spaces;
        if as_spaces {
            (0..spaces).for_each(|_| sink(b' '));
        } else {
            sink(b'\t');
        }
    }
}

/// Columns of a byte that stands for itself; 0 for control characters and
/// for the later bytes of a UTF-8 character.
pub(super) fn width(byte: u8) -> usize {
    let is_control = byte.is_ascii_control();
    usize::from(!is_control && byte & 0xc0 != 0x80)
}
