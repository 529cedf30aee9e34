//! From a file's first bytes to a program that can start.
//!
//! `execve` reads the start of a file. [`script`] tells whether another
//! program interprets it; [`elf`] checks an ELF file and says what to map
//! where; [`stack`] lays out arguments, environment and auxiliary vector.
//! Everything here comes from outside: no input may do harm, and whatever is
//! wrong with a program is `ENOEXEC`.

pub mod elf;
pub mod script;
pub mod stack;

pub use elf::{Plan, Segment};
pub use script::Script;
pub use stack::{StackImage, StackRequest};
