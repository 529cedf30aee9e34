//! Firn in QEMU.
//!
//! [`machine`] is the command line, [`screen`] reads what the guest prints,
//! [`pacer`] decides when the guest gets its next line of input, [`session`]
//! puts them together around a process for a person, [`guest`] for a program.
//! [`terminal`] is what the guest is told of a person's terminal.
pub mod guest;
pub mod machine;
pub mod pacer;
pub mod screen;
pub mod session;
pub mod terminal;
#[cfg(test)]
mod tests;
