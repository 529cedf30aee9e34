//! Firn: the kernel's binary, which puts its crates together.
//!
//! `kernel-machine` < `kernel-task` < `kernel-files` < `kernel-process` <
//! `kernel-control` < `kernel-ipc` < `kernel-call` < this. The rules behind
//! them, free of hardware, are crate `kernel-core`. Start reading in `boot.rs`.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod boot;
mod hooks;
mod start;

kernel_machine::entry!(boot::kernel_main);
