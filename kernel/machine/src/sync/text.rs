//! Texts of `/proc` and `/sys` are made while no spin lock is held, checked
//! in checked builds.
//!
//! A text takes memory of any length, and takes long: who waits for a lock
//! meanwhile spins, with interrupts masked perhaps. So a text is made of
//! copies. Whoever makes one says so ([`Making`]); as long as it does, the
//! heap refuses to allocate under a lock, wherever that lock is taken, but for
//! those under which a task goes to sleep.

use alloc::vec::Vec;

#[cfg(debug_assertions)]
mod mark {
    use core::sync::atomic::AtomicU64;
    use core::sync::atomic::Ordering::Relaxed;

    use crate::mm::stack::{SLOTS, slot_of};
    use crate::sync::rank;

    /// Bit per kernel stack: who runs on it makes a text. A task may sleep
    /// and move to another CPU meanwhile, but keeps its stack.
    static MAKERS: [AtomicU64; SLOTS / 64] =
        [const { AtomicU64::new(0) }; SLOTS / 64];

    /// The word and the bit of the stack that this runs on, unless it is one
    /// of those that CPUs start on.
    fn place() -> Option<(&'static AtomicU64, u64)> {
        let here = 0_u8;
        let slot = slot_of((&raw const here).addr())?;
        Some((MAKERS.get(slot / 64)?, 1 << (slot % 64)))
    }

    pub fn begin() -> bool {
        place()
            .is_some_and(|(word, bit)| word.fetch_or(bit, Relaxed) & bit == 0)
    }

    pub fn end() {
        if let Some((word, bit)) = place() {
            word.fetch_and(!bit, Relaxed);
        }
    }

    #[inline]
    pub fn check() {
        if rank::is_free_to_allocate() {
            return;
        }
        let is_maker =
            place().is_some_and(|(word, bit)| word.load(Relaxed) & bit != 0);
        assert!(!is_maker, "a text is made under a spin lock");
    }
}

/// As long as it lives the current task makes a text.
pub struct Making {
    /// Another one, further up, does not know yet.
    #[cfg(debug_assertions)]
    is_first: bool,
}

impl Making {
    /// From here on.
    #[inline]
    pub fn begin() -> Self {
        Self {
            #[cfg(debug_assertions)]
            is_first: mark::begin(),
        }
    }
}

impl Drop for Making {
    #[inline]
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        if self.is_first {
            mark::end();
        }
    }
}

/// Asserts that memory is not asked for under a spin lock by whoever makes a
/// text. Interrupts that come meanwhile are no part of it.
///
/// # Panics
/// In checked builds, if it is.
#[inline(always)]
pub(crate) fn debug_check_allocation() {
    #[cfg(debug_assertions)]
    mark::check();
}

/// Copies what stands behind a lock, into room that is made before the lock
/// is taken. `copy` takes the lock and says how much room it needs; it copies
/// only into as much as there is, and is asked again when that was too
/// little.
pub fn copy_out<T>(mut copy: impl FnMut(&mut Vec<T>) -> usize) -> Vec<T> {
    let mut room = Vec::new();
    loop {
        let needed = copy(&mut room);
        if needed <= room.capacity() {
            return room;
        }
        // A little more, since others go on adding.
        room = Vec::with_capacity(needed + needed / 8);
    }
}
