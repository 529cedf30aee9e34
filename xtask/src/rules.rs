//! Rules of this code base that no compiler knows.
//!
//! Each rule is one file with a function from sources to [`Finding`]s, and
//! has a test with an example that breaks it. [`source`] reads the files and
//! takes comments and strings out of them.
pub mod boards;
pub mod circles;
pub mod conditions;
pub mod sizes;
pub mod source;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod unsafety;

use std::fmt;

use source::Source;

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root of the source tree.
    pub path: String,
    /// Counts from 1; 0 when it is the whole file.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub text: String,
}

impl Finding {
    /// A finding in `line` of `source`.
    pub fn new(source: &Source, line: usize, text: impl Into<String>) -> Self {
        Finding { path: source.path.clone(), line, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.text),
            line => write!(out, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// What breaks a rule in `sources`; `boards` are the names of all boards.
pub fn broken(sources: &[Source], boards: &[String]) -> Vec<Finding> {
    let mut findings = circles::check(sources);
    findings.extend(boards::check(sources, boards));
    findings.extend(unsafety::check(sources));
    findings.extend(conditions::check(sources));
    findings.extend(spec::check(sources));
    findings
}
