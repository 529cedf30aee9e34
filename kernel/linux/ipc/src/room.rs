//! Whether there is room in memory for one more object, buffers for what
//! programs hand over, and the time that objects note.

use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_files::{clock, ramfs};
use kernel_machine::mm::{PAGE_SIZE, heap};
use kernel_task::sleep::give_way_and_go_on;
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

/// Bytes that are cleared before a freeze may come in between.
const PIECE: usize = 256 * 1024;

/// A buffer of so many zeros for what a program hands over: less than 2 GiB, as
/// on Linux. The task may freeze meanwhile.
///
/// # Errors
/// `ENOMEM`.
///
/// # Locks
/// None may be held.
pub fn zeros<T: FromZeros + Clone>(count: usize) -> Result<Vec<T>, Errno> {
    const MOST: usize = i32::MAX as usize;
    let size = count.checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM)?;
    if size > MOST {
        return Err(Errno::ENOMEM);
    }
    check_size(size)?;
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    let piece = PIECE / size_of::<T>();
    while buffer.len() < count {
        let next = count.min(buffer.len() + piece);
        buffer.resize(next, T::new_zeroed());
        if next < count {
            give_way_and_go_on();
        }
    }
    Ok(buffer)
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    (clock::now_ns() / kernel_abi::time::NS_PER_S) as i64
}
