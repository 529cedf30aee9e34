//! A place where a lower layer calls a higher one.
//!
//! The lower layer declares a static [`Hook`] of a function, or of a struct of
//! functions, and says there what it wants done. The kernel's binary plugs all
//! hooks in one file, `kernel/src/hooks.rs`, before the first of them is used.

use core::ptr;
use core::sync::atomic::AtomicPtr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// A place for a `T` that lives for ever, filled once, at boot.
pub struct Hook<T: Sync + 'static>(AtomicPtr<T>);

impl<T: Sync + 'static> Hook<T> {
    /// A hook with nothing plugged in.
    pub const fn new() -> Self {
        Hook(AtomicPtr::new(ptr::null_mut()))
    }

    /// Plugs `what` in, once.
    pub fn plug(&self, what: &'static T) {
        let before = self.0.swap(ptr::from_ref(what).cast_mut(), Release);
        debug_assert!(before.is_null(), "a hook is plugged twice");
    }

    /// What is plugged in.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: null, or what `plug` stored, which lives for ever.
        unsafe { self.0.load(Acquire).as_ref() }
    }

    /// What is plugged in, without a look whether there is anything.
    ///
    /// # Safety
    /// [`Hook::plug`] has been called, and this CPU has seen its store.
    #[inline(always)]
    pub unsafe fn get_plugged(&self) -> &'static T {
        let what = self.0.load(Relaxed);
        debug_assert!(!what.is_null());
        // SAFETY: the caller's promise; what was plugged lives for ever.
        unsafe { &*what }
    }
}
