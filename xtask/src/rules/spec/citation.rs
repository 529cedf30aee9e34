//! Citations of numbers, in comments and on pages.
use super::clause::{Clause, NAME};

/// The numbers that a comment of a test cites: `// spec: F1 L1-L3`.
pub(super) fn of_a_test(line: &str) -> Vec<Clause> {
    let Some((before, after)) = line.split_once("spec:") else {
        return Vec::new();
    };
    if !before.contains("//") {
        return Vec::new();
    }
    after.split([' ', ',']).flat_map(clauses).collect()
}

/// The numbers after the page's name, `(SPECIFICATION.md M1 to M4, L1)`, with
/// their lines. They may go on in the next line.
pub(super) fn pointers(text: &str) -> Vec<(usize, Clause)> {
    let mut found = Vec::new();
    let mut is_after_name = false;
    // The first of a range whose last is to come.
    let mut first = None;
    let lines = (1..).zip(text.lines());
    let words = lines.flat_map(|(line, text)| {
        text.split_whitespace().map(move |word| (line, word))
    });
    for (line, word) in words.filter(|(_, word)| !is_mark(word)) {
        if word.contains(NAME) {
            (is_after_name, first) = (true, None);
            continue;
        }
        if !is_after_name || word == "and" {
            continue;
        }
        if word == "to" {
            first = found.last().map(|(_, clause)| *clause);
            continue;
        }
        let mut clauses = clauses(word);
        if let (Some(first), [last]) = (first.take(), &clauses[..]) {
            clauses = range(first, *last).into_iter().skip(1).collect();
        }
        // A bracket or a full stop ends the list.
        is_after_name =
            !clauses.is_empty() && !word.ends_with([')', '.', ';', ':']);
        found.extend(clauses.into_iter().map(|clause| (line, clause)));
    }
    found
}

/// What begins a line of a comment, or divides a row of a table.
fn is_mark(word: &str) -> bool {
    word.chars().all(|c| matches!(c, '/' | '!' | '*' | '|'))
}

/// The numbers of a word: one, or a range.
fn clauses(word: &str) -> Vec<Clause> {
    let word = word.trim_end_matches(['.', ',', ';', ':', ')']);
    match word.split_once('-') {
        None => clause(word).into_iter().collect(),
        Some((first, last)) => match (clause(first), clause(last)) {
            (Some(first), Some(last)) => range(first, last),
            _ => Vec::new(),
        },
    }
}

fn range(first: Clause, last: Clause) -> Vec<Clause> {
    match first.0 == last.0 {
        true => (first.1..=last.1).map(|at| (first.0, at)).collect(),
        false => vec![first, last],
    }
}

/// A capital letter and a number.
pub(super) fn clause(word: &str) -> Option<Clause> {
    let letter = word.chars().next().filter(char::is_ascii_uppercase)?;
    let digits = &word[1..];
    let is_number = digits.chars().all(|c| c.is_ascii_digit());
    Some((letter, digits.parse().ok().filter(|_| is_number)?))
}
