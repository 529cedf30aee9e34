//! The promises about editing.

use std::string::{String, ToString};
use std::vec::Vec;

use super::{Editor, Step};
use crate::completion::{Names, Place};
use crate::key::Decoder;

struct Fixed;

impl Names for Fixed {
    fn starting_with(&self, word: &str, place: Place) -> Vec<String> {
        let names: &[&str] = match place {
            Place::Command => &["mount", "more", "mv", "umount"],
            Place::File => &["dir/", "a b", "/etc/fstab", "/etc/free"],
        };
        let names = names.iter().filter(|name| name.starts_with(word));
        names.map(|name| name.to_string()).collect()
    }
}

/// Types bytes at a fresh line; gives what came of it and what is printed.
fn typed_by(editor: &mut Editor, bytes: &str) -> (Step, String) {
    let mut decoder = Decoder::default();
    let mut out = String::new();
    editor.start("# ", 80, &mut out);
    for byte in bytes.bytes() {
        if let Some(key) = decoder.push(byte) {
            match editor.key(key, &Fixed, &mut out) {
                Step::More => {}
                step => return (step, out),
            }
        }
    }
    (Step::More, out)
}

fn line(bytes: &str) -> String {
    line_by(&mut Editor::default(), bytes)
}

fn line_by(editor: &mut Editor, bytes: &str) -> String {
    match typed_by(editor, &(bytes.to_string() + "\n")).0 {
        Step::Line(line) => line,
        step => panic!("{bytes:?} gives {step:?}"),
    }
}

#[test]
fn a_plain_line_is_echoed_as_a_terminal_does() {
    let long = "echo ".to_string() + &"long ".repeat(40);
    for text in ["", "echo é", &long] {
        let (step, out) =
            typed_by(&mut Editor::default(), &(text.to_string() + "\n"));
        assert_eq!(step, Step::Line(text.to_string()));
        assert_eq!(out, "# ".to_string() + text + "\n");
    }
}

#[test]
fn the_cursor_moves_and_letters_are_inserted() {
    assert_eq!(line("bc\x1b[Da\x1b[D\x1b[D\x1b[Dx"), "xbac");
    assert_eq!(line("b\x01a\x05c"), "abc");
    assert_eq!(line("b\x1b[Ha\x1b[Fc"), "abc");
    assert_eq!(line("two three\x1bb\x1b[1;5Done \x1bf!"), "one two! three");
}

#[test]
fn text_is_cut_erased_and_pasted() {
    assert_eq!(line("abc\x7f\x7fx"), "ax");
    assert_eq!(line("abc\x01\x1b[3~\x04"), "c");
    assert_eq!(line("one two\x17\x17"), "");
    assert_eq!(line("one /a/b\x17x"), "one x");
    assert_eq!(line("one two\x01\x0b\x19\x19"), "one twoone two");
    assert_eq!(line("one two\x15x"), "x");
    assert_eq!(line("one two\x01\x1bd"), " two");
}

#[test]
fn end_of_input_needs_an_empty_line() {
    assert_eq!(typed_by(&mut Editor::default(), "\x04").0, Step::End);
    assert_eq!(line("a\x04"), "a");
}

#[test]
fn arrows_recall_lines() {
    let mut editor = Editor::default();
    for text in ["first", "second"] {
        line_by(&mut editor, text);
    }
    assert_eq!(line_by(&mut editor, "\x1b[A\x1b[A!"), "first!");
    assert_eq!(line_by(&mut editor, "new\x10\x0e"), "new");
    assert_eq!(line_by(&mut editor, "\x1b[A"), "new");
}

#[test]
fn search_finds_older_lines() {
    let mut editor = Editor::default();
    for text in ["echo one", "ls", "echo two"] {
        line_by(&mut editor, text);
    }
    assert_eq!(line_by(&mut editor, "\x12ech"), "echo two");
    assert_eq!(line_by(&mut editor, "\x12ech\x12"), "echo one");
    assert_eq!(line_by(&mut editor, "\x12one\x01# "), "# echo one");
    let (_, out) = typed_by(&mut editor, "\x12lsx");
    assert!(out.contains("(failed reverse-i-search)`lsx': ls"), "{out:?}");
    assert_eq!(line_by(&mut editor, "new\x12ls\x07!"), "new!");
    assert_eq!(line_by(&mut editor, "\x12lsx\x7f"), "ls");
    assert_eq!(typed_by(&mut editor, "\x12ls\x03").0, Step::More);
}

#[test]
fn tab_completes_and_lists() {
    assert_eq!(line("um\t/"), "umount /");
    assert_eq!(line("cat d\tx"), "cat dir/x");
    assert_eq!(line("cat a\t"), "cat a\\ b ");
    assert_eq!(line("cat /etc/\tx"), "cat /etc/fx");
    let (_, out) = typed_by(&mut Editor::default(), "mo\t");
    assert_eq!(out, "# mo\x07");
    let (_, out) = typed_by(&mut Editor::default(), "mo\t\t");
    assert!(out.contains("\nmore   mount\n"), "{out:?}");
    assert!(out.ends_with("\r# mo\x1b[J"), "{out:?}");
    let (_, out) = typed_by(&mut Editor::default(), "cat /etc/f\t\t");
    assert!(out.contains("\nfree   fstab\n"), "{out:?}");
    let (_, out) = typed_by(&mut Editor::default(), "zz\t\t");
    assert_eq!(out, "# zz\x07\x07");
}

#[test]
fn the_cleared_screen_shows_the_line() {
    let (_, out) = typed_by(&mut Editor::default(), "ls\x0c");
    assert_eq!(out, "# ls\x1b[H\x1b[2J\r# ls\x1b[J");
}

#[test]
fn a_left_line_ends_behind_its_text() {
    let mut editor = Editor::default();
    let (_, _) = typed_by(&mut editor, "abc\x01");
    let mut out = String::new();
    editor.leave(&mut out);
    assert_eq!(out, "\r# abc\x1b[J");
}
