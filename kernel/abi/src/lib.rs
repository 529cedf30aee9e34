//! What the kernel and user programs share: Linux's numbers and layouts.
//!
//! Numbers come from `linux-raw-sys` where they are the same on every machine;
//! what differs is written down for aarch64, since the host tests it, too.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod capability;
pub mod errno;
pub mod ipc;
pub mod ptrace;
pub mod signal;
pub mod signal_frame;
pub mod stat;
mod structure;
pub mod syscall;
pub mod system;
pub mod terminal;
pub mod time;

#[cfg(test)]
mod tests;

pub use errno::Errno;
