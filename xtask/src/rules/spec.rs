//! Every number of the freezer's specification is cited by a test.
//!
//! A test cites in a comment: `spec: F1 F4`, or `spec: L1-L3`.
use std::collections::BTreeSet;

use super::Finding;
use super::source::Source;

/// Letter of each section, and up to which number a test must cite it.
const SECTIONS: [(char, u32); 17] = [
    ('F', 8),
    ('C', 6),
    ('D', 9),
    ('T', 6),
    ('U', 7),
    ('K', 7),
    ('R', 5),
    ('S', 4),
    ('L', 7),
    ('W', 4),
    ('H', 3),
    ('O', 7),
    ('G', 8),
    ('P', 8),
    ('X', 10),
    ('M', 4),
    ('V', 12),
];

/// Parts of a path that tests live in.
const TESTS: [&str; 4] = ["test", "model", "check", "stress"];

/// Numbers of sections that are only partly kept so far: letter, and the
/// last number there is.
const LATER: [(char, u32); 1] = [('M', 9)];

/// Numbers about what this kernel does not have, which need no test: core
/// dumps, and a suspend that stops the clock.
const ABSENT: [Clause; 2] = [('P', 7), ('X', 9)];

type Clause = (char, u32);

/// Numbers that no test cites, and citations of numbers that are none.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut cited = BTreeSet::new();
    for source in sources.iter().filter(|source| has_tests(source)) {
        for (line, text) in (1..).zip(source.text.lines()) {
            for clause in citations(text) {
                if !exists(clause) {
                    let text = format!("{} is no number", name(clause));
                    findings.push(Finding::new(source, line, text));
                }
                cited.insert(clause);
            }
        }
    }
    findings.extend(missing(&cited));
    findings
}

fn has_tests(source: &Source) -> bool {
    let is_own = source.path.starts_with("xtask/");
    source.is_rust()
        && !is_own
        && TESTS.iter().any(|part| source.path.contains(part))
}

fn missing(cited: &BTreeSet<Clause>) -> Option<Finding> {
    let names: Vec<String> = SECTIONS
        .iter()
        .flat_map(|(letter, last)| (1..=*last).map(|at| (*letter, at)))
        .filter(|clause| !cited.contains(clause) && !ABSENT.contains(clause))
        .map(name)
        .collect();
    (!names.is_empty()).then(|| Finding {
        path: "spec".into(),
        line: 0,
        text: format!("no test cites {}", names.join(" ")),
    })
}

/// The numbers in one line. Letters of later sections are left alone.
pub(super) fn citations(line: &str) -> Vec<Clause> {
    let Some((before, after)) = line.split_once("spec:") else {
        return Vec::new();
    };
    if !before.contains("//") {
        return Vec::new();
    }
    after
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.trim_end_matches(['.', ';', ')']))
        .flat_map(|word| match word.split_once('-') {
            Some((first, last)) => range(first, last),
            None => clause(word).into_iter().collect(),
        })
        .collect()
}

fn range(first: &str, last: &str) -> Vec<Clause> {
    match (clause(first), clause(last)) {
        (Some((letter, first)), Some((other, last))) if letter == other => {
            (first..=last).map(|number| (letter, number)).collect()
        }
        _ => Vec::new(),
    }
}

fn clause(word: &str) -> Option<Clause> {
    let letter = word.chars().next()?;
    let number = word.get(1..)?.parse().ok()?;
    let is_known = SECTIONS.iter().any(|section| section.0 == letter);
    is_known.then_some((letter, number))
}

fn exists((letter, number): Clause) -> bool {
    SECTIONS.iter().chain(&LATER).any(|(section, last)| {
        *section == letter && (1..=*last).contains(&number)
    })
}

fn name((letter, number): Clause) -> String {
    format!("{letter}{number}")
}
