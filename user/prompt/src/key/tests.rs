//! The promises about keys.

use std::vec::Vec;

use super::{Decoder, Key};

fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut decoder = Decoder::default();
    let mut keys: Vec<Key> =
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect();
    keys.extend(decoder.time_out());
    keys
}

#[test]
fn letters_and_controls_are_one_byte() {
    let expected = [Key::Char('a'), Key::Control('a'), Key::Enter, Key::Tab];
    assert_eq!(keys(b"a\x01\r\t"), expected);
    assert_eq!(keys(b"\x7f\x08"), [Key::Backspace, Key::Backspace]);
    assert_eq!(keys(b"\x00\x1f"), [Key::Unknown, Key::Unknown]);
}

#[test]
fn sequences_are_keys() {
    let arrows = [Key::Up, Key::Down, Key::Right, Key::Left];
    assert_eq!(keys(b"\x1b[A\x1b[B\x1b[C\x1b[D"), arrows);
    assert_eq!(keys(b"\x1bOA\x1bOB\x1bOC\x1bOD"), arrows);
    let others = [Key::Home, Key::End, Key::Delete, Key::PageUp];
    assert_eq!(keys(b"\x1b[1~\x1b[4~\x1b[3~\x1b[5~"), others);
    assert_eq!(
        keys(b"\x1b[H\x1b[F\x1b[6~"),
        [Key::Home, Key::End, Key::PageDown]
    );
    assert_eq!(keys(b"\x1b[1;5C\x1b[1;3D"), [Key::WordRight, Key::WordLeft]);
    assert_eq!(keys(b"\x1b[24~x"), [Key::Unknown, Key::Char('x')]);
}

#[test]
fn escape_alone_is_told_by_time() {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.push(0x1b), None);
    assert!(decoder.is_within_key());
    assert_eq!(decoder.time_out(), Some(Key::Escape));
    assert!(!decoder.is_within_key());
    assert_eq!(decoder.time_out(), None);
    assert_eq!(keys(b"\x1bb\x1b\x7f"), [Key::Alt('b'), Key::Alt('\x7f')]);
}

#[test]
fn letters_of_several_bytes_come_whole() {
    assert_eq!(keys("é☃".as_bytes()), [Key::Char('é'), Key::Char('☃')]);
    let wrong = Key::Char(char::REPLACEMENT_CHARACTER);
    assert_eq!(keys(b"\xffa"), [wrong, Key::Char('a')]);
    assert_eq!(keys(b"\xc3"), [Key::Unknown]);
}

#[test]
fn a_sequence_without_end_is_given_up() {
    let mut bytes = Vec::from(*b"\x1b[");
    bytes.extend([b'1'; 14]);
    assert_eq!(keys(&bytes), [Key::Unknown]);
}
