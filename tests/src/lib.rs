//! What the tests that boot guests share.
//!
//! [`setup`] describes a machine and boots it, [`catalog`] lists tests and
//! runs those that were asked for, [`results`] reads what tests inside a guest
//! say of themselves, [`tree`] adds to device trees. The tests themselves are
//! in `guests/`, one file per subject; start with `guests/main.rs`.
pub mod catalog;
pub mod linux;
pub mod report;
pub mod results;
pub mod setup;
pub mod tree;
