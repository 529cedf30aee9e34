//! Calls that Firn does not have.
//!
//! They fail with `ENOSYS`, are counted, and are logged once per number, so
//! that a program's log shows what it misses without flooding it.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use kernel_abi::{Errno, syscall};

use kernel_task as task;

const WORDS: usize = 8;

/// Numbers that were logged, one bit each; the last bit stands for all
/// numbers too large to have one.
static LOGGED: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
static REFUSED: AtomicUsize = AtomicUsize::new(0);

/// Refuses a call.
#[cold]
pub fn refuse(number: usize) -> super::call::Result {
    REFUSED.fetch_add(1, Relaxed);
    let place = number.min(WORDS * 64 - 1);
    let bit = 1 << (place % 64);
    if LOGGED[place / 64].fetch_or(bit, Relaxed) & bit == 0 {
        let task = task::current();
        let name = syscall::name(number).unwrap_or("unnamed");
        log::info!(
            "system call {number} ({name}) is not known, asked by {} ({})",
            task.id(),
            task.name()
        );
    }
    Err(Errno::ENOSYS)
}
