//! What a terminal does between a keyboard and a program that reads.
//!
//! In canonical mode a person edits a line, and the program gets it when it
//! is complete; in raw mode the program gets each byte. Some keys send signals.
//! Linux: `n_tty`. Nothing in here knows the kernel, since a server outside
//! of it is going to use this module, too.
//!
//! ```text
//! key ─> input.rs ─┬─> cells ─> read.rs ─> program
//!                  └─> echo ──┐
//!       program's output ─────┴> output.rs ─> screen
//! ```
//!
//! Read next: `state.rs`, `input.rs`, `edit.rs`, `read.rs`, `screen.rs`,
//! `output.rs`.

mod edit;
mod input;
mod output;
mod read;
mod screen;
mod state;

#[cfg(test)]
mod tests;

pub use input::Received;
pub use state::{CAPACITY, LineDiscipline};
