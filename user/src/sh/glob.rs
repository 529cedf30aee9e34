//! Path names that match a pattern.

use alloc::string::String;
use alloc::vec::Vec;

use user_lib::{directory, file};

use crate::sh::pattern::{is_special, matches};

/// All paths that match, sorted; empty if none does.
pub fn expand(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    descend(start, rest, &mut found);
    found.sort();
    found
}

/// Adds what matches `pattern` below `prefix`, which is empty or ends with a
/// slash.
fn descend(prefix: &str, pattern: &str, found: &mut Vec<String>) {
    let (part, rest) = match pattern.split_once('/') {
        Some((part, rest)) => (part, Some(rest.trim_start_matches('/'))),
        None => (pattern, None),
    };
    for name in candidates(prefix, part) {
        let path = alloc::format!("{prefix}{name}");
        match rest {
            None if file::link_status(&path).is_ok() => found.push(path),
            None => {}
            Some("") if file::is_directory(&path) => found.push(path + "/"),
            Some(rest) if file::is_directory(&path) => {
                descend(&(path + "/"), rest, found);
            }
            Some(_) => {}
        }
    }
}

/// Names that one part of a pattern may stand for.
fn candidates(prefix: &str, part: &str) -> Vec<String> {
    if !is_special(part) {
        return Vec::from([without_backslashes(part)]);
    }
    let directory = if prefix.is_empty() { "." } else { prefix };
    // A directory that cannot be read has no matches.
    let entries = directory::entries(directory).unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| part.starts_with('.') || !name.starts_with('.'))
        .filter(|name| matches(part, name))
        .collect()
}

fn without_backslashes(pattern: &str) -> String {
    let mut plain = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' {
            letters.next()
        } else {
            Some(letter)
        });
    }
    plain
}
