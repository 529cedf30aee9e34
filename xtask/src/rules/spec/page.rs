//! What the page of the specification says of each number.
//!
//! ```text
//! - **F1** The rule, in as many lines as it needs.
//!   - Linux: what it does.
//!   - Kept by: `a_test`, `another_test`.
//!   - Not kept yet: what, and why.
//! ```
use super::citation;
use super::clause::Clause;

/// What begins an entry.
const ENTRY: &str = "- **";
/// What begins a part of an entry.
const PART: &str = "  - ";
/// The part with the tests.
const KEPT: &str = "Kept by:";
/// Parts that say why a number has no test, or not for all of it.
const OPEN: [&str; 2] = ["Not kept yet:", "Untested:"];

/// The entries, in their order.
pub(super) struct Page {
    pub entries: Vec<Entry>,
}

/// One number.
pub(super) struct Entry {
    pub clause: Clause,
    /// Counts from 1.
    pub line: usize,
    /// The tests that keep it, with the lines that name them.
    pub kept_by: Vec<(usize, String)>,
    /// Something of it is not kept yet, or not tested.
    pub is_open: bool,
}

impl Entry {
    /// Whether tests keep it, at least in part.
    pub fn is_kept(&self) -> bool {
        !self.kept_by.is_empty()
    }
}

impl Page {
    pub fn read(text: &str) -> Page {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut is_inside, mut is_kept) = (false, false);
        for (line, text) in (1..).zip(text.lines()) {
            if let Some(clause) = entry(text) {
                let kept_by = Vec::new();
                entries.push(Entry { clause, line, kept_by, is_open: false });
                (is_inside, is_kept) = (true, false);
            } else if !text.starts_with("  ") {
                is_inside = false;
            }
            let Some(entry) = entries.last_mut().filter(|_| is_inside) else {
                continue;
            };
            if let Some(part) = text.strip_prefix(PART) {
                is_kept = part.starts_with(KEPT);
                entry.is_open |= OPEN.iter().any(|it| part.starts_with(it));
            }
            if is_kept {
                // Every second piece stands between two marks.
                let names = text.split('`').skip(1).step_by(2);
                entry.kept_by.extend(names.map(|it| (line, it.to_owned())));
            }
        }
        Page { entries }
    }

    pub fn has(&self, clause: Clause) -> bool {
        self.entries.iter().any(|entry| entry.clause == clause)
    }
}

/// The number that an entry begins with.
fn entry(line: &str) -> Option<Clause> {
    let (number, _) = line.strip_prefix(ENTRY)?.split_once("**")?;
    citation::clause(number)
}
