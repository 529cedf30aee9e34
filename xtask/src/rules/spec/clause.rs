//! The numbers of the specification.

/// The name by which comments point to its page.
pub(super) const NAME: &str = "SPECIFICATION.md";

/// A number: the letter of its section, and its place there.
pub(super) type Clause = (char, u32);
