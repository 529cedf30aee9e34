//! What may be asked of a kernel thread: to stop, and to park.
//!
//! Four bits, read by the thread in its main loop and written by whoever asks
//! (Linux kernel/kthread.c). The functions answer what the caller must do
//! next; waking and waiting are the scheduler's.
//!
//! A parked thread waits in a skip wait, so it counts as frozen. (Linux's
//! counts as refusing, if it is freezable.)
//!
//! Read next: `freezer/gate.rs`, for the freeze points of such a loop.

#[cfg(all(test, not(loom)))]
mod tests;

use kernel_abi::Errno;

use crate::sync::{AtomicU32, Ordering, const_new};

const SHOULD_STOP: u32 = 1;
const SHOULD_PARK: u32 = 2;
const PARKED: u32 = 4;
const EXITED: u32 = 8;

/// The requests to one kernel thread.
pub struct KthreadControl {
    bits: AtomicU32,
}

impl KthreadControl {
    const_new! {
        /// Nothing asked.
        pub fn new() -> Self {
            Self { bits: AtomicU32::new(0) }
        }
    }

    fn has(&self, bit: u32) -> bool {
        self.bits.load(Ordering::Acquire) & bit != 0
    }

    /// Whether the thread should leave its main loop.
    pub fn should_stop(&self) -> bool {
        self.has(SHOULD_STOP)
    }

    /// Whether the thread should call its park point.
    pub fn should_park(&self) -> bool {
        self.has(SHOULD_PARK)
    }

    /// Whether the thread waits at its park point.
    pub fn is_parked(&self) -> bool {
        self.has(PARKED)
    }

    /// Whether the thread has ended.
    pub fn has_exited(&self) -> bool {
        self.has(EXITED)
    }

    /// Asks the thread to stop, and to leave its park point for that. The
    /// caller wakes it and waits until it has exited.
    pub fn request_stop(&self) {
        self.bits.fetch_or(SHOULD_STOP, Ordering::AcqRel);
        self.unpark();
    }

    /// Asks the thread to park. The caller wakes it and waits until it is
    /// parked, through a thaw if it is frozen.
    ///
    /// # Errors
    /// `ENOSYS` if the thread has exited, `EBUSY` if it was asked already.
    pub fn request_park(&self) -> Result<(), Errno> {
        if self.has_exited() {
            return Err(Errno::ENOSYS);
        }
        let old = self.bits.fetch_or(SHOULD_PARK, Ordering::AcqRel);
        if old & SHOULD_PARK != 0 {
            return Err(Errno::EBUSY);
        }
        Ok(())
    }

    /// Takes the request to park back. The caller wakes the thread if this
    /// says true.
    pub fn unpark(&self) -> bool {
        let gone = SHOULD_PARK | PARKED;
        self.bits.fetch_and(!gone, Ordering::AcqRel) & gone != 0
    }

    /// The thread enters its park point; the caller wakes whoever waits for
    /// it. False if the request is gone: the thread runs on. Asked anew after
    /// every wake.
    pub fn enter_park(&self) -> bool {
        let park = |bits| (bits & SHOULD_PARK != 0).then_some(bits | PARKED);
        self.bits
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, park)
            .is_ok()
    }

    /// The thread has ended; the caller wakes whoever waits for that.
    pub fn exited(&self) {
        self.bits.fetch_or(EXITED, Ordering::AcqRel);
    }
}

impl Default for KthreadControl {
    fn default() -> Self {
        Self::new()
    }
}
