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

/// Bytes by which all pipes may be larger than usual whose owners may not do
/// everything: what Linux gives to each user.
const LARGER_BY: usize = 64 << 20;

/// By how many bytes they are.
static LARGER: AtomicUsize = AtomicUsize::new(0);

/// By how many bytes a pipe is larger than usual that counts.
#[derive(Default)]
pub(super) struct Larger(AtomicUsize);

impl Larger {
    /// The running process makes the pipe hold `bytes`. The caller holds the
    /// pipe's lock.
    ///
    /// # Errors
    /// `EPERM` if that would be too much in all; nothing changes then.
    pub(super) fn change(&self, bytes: usize) -> Result<(), Errno> {
        let old = self.0.load(Relaxed);
        let may_all = permission::current().is_none();
        let wanted = bytes.saturating_sub(CAPACITY);
        let new = if may_all { wanted.min(old) } else { wanted };
        let more = |all: usize| {
            let all = all - old + new;
            (new <= old || all <= LARGER_BY).then_some(all)
        };
        let changed = LARGER.fetch_update(Relaxed, Relaxed, more);
        changed.map_err(|_| Errno::EPERM)?;
        self.0.store(new, Relaxed);
        Ok(())
    }
}

impl Drop for Larger {
    fn drop(&mut self) {
        LARGER.fetch_sub(*self.0.get_mut(), Relaxed);
    }
}

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
