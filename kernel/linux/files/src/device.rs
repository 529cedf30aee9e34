//! Devices that live in the kernel, and `/dev`.
//!
//! A device file holds only a number; what opening it means is found here.
//! Every device also gets a name in `devtmpfs`, of which there is one,
//! however often it is mounted. The devices: `memory.rs` (null, zero, full),
//! `random.rs`, `kmsg.rs`; the terminal is in `files/tty.rs`.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use kernel_abi::Errno;

use super::file::File;
use super::flags::OpenFlags;
use super::inode::{DeviceNumber, FileSystem, Kind, NewInode};
use super::ramfs::RamFs;
use kernel_machine::sync::{Rank, SpinLock};

mod kmsg;
mod memory;
pub mod random;

/// Opens a device.
pub type Open = fn(OpenFlags) -> Result<Arc<dyn File>, Errno>;

static DEVICES: SpinLock<BTreeMap<DeviceNumber, Open>> =
    SpinLock::with_rank(Rank::Process, BTreeMap::new());

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
    DEVICES.lock().insert(number, open);
    let kind = Kind::Character(number);
    let new = NewInode { kind, permissions, target: b"" };
    devtmpfs().root().create(name.as_bytes(), &new).map(drop)
}

/// Opens the character device `number`.
///
/// # Errors
/// `ENXIO` if there is none, and what the device says.
pub fn open(
    number: DeviceNumber,
    flags: OpenFlags,
) -> Result<Arc<dyn File>, Errno> {
    let open = DEVICES.lock().get(&number).copied();
    open.ok_or(Errno::ENXIO)?(flags)
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
