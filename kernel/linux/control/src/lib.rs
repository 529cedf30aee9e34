//! Firn: the files through which the system is seen and controlled.
//!
//! Each module is a subject of its own, above processes: groups of them,
//! power, the terminal, `/proc`. None uses another, but that `/proc` shows
//! groups.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod cgroup;
pub mod heartbeat;
pub mod hub;
pub mod power;
pub mod proc;
pub mod terminal;
