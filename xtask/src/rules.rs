//! Rules of this code base that no compiler knows.
//!
//! Each rule is one file with a function from sources to [`Finding`]s, and
//! has a test with an example that breaks it. [`source`] reads the files and
//! takes comments and strings out of them.
pub mod boards;
pub mod circles;
pub mod conditions;
mod finding;
pub mod sizes;
pub mod source;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod unsafety;

use source::Source;

pub use finding::Finding;

/// What breaks a rule in `sources`; `boards` are the names of all boards.
pub fn broken(sources: &[Source], boards: &[String]) -> Vec<Finding> {
    let mut findings = circles::check(sources);
    findings.extend(boards::check(sources, boards));
    findings.extend(unsafety::check(sources));
    findings.extend(conditions::check(sources));
    findings.extend(spec::check(sources));
    findings
}
