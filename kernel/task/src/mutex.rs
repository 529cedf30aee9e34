//! A lock whose waiters sleep, for sections that copy user memory or sleep.
//!
//! A waiter sleeps uninterruptibly and counts as awake for the freezer: the
//! holder never freezes while it holds one, so the wait ends by itself.

use core::ops::{Deref, DerefMut};

use super::WaitQueue;
use kernel_machine::sync::{Block, SleepGuard, SleepLock};

impl Block for WaitQueue {
    fn block_until(&self, mut condition: impl FnMut() -> bool) {
        self.wait_uninterruptible("mutex", || condition().then_some(()));
    }

    fn unblock_one(&self) {
        self.wake_one();
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
