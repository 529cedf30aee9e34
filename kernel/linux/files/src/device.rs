//! Devices that live in the kernel, and `/dev`.
//!
//! A device file holds only a number; what opening it means is found in
//! `table.rs`. Every device also gets a name in `devtmpfs`, of which there is one,
//! however often it is mounted. The devices: `memory.rs` (null, zero, full),
//! `random.rs`, `kmsg.rs`; the terminal is in `kernel/linux/control`.

use alloc::sync::Arc;

use kernel_abi::Errno;

use super::inode::{DeviceNumber, FileSystem, FileType, NewInode};
use super::ramfs::RamFs;

mod kmsg;
mod memory;
pub mod random;
mod table;

pub use table::{Open, open};

/// The file system of device files.
pub fn devtmpfs() -> Arc<RamFs> {
    static DEVTMPFS: spin::Once<Arc<RamFs>> = spin::Once::new();
    DEVTMPFS.call_once(|| RamFs::new("devtmpfs")).clone()
}

/// Adds a device and its name in `/dev`.
///
/// # Errors
/// `EEXIST` if the name is taken, `ENOSPC` without memory.
pub fn register(
    name: &str,
    number: DeviceNumber,
    permissions: u32,
    open: Open,
) -> Result<(), Errno> {
    table::insert(number, open);
    let kind = FileType::Character(number);
    let new = NewInode::of_root(kind, permissions);
    devtmpfs().root().create(name.as_bytes(), &new).map(drop)
}

/// Adds a directory to `/dev`, for a file system of devices.
///
/// # Errors
/// `EEXIST`, `ENOSPC`.
pub fn make_directory(name: &str, permissions: u32) -> Result<(), Errno> {
    let new = NewInode::of_root(FileType::Directory, permissions);
    devtmpfs().root().create(name.as_bytes(), &new).map(drop)
}

/// Adds the devices of this module.
///
/// # Errors
/// `ENOSPC` without memory.
pub fn init() -> Result<(), Errno> {
    let memory = |minor| DeviceNumber::new(1, minor);
    register("null", memory(3), 0o666, |_| Ok(Arc::new(memory::Null)))?;
    register("zero", memory(5), 0o666, |_| Ok(Arc::new(memory::Zero)))?;
    register("full", memory(7), 0o666, |_| Ok(Arc::new(memory::Full)))?;
    register("random", memory(8), 0o666, |_| Ok(Arc::new(random::Random)))?;
    register("urandom", memory(9), 0o666, |_| Ok(Arc::new(random::Random)))?;
    register("kmsg", memory(11), 0o644, |_| Ok(kmsg::open()))
}
