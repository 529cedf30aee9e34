//! What the kernel and user programs share: Linux's numbers and layouts.
//!
//! Numbers come from `linux-raw-sys`; only what it lacks stands here.
#![no_std]
#![forbid(unsafe_code)]

pub mod errno;

pub use errno::Errno;
