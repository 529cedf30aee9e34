//! Firn: the machine, and all code of the kernel that is `unsafe`.
//!
//! Layers, each using only those before it: `sync`, `arch`; `mm`, `drivers`,
//! `trace`; `log`; `panic`. What is above, from tasks to system calls, is safe
//! code in other crates.
#![no_std]

extern crate alloc;

pub mod arch;
pub mod drivers;
pub mod log;
pub mod mm;
pub mod panic;
pub mod sync;
pub mod trace;
