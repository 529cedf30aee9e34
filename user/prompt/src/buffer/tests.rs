//! The promises about the line being edited.

use super::Buffer;

fn buffer(text: &str, cursor: usize) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.set(text);
    buffer.move_to(cursor);
    buffer
}

fn is_blank(letter: char) -> bool {
    letter == ' '
}

#[test]
fn letters_go_where_the_cursor_is() {
    let mut line = buffer("ac", 1);
    line.insert('b');
    assert_eq!((line.text().as_str(), line.cursor()), ("abc", 2));
    assert!(line.erase_left());
    assert!(line.erase_right());
    assert_eq!((line.text().as_str(), line.cursor()), ("a", 1));
    assert!(!line.erase_right());
    line.move_to(0);
    assert!(!line.erase_left());
    line.move_to(99);
    assert_eq!(line.cursor(), 1);
}

#[test]
fn what_is_cut_can_be_pasted() {
    let mut line = buffer("one two", 3);
    line.cut_to(usize::MAX);
    assert_eq!(line.text(), "one");
    line.move_to(0);
    line.paste();
    assert_eq!((line.text().as_str(), line.cursor()), (" twoone", 4));
    line.cut_to(4);
    assert_eq!(line.text(), " twoone", "nothing lies between");
    line.cut_to(0);
    assert_eq!((line.text().as_str(), line.cursor()), ("one", 0));
}

#[test]
fn words_end_at_blanks() {
    let line = buffer("one  two ", 9);
    assert_eq!(line.word_left(is_blank), 5);
    assert_eq!(buffer("one  two", 5).word_left(is_blank), 0);
    assert_eq!(buffer("one  two", 0).word_left(is_blank), 0);
    assert_eq!(buffer("one  two", 3).word_right(is_blank), 8);
    assert_eq!(buffer("one  two", 8).word_right(is_blank), 8);
}

#[test]
fn a_part_is_replaced() {
    let mut line = buffer("cat fi now", 6);
    line.replace(4, "file ");
    assert_eq!((line.text().as_str(), line.cursor()), ("cat file  now", 9));
}
