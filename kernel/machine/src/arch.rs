//! The machine: everything that knows it runs on an Arm CPU.
//!
//! This file picks one architecture and names what the rest of the kernel
//! may use of it; another architecture would define the same names.
#![doc = include_str!("arch/README.md")]

mod aarch64;

pub use aarch64::{
    backtrace, boot, cpu, gic, image, irq, mmu, psci, selftest, smp, step,
    thread, timer, trap,
};
pub(crate) use aarch64::{fault, fixup};
