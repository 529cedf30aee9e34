//! How long the running process may make a file (`RLIMIT_FSIZE`).

use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_machine::sync::Hook;

/// What the process layer knows of it.
pub struct Source {
    /// Bytes of a file at the most; `None` for any length.
    pub most: fn() -> Option<u64>,
    /// Tells the running process that a file would become too long.
    pub exceeded: fn(),
}

/// Tells what the running process may do.
pub static SOURCE: Hook<Source> = Hook::new();
/// Some process has, or had, a limit.
static IS_ENFORCED: AtomicBool = AtomicBool::new(false);

/// From now on there are processes with a limit.
pub fn enforce() {
    IS_ENFORCED.store(true, Relaxed);
}

/// How many bytes the running process may write from `position` on; at least
/// one.
///
/// # Errors
/// `EFBIG`, with a signal, if it is none.
#[inline]
pub fn room_from(position: u64) -> Result<u64, Errno> {
    match most() {
        None => Ok(u64::MAX),
        Some(most) if position < most => Ok(most - position),
        Some(_) => refuse(),
    }
}

/// Fails if the running process may not make a file so long.
///
/// # Errors
/// `EFBIG`, with a signal.
#[inline]
pub fn check(size: u64) -> Result<(), Errno> {
    match most() {
        Some(most) if size > most => refuse(),
        _ => Ok(()),
    }
}

#[inline]
fn most() -> Option<u64> {
    if !IS_ENFORCED.load(Relaxed) {
        return None;
    }
    (SOURCE.get()?.most)()
}

fn refuse<T>() -> Result<T, Errno> {
    if let Some(source) = SOURCE.get() {
        (source.exceeded)();
    }
    Err(Errno::EFBIG)
}
