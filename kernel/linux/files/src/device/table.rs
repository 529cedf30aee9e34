//! What opening a device file means: a function for each device's number.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use kernel_abi::Errno;

use crate::file::File;
use crate::flags::OpenFlags;
use crate::inode::DeviceNumber;
use kernel_machine::sync::{Rank, SpinLock};

/// Opens a device.
pub type Open = fn(OpenFlags) -> Result<Arc<dyn File>, Errno>;

static DEVICES: SpinLock<BTreeMap<DeviceNumber, Open>> =
    SpinLock::with_rank(Rank::Process, BTreeMap::new());

/// Adds a device.
pub(super) fn insert(number: DeviceNumber, open: Open) {
    DEVICES.lock().insert(number, open);
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
