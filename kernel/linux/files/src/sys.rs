//! `/sys`: attributes of the kernel and its devices, one value per file.
//!
//! Layers above register what they have by its path; directories come on the
//! way. A write runs in the writer's context and may sleep for long: a write
//! to `/sys/power/state` freezes the system and returns after the thaw. The
//! tree itself is in `sys/filesystem.rs`.

use kernel_abi::Errno;

mod cpu;
mod filesystem;

pub use super::attribute::Attribute;
pub use filesystem::{filesystem, make_directory, register};

/// Adds the files of this module.
///
/// # Errors
/// As [`register`].
pub fn init() -> Result<(), Errno> {
    make_directory("/sys/fs/cgroup")?;
    cpu::init()
}
