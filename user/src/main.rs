//! All user programs in one file: which one runs is told by the name it is
//! called by, or by its first argument.
//!
//! Read next: [`applet`] for the list, then any program, each a file.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod applet;
mod bench;
mod demo;
mod file;
mod init;
mod keyboard;
mod program;
mod sh;
mod system;
mod text;

user_lib::main!(applet::run);
