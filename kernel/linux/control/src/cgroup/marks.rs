//! A mark for each group, for who must not wait: a thread finds it later.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_core::sync::GROUP_SLOTS;

/// A bit for each slot.
pub(super) struct Marks([AtomicU64; GROUP_SLOTS / 64]);

impl Marks {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; GROUP_SLOTS / 64])
    }

    fn word(&self, slot: u32) -> (&AtomicU64, u64) {
        (&self.0[slot as usize / 64], 1 << (slot % 64))
    }

    pub(super) fn set(&self, slot: u32, is_set: bool) {
        let (word, bit) = self.word(slot);
        match is_set {
            true => word.fetch_or(bit, Release),
            false => word.fetch_and(!bit, Release),
        };
    }

    pub(super) fn has(&self, slot: u32) -> bool {
        let (word, bit) = self.word(slot);
        word.load(Acquire) & bit != 0
    }

    /// Takes one away, if there is one. Others may take it away meanwhile.
    pub(super) fn take(&self) -> Option<u32> {
        self.0.iter().enumerate().find_map(|(at, word)| {
            let mut marks = word.load(Relaxed);
            while marks != 0 {
                let bit = marks.trailing_zeros();
                marks = word.fetch_and(!(1 << bit), Acquire);
                if marks & 1 << bit != 0 {
                    return Some(at as u32 * 64 + bit);
                }
            }
            None
        })
    }
}
