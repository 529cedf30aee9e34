//! The promises about completion.

use std::string::{String, ToString};
use std::vec::Vec;

use super::{Place, columns, common_start, quote, target};

fn found(line: &str) -> (usize, String, Place) {
    let letters: Vec<char> = line.chars().collect();
    let target = target(&letters);
    (target.start, target.word, target.place)
}

#[test]
fn the_first_word_is_a_command() {
    for (line, start, word) in [
        ("", 0, ""),
        ("  ec", 2, "ec"),
        ("ls | gr", 5, "gr"),
        ("true && ec", 8, "ec"),
        ("x=1 ec", 4, "ec"),
        ("if tr", 3, "tr"),
        ("while true; do sl", 15, "sl"),
        ("echo $(ca", 7, "ca"),
    ] {
        let expected = (start, word.to_string(), Place::Command);
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn other_words_are_files() {
    for (line, start, word) in [
        ("cat ", 4, ""),
        ("cat fi", 4, "fi"),
        ("./pro", 0, "./pro"),
        ("echo a > /tm", 9, "/tm"),
        ("cat 'a b", 4, "a b"),
        ("cat a\\ b", 4, "a b"),
        ("cat \"it's", 4, "it's"),
        ("cat then x", 9, "x"),
    ] {
        let expected = (start, word.to_string(), Place::File);
        assert_eq!(found(line), expected, "{line}");
    }
}

#[test]
fn names_share_their_start() {
    let start = |names: &[&str]| {
        let names: Vec<String> =
            names.iter().map(|name| name.to_string()).collect();
        common_start(&names).to_string()
    };
    assert_eq!(start(&["mount", "more", "mv"]), "m");
    assert_eq!(start(&["umount"]), "umount");
    assert_eq!(start(&["état", "été"]), "ét");
    assert_eq!(start(&["a", "b"]), "");
    assert_eq!(start(&["ab", "a"]), "a");
    assert_eq!(start(&[]), "");
}

#[test]
fn names_are_quoted() {
    assert_eq!(quote("plain.txt"), "plain.txt");
    assert_eq!(quote("a b$"), "a\\ b\\$");
}

#[test]
fn columns_are_filled_downwards() {
    assert_eq!(columns(&["a", "b", "c"], 80), "a  b  c\n");
    assert_eq!(columns(&["a", "b", "c"], 6), "a  c\nb\n");
    assert_eq!(columns(&["long"], 2), "long\n");
    assert_eq!(columns(&[], 80), "");
}
