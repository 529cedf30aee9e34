//! The rules of the kernel, apart from any hardware.
//!
//! Functions take `&mut self` or plain values and return decisions; the
//! machine half (crate `kernel`) carries them out under its locks.
#![cfg_attr(not(any(test, loom)), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod board;
pub mod capability;
pub mod cgroup;
pub mod command_line;
pub mod cpio;
pub mod cpu_feature;
pub mod cpu_model;
pub mod device;
pub mod device_tree;
pub mod executable;
pub mod freezer;
pub mod futex;
pub mod gzip;
pub mod inotify;
pub mod ipc;
pub mod kthread;
pub mod line_discipline;
pub mod log_ring;
pub mod memory;
pub mod number;
pub mod path;
pub mod power;
pub mod procfmt;
pub mod random;
pub mod schedule;
pub mod signal;
pub mod symbol_table;
pub mod sync;
pub mod task_state;
pub mod timer;
pub mod timex;
pub mod tmpfs;
pub mod usermode_helper;
pub mod wake;
pub mod wall_clock;
pub mod workqueue;

#[cfg(test)]
mod test_random;
