//! Firn: the machine half of the kernel.
//!
//! Layers, each using only those before it: `sync`, `arch`; `mm`, `drivers`;
//! `log`; `panic`; `task` (scheduling, waiting, kernel threads); `freezer`;
//! `files`; `process`; `syscall`; `cgroup`; `power`; `boot`, `start`. The rules
//! behind them, free of hardware, are crate `kernel-core`. Start reading in
//! `boot.rs`.
#![no_std]
#![no_main]

extern crate alloc;

mod arch;
mod boot;
mod cgroup;
mod drivers;
mod files;
mod freezer;
mod heartbeat;
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

use boot::kernel_main;
