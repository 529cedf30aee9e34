//! What a rule finds.
use std::fmt;

use super::source::Source;

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
