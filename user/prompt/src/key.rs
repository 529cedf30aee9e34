//! Bytes of a terminal's keyboard to keys.
//!
//! Most keys are a letter. Others send an escape sequence: `ESC [ A`,
//! `ESC O A`, `ESC [ 3 ~`, `ESC [ 1 ; 5 C`; with Alt a letter has an escape
//! before it. A single escape is a key too, which only time tells
//! ([`Decoder::time_out`]). Source: ECMA-48, and xterm's *Control Sequences*.

use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// The longest sequence that is still waited for.
const LONGEST: usize = 16;
const ESCAPE: u8 = 0x1b;

/// What was pressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A letter to be written.
    Char(char),
    /// A small letter, with Control.
    Control(char),
    /// A letter, with Alt.
    Alt(char),
    /// The end of the line.
    Enter,
    /// The tabulator.
    Tab,
    /// Erases to the left.
    Backspace,
    /// Escape alone.
    Escape,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow with Control or Alt: a word to the left.
    WordLeft,
    /// An arrow with Control or Alt: a word to the right.
    WordRight,
    /// The start of the line.
    Home,
    /// The end of the line.
    End,
    /// Erases to the right.
    Delete,
    /// A screen upwards.
    PageUp,
    /// A screen downwards.
    PageDown,
    /// None that has a meaning here.
    Unknown,
}

/// Puts bytes together.
#[derive(Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// Takes a byte; gives the key that it completes.
    pub fn push(&mut self, byte: u8) -> Option<Key> {
        self.bytes.push(byte);
        let key = decode(&self.bytes)?;
        self.bytes.clear();
        Some(key)
    }

    /// Whether bytes of a key are there and its end is not.
    pub fn is_within_key(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// No more bytes came for a while: what there is, is a key.
    pub fn time_out(&mut self) -> Option<Key> {
        let bytes = core::mem::take(&mut self.bytes);
        match bytes.as_slice() {
            [] => None,
            [ESCAPE] => Some(Key::Escape),
            _ => Some(Key::Unknown),
        }
    }
}

/// The key of these bytes; `None` while it is not complete.
fn decode(bytes: &[u8]) -> Option<Key> {
    match *bytes {
        [ESCAPE] | [ESCAPE, b'[' | b'O'] => None,
        [ESCAPE, b'[', .., last] if (0x40..=0x7e).contains(&last) => {
            Some(sequence(&bytes[2..]))
        }
        [ESCAPE, b'[', ..] => (bytes.len() >= LONGEST).then_some(Key::Unknown),
        [ESCAPE, b'O', last] => Some(by_letter(last)),
        [ESCAPE, ESCAPE] => Some(Key::Escape),
        [ESCAPE, byte] => Some(Key::Alt(byte as char)),
        [b'\r' | b'\n'] => Some(Key::Enter),
        [b'\t'] => Some(Key::Tab),
        [0x08 | 0x7f] => Some(Key::Backspace),
        [byte @ 1..=26] => Some(Key::Control((byte - 1 + b'a') as char)),
        [0..=31] => Some(Key::Unknown),
        _ => letter(bytes),
    }
}

/// What follows `ESC [`: numbers with semicolons between, and a last letter.
fn sequence(bytes: &[u8]) -> Key {
    let (numbers, last) = bytes.split_at(bytes.len() - 1);
    // Control and Alt are the second number.
    let is_changed = numbers.contains(&b';');
    match (last[0], numbers) {
        (b'~', b"1" | b"7") => Key::Home,
        (b'~', b"3") => Key::Delete,
        (b'~', b"4" | b"8") => Key::End,
        (b'~', b"5") => Key::PageUp,
        (b'~', b"6") => Key::PageDown,
        (b'C', _) if is_changed => Key::WordRight,
        (b'D', _) if is_changed => Key::WordLeft,
        (letter, _) => by_letter(letter),
    }
}

fn by_letter(letter: u8) -> Key {
    match letter {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'F' => Key::End,
        b'H' => Key::Home,
        _ => Key::Unknown,
    }
}

/// A letter in UTF-8; what is none becomes U+FFFD.
fn letter(bytes: &[u8]) -> Option<Key> {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.chars().next().map(Key::Char),
        Err(error) if error.error_len().is_none() => None,
        Err(_) => Some(Key::Char(char::REPLACEMENT_CHARACTER)),
    }
}
