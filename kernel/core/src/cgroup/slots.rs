//! Which slots of the freezer are in use, by groups of either hierarchy.

use crate::sync::GROUP_SLOTS;

const WORDS: usize = GROUP_SLOTS.div_ceil(64);

/// A bit for each slot; set: in use.
pub struct Slots([u64; WORDS]);

impl Slots {
    /// All free but the roots'.
    pub const fn new() -> Self {
        let mut words = [0; WORDS];
        words[0] = 1;
        Self(words)
    }

    /// The lowest free slot, now in use; `None` if there is none.
    pub fn allocate(&mut self) -> Option<u32> {
        let index = self.0.iter().position(|word| *word != u64::MAX)?;
        let bit = self.0[index].trailing_ones();
        let slot = index as u32 * 64 + bit;
        if slot as usize >= GROUP_SLOTS {
            return None;
        }
        self.0[index] |= 1 << bit;
        Some(slot)
    }

    /// Gives a slot back.
    pub fn free(&mut self, slot: u32) {
        self.0[slot as usize / 64] &= !(1 << (slot % 64));
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}
