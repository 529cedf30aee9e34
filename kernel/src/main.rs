//! Firn: the machine half of the kernel.
//!
//! Layers, each using only those before it: `sync`, `arch`, `mm`; `task`
//! (scheduling, waiting, kernel threads); `freezer`; `files`; `process`;
//! `syscall`; `cgroup`; `power`; `start`. The rules behind them, free of hardware, are
//! crate `kernel-core`. Start reading in `start.rs`.
#![no_std]
#![no_main]

extern crate alloc;

mod arch;
mod cgroup;
mod drivers;
mod files;
mod freezer;
mod hub;
mod log;
mod mm;
mod panic;
mod power;
mod process;
mod start;
mod sync;
mod syscall;
mod task;
mod trace;

use start::kernel_main;
