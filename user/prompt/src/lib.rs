//! What a person does at a prompt, without the terminal: keys, a line that is
//! edited, the history, completion, and a suggestion for a wrong word.
//!
//! Bytes of a keyboard go in, bytes for a screen come out, so that all of it
//! is tested on the host. What reads the keyboard is `user/src/keyboard.rs`,
//! and the shell's side is `user/src/sh/prompt.rs`.
//!
//! Reading order: [`key`] (bytes to keys), [`buffer`] (text and cursor),
//! [`screen`] (text to the screen), [`history`], [`completion`], and
//! [`editor`], which joins them. [`suggestion`] stands alone.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod buffer;
pub mod completion;
pub mod editor;
pub mod history;
pub mod key;
pub mod screen;
pub mod suggestion;
