//! Whether there is room in memory for one more object, and the time that
//! objects note.

use kernel_abi::Errno;
use kernel_files::{clock, ramfs};
use kernel_machine::mm::heap;

/// Fails if the kernel should not keep so many bytes more.
pub(crate) fn check_room(bytes: usize) -> Result<(), Errno> {
    ramfs::check_room().map_err(|_| Errno::ENOMEM)?;
    let has_room = bytes < 4096 || heap::has_room(bytes);
    has_room.then_some(()).ok_or(Errno::ENOMEM)
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    (clock::now_ns() / kernel_abi::time::NS_PER_S) as i64
}
