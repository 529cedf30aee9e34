//! The freezer's specification, and the tests that keep it.
//!
//! The page ([`PAGE`]) has an entry for each number. A test cites the numbers
//! that it keeps in a comment, `spec: F1 F4` or `spec: L1-L3`; other comments
//! and pages point to one as `SPECIFICATION.md U5`.
//!
//! Read next: `spec/page.rs`, what is read of the page.
mod citation;
mod clause;
mod page;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::Source;
use clause::{Clause, NAME};
use page::{Entry, Page};

/// Where the specification is.
const PAGE: &str = "kernel/core/src/freezer/SPECIFICATION.md";

/// Another name, which leads a reader nowhere.
const OLD_NAME: &str = "freezer-spec";

/// Parts of a path that tests live in.
const TESTS: [&str; 4] = ["test", "model", "check", "stress"];

/// Entries that are not whole, citations of numbers that are none, numbers
/// that no test cites, and tests that the page names and nobody has written.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(source) = sources.iter().find(|it| it.path == PAGE) else {
        let text = "there is no specification".to_owned();
        return vec![Finding { path: PAGE.into(), line: 0, text }];
    };
    let page = Page::read(&source.text);
    let others: Vec<&Source> =
        sources.iter().filter(|source| may_cite(source)).collect();
    let mut findings = faults(source, &page);
    for other in &others {
        findings.extend(wrong_citations(other, &page));
    }
    let tests: Vec<Test> =
        others.iter().filter(|it| has_tests(it)).map(|it| test(it)).collect();
    for entry in page.entries.iter().filter(|entry| entry.is_kept()) {
        findings.extend(wrong_tests(source, entry, &tests));
    }
    findings
}

/// The rules' own tests have examples of what is wrong.
fn may_cite(source: &Source) -> bool {
    !source.path.starts_with("xtask/") && source.path != PAGE
}

fn has_tests(source: &Source) -> bool {
    source.is_rust() && TESTS.iter().any(|part| source.path.contains(part))
}

/// What a file with tests cites, and the functions in it.
struct Test {
    cited: BTreeSet<Clause>,
    functions: BTreeSet<String>,
}

fn test(source: &Source) -> Test {
    let lines = source.text.lines();
    let cited = lines.flat_map(citation::of_a_test).collect();
    let functions = source.code.lines().filter_map(function).collect();
    Test { cited, functions }
}

/// The function that begins in a line of code, or the model that `model!`
/// makes a test of: `a_promise: body`.
fn function(line: &str) -> Option<String> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    if let Some((_, after)) = line.split_once("fn ") {
        let end = after.find(['(', '<'])?;
        return Some(after[..end].to_owned()).filter(|name| is_name(name));
    }
    let (name, body) = line.trim().split_once(": ")?;
    (is_name(name) && is_name(body)).then(|| name.to_owned())
}

/// Numbers that stand twice, and entries that say nothing of tests.
fn faults(source: &Source, page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lines = BTreeMap::new();
    for entry in &page.entries {
        let name = name(entry.clause);
        if let Some(first) = lines.insert(entry.clause, entry.line) {
            let text = format!("{name} stands in line {first} already");
            findings.push(Finding::new(source, entry.line, text));
        }
        if !entry.is_kept() && !entry.is_open {
            let text = format!("{name} names no test, and does not say why");
            findings.push(Finding::new(source, entry.line, text));
        }
    }
    findings
}

fn wrong_citations(source: &Source, page: &Page) -> Vec<Finding> {
    let mut findings = Vec::new();
    let in_tests = (1..).zip(source.text.lines()).flat_map(|(line, text)| {
        citation::of_a_test(text).into_iter().map(move |it| (line, it))
    });
    for (line, clause) in in_tests.chain(citation::pointers(&source.text)) {
        if !page.has(clause) {
            let text = format!("{} is no number of {NAME}", name(clause));
            findings.push(Finding::new(source, line, text));
        }
    }
    for (line, text) in (1..).zip(source.text.lines()) {
        if text.contains(OLD_NAME) {
            let text = format!("say {NAME}, not {OLD_NAME}");
            findings.push(Finding::new(source, line, text));
        }
    }
    findings
}

/// What is wrong with the tests of one number.
fn wrong_tests(page: &Source, entry: &Entry, tests: &[Test]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let number = name(entry.clause);
    if !tests.iter().any(|test| test.cited.contains(&entry.clause)) {
        let text = format!("no test cites {number}");
        findings.push(Finding::new(page, entry.line, text));
    }
    for (line, name) in &entry.kept_by {
        let mut homes = tests.iter().filter(|it| it.functions.contains(name));
        let text = match homes.clone().next() {
            None => format!("{number}: there is no test {name}"),
            Some(_) if homes.any(|it| it.cited.contains(&entry.clause)) => {
                continue;
            }
            Some(_) => format!("the file of {name} does not cite {number}"),
        };
        findings.push(Finding::new(page, *line, text));
    }
    findings
}

fn name((letter, number): Clause) -> String {
    format!("{letter}{number}")
}
