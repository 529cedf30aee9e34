//! The two spin locks; read the parent module first.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::rank::{self, Rank};
use crate::arch;

/// A lock that is never taken by an interrupt handler.
pub struct SpinLock<T> {
    locked: AtomicBool,
    rank: rank::Kept,
    value: UnsafeCell<T>,
}

// SAFETY: `locked` admits one guard at a time, and only a guard reaches
// `value`; so sharing the lock moves `T` between CPUs, never shares it.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A free lock of the rank [`Rank::Object`].
    pub const fn new(value: T) -> Self {
        Self::with_rank(Rank::Object, value)
    }

    /// A free lock of `rank`.
    pub const fn with_rank(rank: Rank, value: T) -> Self {
        Self {
            locked: AtomicBool::new(false),
            rank: rank::Kept::new(rank),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits until the lock is free and takes it.
    #[inline]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        self.rank.acquire();
        while !self.try_acquire() {
            while self.locked.load(Relaxed) {
                arch::cpu::relax();
            }
        }
        SpinLockGuard { lock: self }
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<SpinLockGuard<'_, T>> {
        if !self.try_acquire() {
            return None;
        }
        self.rank.acquire();
        Some(SpinLockGuard { lock: self })
    }

    /// The value, with no locking: `&mut self` proves that nobody else can
    /// hold the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[inline(always)]
    fn try_acquire(&self) -> bool {
        self.locked.compare_exchange_weak(false, true, Acquire, Relaxed).is_ok()
    }
}

/// The right to use what a [`SpinLock`] guards; dropping it unlocks.
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: this guard is the only one, so no `&mut T` exists.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this guard is the only one and is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        self.lock.rank.release();
        self.lock.locked.store(false, Release);
    }
}

/// A lock that interrupt handlers take too; masks interrupts while held.
pub struct IrqSpinLock<T> {
    inner: SpinLock<T>,
}

impl<T> IrqSpinLock<T> {
    /// A free lock of `rank`.
    pub const fn with_rank(rank: Rank, value: T) -> Self {
        Self { inner: SpinLock::with_rank(rank, value) }
    }

    /// Masks interrupts, waits until the lock is free and takes it. The
    /// guard restores the mask it found.
    #[inline]
    pub fn lock(&self) -> IrqSpinLockGuard<'_, T> {
        let flags = arch::irq::mask();
        IrqSpinLockGuard { inner: Some(self.inner.lock()), flags }
    }

    /// Takes the lock if it is free now.
    pub fn try_lock(&self) -> Option<IrqSpinLockGuard<'_, T>> {
        let flags = arch::irq::mask();
        match self.inner.try_lock() {
            Some(inner) => Some(IrqSpinLockGuard { inner: Some(inner), flags }),
            None => {
                arch::irq::restore(flags);
                None
            }
        }
    }
}

/// The right to use what an [`IrqSpinLock`] guards. Dropping it unlocks and
/// restores the interrupt mask, so guards must end in the reverse order of
/// their making.
pub struct IrqSpinLockGuard<'a, T> {
    /// Empty only inside `drop`.
    inner: Option<SpinLockGuard<'a, T>>,
    flags: arch::irq::Flags,
}

impl<T> Deref for IrqSpinLockGuard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: `inner` is full until `drop`.
        unsafe { self.inner.as_deref().unwrap_unchecked() }
    }
}

impl<T> DerefMut for IrqSpinLockGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `inner` is full until `drop`.
        unsafe { self.inner.as_deref_mut().unwrap_unchecked() }
    }
}

impl<T> Drop for IrqSpinLockGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        drop(self.inner.take());
        arch::irq::restore(self.flags);
    }
}
