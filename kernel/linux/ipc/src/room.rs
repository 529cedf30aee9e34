//! Whether there is room in memory for one more object, buffers for what
//! programs hand over, and the time that objects note.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_files::{clock, ramfs};
use kernel_machine::mm::{PAGE_SIZE, heap};
use zerocopy::FromZeros;

/// Fails if the kernel should not keep so many bytes more.
pub(crate) fn check_room(bytes: usize) -> Result<(), Errno> {
    ramfs::check_room().map_err(|_| Errno::ENOMEM)?;
    check_size(bytes)
}

/// Fails if so many bytes would make memory scarce.
fn check_size(bytes: usize) -> Result<(), Errno> {
    let has_room = bytes < PAGE_SIZE || heap::has_room(bytes);
    has_room.then_some(()).ok_or(Errno::ENOMEM)
}

/// A buffer of so many zeros for what a program hands over.
///
/// # Errors
/// `ENOMEM`.
pub fn zeros<T: FromZeros + Clone>(count: usize) -> Result<Vec<T>, Errno> {
    let size = count.checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM)?;
    check_size(size)?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    buffer.resize(count, T::new_zeroed());
    Ok(buffer)
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    (clock::now_ns() / kernel_abi::time::NS_PER_S) as i64
}
