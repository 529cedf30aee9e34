//! How much a pipe may hold.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;

use super::ring::CAPACITY;
use crate::permission;

/// Bytes of the smallest pipe.
const LEAST: usize = 4096;
/// No pipe is larger, whoever asks.
const LARGEST: usize = 1 << 31;

/// Most bytes of a pipe of who may not do everything
/// (`/proc/sys/fs/pipe-max-size`).
static MOST: AtomicUsize = AtomicUsize::new(1 << 20);

/// Most bytes of a pipe of who may not do everything.
pub fn most() -> usize {
    MOST.load(Relaxed)
}

fn rounded(bytes: usize) -> Result<usize, Errno> {
    match bytes <= LARGEST {
        true => Ok(bytes.max(LEAST).next_power_of_two()),
        false => Err(Errno::EINVAL),
    }
}

/// Sets [`most`], rounded up to what a pipe can have.
///
/// # Errors
/// `EINVAL` for nothing, and for too much.
pub fn set_most(bytes: usize) -> Result<(), Errno> {
    if bytes == 0 {
        return Err(Errno::EINVAL);
    }
    MOST.store(rounded(bytes)?, Relaxed);
    Ok(())
}

/// What a pipe gets for which the running process asks for `bytes`.
///
/// # Errors
/// `EINVAL` for what no pipe can have; `EPERM` for what this process may not
/// have.
pub fn allowed_capacity(bytes: usize) -> Result<usize, Errno> {
    let bytes = rounded(bytes)?;
    match bytes > most() && permission::current().is_some() {
        true => Err(Errno::EPERM),
        false => Ok(bytes),
    }
}

/// What a new pipe of the running process gets.
pub(super) fn usual() -> usize {
    match permission::current() {
        Some(_) => CAPACITY.min(most()),
        None => CAPACITY,
    }
}
