//! What the tests that boot guests share.
//!
//! [`setup`] describes a machine and boots it, [`catalog`] lists tests and
//! runs those that were asked for. The tests themselves are in `guests/`, one
//! file per subject; start with `guests/main.rs`.
pub mod catalog;
pub mod report;
pub mod setup;
