//! The keyboard of a terminal, key by key: for the shell's prompt, and for
//! programs that fill the screen.
//!
//! While a [`Keyboard`] is there the terminal is in raw mode: keys come at
//! once and are not echoed. What a program prints is still translated, so a
//! newline starts a row. Bytes are read one by one, so that what was typed
//! ahead stays with the kernel for the next program.

use user_lib::linux::{ECHO, ICANON, IEXTEN, ISIG, VMIN, VTIME, termios};
use user_lib::time::Time;
use user_lib::{Result, file, terminal};
use user_prompt::key::{Decoder, Key};

/// How long the rest of a key may take, as in GNU readline
/// (`keyseq-timeout`): a machine that is held up, as a guest may be, sends the
/// bytes of one key apart.
const REST: Time = Time::from_millis(500);

/// Which keys send signals meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signals {
    /// `^C`, `^Z` and `^\` do as always. Who holds them
    /// [blocked](user_lib::signal::Blocked) waits with the mask given here, so
    /// that no wait begins after the signal that should end it.
    Sent(u64),
    /// They are keys like others.
    Keys,
}

/// A terminal in raw mode; it is set back when this is dropped.
pub struct Keyboard {
    descriptor: i32,
    before: termios,
    decoder: Decoder,
    signals: Signals,
}

impl Keyboard {
    /// Takes over the terminal of a descriptor.
    ///
    /// # Errors
    /// `ENOTTY`.
    pub fn open(descriptor: i32, signals: Signals) -> Result<Self> {
        let before = terminal::settings(descriptor)?;
        let mut raw = before;
        raw.c_lflag &= !(ICANON | ECHO | IEXTEN);
        if signals == Signals::Keys {
            raw.c_lflag &= !ISIG;
        }
        raw.c_cc[VMIN as usize] = 1;
        raw.c_cc[VTIME as usize] = 0;
        terminal::set_settings(descriptor, &raw)?;
        Ok(Self { descriptor, before, decoder: Decoder::default(), signals })
    }

    /// The next key; `None` at the end of the input, and when `timeout` is
    /// over without one.
    ///
    /// # Errors
    /// Those of `read(2)` and `ppoll(2)`: `EINTR` after a signal.
    pub fn key(&mut self, timeout: Option<Time>) -> Result<Option<Key>> {
        loop {
            let is_within = self.decoder.is_within_key();
            let limit = if is_within { Some(REST) } else { timeout };
            if !self.has_input(limit)? {
                return Ok(self.decoder.time_out());
            }
            let mut byte = [0];
            if file::read(self.descriptor, &mut byte)? == 0 {
                return Ok(None);
            }
            if let Some(key) = self.decoder.push(byte[0]) {
                return Ok(Some(key));
            }
        }
    }

    fn has_input(&self, timeout: Option<Time>) -> Result<bool> {
        let mask = match self.signals {
            Signals::Sent(mask) => Some(mask),
            Signals::Keys => None,
        };
        terminal::wait_for_input(self.descriptor, timeout, mask)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // A terminal that is gone needs no settings.
        let _ = terminal::set_settings(self.descriptor, &self.before);
    }
}

/// Rows and columns of a screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// At least 2.
    pub rows: usize,
    /// At least 2.
    pub columns: usize,
}

/// The size that the kernel knows; 24 rows of 80 columns if it knows none.
pub fn screen_size(descriptor: i32) -> Size {
    let (rows, columns) = match terminal::size(descriptor) {
        Ok(size) => (size.ws_row, size.ws_col),
        Err(_) => (0, 0),
    };
    let known = |number: u16, usual| match number {
        0 | 1 => usual,
        number => usize::from(number),
    };
    Size { rows: known(rows, 24), columns: known(columns, 80) }
}
