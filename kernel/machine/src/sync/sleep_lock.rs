//! A lock whose waiters sleep. How they sleep is the task layer's business
//! ([`Block`]); this file keeps the exclusion and the unsafe code.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

use super::rank::debug_check_no_locks_held;

/// A place where tasks sleep until a condition holds.
pub trait Block {
    /// Sleeps until `condition` is true, whatever signals come.
    fn block_until(&self, condition: impl FnMut() -> bool);
    /// Wakes one sleeper to test its condition.
    fn unblock_one(&self);
}

/// As [`Block`], where the end of its task ends the sleep too.
pub trait BlockKillable: Block {
    /// Why the sleep ended without the condition.
    type Killed;

    /// Sleeps until `condition` is true, or the task is to end.
    ///
    /// # Errors
    /// The task is to end.
    fn block_until_killed(
        &self,
        condition: impl FnMut() -> bool,
    ) -> Result<(), Self::Killed>;
}

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may sleep for it.
const CONTENDED: u32 = 2;

/// A value and the lock around it; sections may sleep and copy user memory.
pub struct SleepLock<T, B> {
    state: AtomicU32,
    waiters: B,
    value: UnsafeCell<T>,
}

// SAFETY: `state` admits one guard at a time, and only a guard reaches
// `value`; so sharing the lock moves `T` between tasks, never shares it.
unsafe impl<T: Send, B: Sync> Sync for SleepLock<T, B> {}

impl<T, B: Block> SleepLock<T, B> {
    /// A free lock, with the place where its waiters sleep.
    pub const fn with_waiters(value: T, waiters: B) -> Self {
        Self {
            state: AtomicU32::new(FREE),
            waiters,
            value: UnsafeCell::new(value),
        }
    }

    /// Sleeps until the lock is free and takes it.
    ///
    /// # Locks
    /// No spin lock may be held.
    #[inline]
    pub fn lock(&self) -> SleepGuard<'_, T, B> {
        debug_check_no_locks_held();
        if !self.try_acquire(HELD) {
            self.waiters
                .block_until(|| self.state.swap(CONTENDED, SeqCst) == FREE);
        }
        SleepGuard { lock: self }
    }

    /// As [`SleepLock::lock`], unless the task is to end.
    ///
    /// # Errors
    /// It is to end, and the lock was not free.
    ///
    /// # Locks
    /// No spin lock may be held.
    #[inline]
    pub fn lock_killable(&self) -> Result<SleepGuard<'_, T, B>, B::Killed>
    where
        B: BlockKillable,
    {
        debug_check_no_locks_held();
        if !self.try_acquire(HELD) {
            let acquire = || self.state.swap(CONTENDED, SeqCst) == FREE;
            self.waiters.block_until_killed(acquire)?;
        }
        Ok(SleepGuard { lock: self })
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<SleepGuard<'_, T, B>> {
        self.try_acquire(HELD).then(|| SleepGuard { lock: self })
    }

    #[inline(always)]
    fn try_acquire(&self, as_state: u32) -> bool {
        self.state.compare_exchange(FREE, as_state, Acquire, Relaxed).is_ok()
    }
}

/// The right to use what a [`SleepLock`] guards; dropping it unlocks.
pub struct SleepGuard<'a, T, B: Block> {
    lock: &'a SleepLock<T, B>,
}

impl<T, B: Block> Deref for SleepGuard<'_, T, B> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one, so no `&mut T` exists.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T, B: Block> DerefMut for SleepGuard<'_, T, B> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard is the only one and is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T, B: Block> Drop for SleepGuard<'_, T, B> {
    #[inline(always)]
    fn drop(&mut self) {
        // A waiter marks the lock contended before it sleeps, and tests once
        // more after announcing its sleep; so either the mark is seen here
        // or the waiter sees the lock free.
        if self.lock.state.swap(FREE, SeqCst) == CONTENDED {
            self.lock.waiters.unblock_one();
        }
    }
}
