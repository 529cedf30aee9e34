//! The promises about the history.

use std::string::ToString;
use std::vec::Vec;

use super::{History, LIMIT};

fn history(lines: &[&str]) -> History {
    let mut history = History::default();
    for line in lines {
        history.add(line);
    }
    history
}

#[test]
fn lines_are_shown_backwards_and_the_new_one_stays() {
    let mut history = history(&["one", "two"]);
    assert_eq!(history.newer(), None);
    assert_eq!(history.older("new"), Some("two"));
    assert_eq!(history.older("two"), Some("one"));
    assert_eq!(history.older("one"), None);
    assert_eq!(history.newer(), Some("two"));
    assert_eq!(history.newer(), Some("new"));
    assert_eq!(history.newer(), None);
}

#[test]
fn repeated_and_empty_lines_are_not_kept() {
    let history = history(&["one\n", "one", "", "  ", "two", "one"]);
    let lines: Vec<_> = history.iter().collect();
    assert_eq!(lines, [(1, "one"), (2, "two"), (3, "one")]);
}

#[test]
fn the_oldest_are_dropped_and_numbers_stay() {
    let mut history = History::default();
    for number in 1..=LIMIT + 2 {
        history.add(&number.to_string());
    }
    assert_eq!(history.iter().next(), Some((3, "3")));
    assert_eq!(history.iter().count(), LIMIT);
}

#[test]
fn the_newest_match_is_found_first() {
    let history = history(&["ls /", "echo a", "ls /bin", "echo b"]);
    assert_eq!(history.search("ls", usize::MAX), Some((2, "ls /bin")));
    assert_eq!(history.search("ls", 2), Some((0, "ls /")));
    assert_eq!(history.search("ls", 0), None);
    assert_eq!(history.search("cat", usize::MAX), None);
}

#[test]
fn nothing_is_left_after_clear() {
    let mut history = history(&["one"]);
    history.clear();
    assert_eq!(history.iter().next(), None);
    assert_eq!(history.older("new"), None);
}
