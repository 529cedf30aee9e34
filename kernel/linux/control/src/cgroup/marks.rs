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
        self.take_from(0)
    }

    /// The same, of those from the slot `first` on: who goes on behind what he
    /// has taken comes to an end, although marks are set meanwhile.
    pub(super) fn take_from(&self, first: u32) -> Option<u32> {
        let before = first as usize / 64;
        let mut meant = u64::MAX << (first % 64);
        self.0.iter().enumerate().skip(before).find_map(|(at, word)| {
            let mut marks =
                word.load(Relaxed) & core::mem::replace(&mut meant, u64::MAX);
            while marks != 0 {
                let bit = 1 << marks.trailing_zeros();
                if word.fetch_and(!bit, Acquire) & bit != 0 {
                    return Some(at as u32 * 64 + bit.trailing_zeros());
                }
                marks &= !bit;
            }
            None
        })
    }
}
