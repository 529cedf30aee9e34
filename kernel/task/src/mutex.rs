//! A lock whose waiters sleep, for sections that copy user memory or sleep.
//!
//! [`Mutex::lock`] sleeps uninterruptibly and counts as awake for the freezer:
//! the holder of such a lock never freezes while it holds it, so the wait ends
//! by itself.
//!
//! A lock that is held over long work, with freeze points, is taken by
//! [`Mutex::lock_killable`] only: whoever waits for it counts as frozen and can
//! be killed, for its holder may stand still until a thaw.

use core::ops::{Deref, DerefMut};

use kernel_abi::Errno;

use super::WaitQueue;
use kernel_machine::sync::{Block, BlockKillable, SleepGuard, SleepLock};

impl Block for WaitQueue {
    fn block_until(&self, mut condition: impl FnMut() -> bool) {
        self.wait_uninterruptible("mutex", || condition().then_some(()));
    }

    fn unblock_one(&self) {
        self.wake_one();
    }
}

impl BlockKillable for WaitQueue {
    type Killed = Errno;

    fn block_until_killed(
        &self,
        mut condition: impl FnMut() -> bool,
    ) -> Result<(), Errno> {
        let taken = || condition().then_some(());
        self.wait_killable("mutex", taken).map_err(|_| Errno::EINTR)
    }
}

/// A value and the sleeping lock around it.
pub struct Mutex<T>(SleepLock<T, WaitQueue>);

/// The right to use what a [`Mutex`] guards; dropping it unlocks.
pub struct MutexGuard<'a, T>(SleepGuard<'a, T, WaitQueue>);

impl<T> Mutex<T> {
    /// A free lock.
    pub const fn new(value: T) -> Self {
        Self(SleepLock::with_waiters(value, WaitQueue::new()))
    }

    /// Sleeps until the lock is free and takes it.
    ///
    /// # Locks
    /// No spin lock may be held.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// Sleeps until the lock is free and takes it; counts as frozen meanwhile.
    ///
    /// # Errors
    /// `EINTR` if the task is to end first.
    ///
    /// # Locks
    /// No spin lock may be held.
    #[inline]
    pub fn lock_killable(&self) -> Result<MutexGuard<'_, T>, Errno> {
        self.0.lock_killable().map(MutexGuard)
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().map(MutexGuard)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
