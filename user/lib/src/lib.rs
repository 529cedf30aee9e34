//! What user programs share below their own code: start-up, system calls, a
//! heap, buffered output, options and children.
//!
//! Only Linux's aarch64 system-call ABI is used, so a program built on this
//! library runs under Linux as it does under Firn. All `unsafe` of the user
//! programs is here; what the programs see is safe. Read next: [`start`] for
//! the way into `main`, [`syscall`] for the way out to the kernel.
#![no_std]

extern crate alloc;

pub mod child;
pub mod cpu;
pub mod directory;
pub mod error;
pub mod file;
pub mod floating;
mod heap;
pub mod memory;
pub mod option;
pub mod output;
mod panic;
pub mod process;
pub mod ptrace;
pub mod schedule;
pub mod signal;
pub mod start;
pub mod syscall;
pub mod system;
pub mod terminal;
pub mod time;

pub use error::{Message, Result};
pub use kernel_abi::Errno;
/// The keys of the auxiliary vector.
pub use linux_raw_sys::auxvec;
/// Linux's constants and structures.
pub use linux_raw_sys::general as linux;
pub use start::{arguments, auxiliary, environment, variable};
