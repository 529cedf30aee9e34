//! The numbers of the current generation; stands behind a lock.

use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use super::context::{ASID_BITS, AsidState, Context};

/// Which numbers are taken in this generation.
pub struct AsidPool<const CPUS: usize> {
    /// One bit for each number; number 0 is the empty address space's.
    taken: Vec<u64>,
    /// Where the search for a free number goes on.
    cursor: usize,
    /// The context each CPU ran with at the last rollover.
    reserved: [Context; CPUS],
    /// Bit n: CPU n must empty its TLB before it uses a new number.
    flush: u32,
}

/// A space's number, and what the CPU must do before it uses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Assignment {
    /// To be stored in the address space.
    pub context: Context,
    /// This CPU must invalidate its whole TLB first.
    pub flush: bool,
}

impl<const CPUS: usize> AsidPool<CPUS> {
    /// All numbers of `bits` bits (8 or 16, from `ID_AA64MMFR0_EL1`).
    pub fn new(bits: u32) -> Self {
        let bits = bits.clamp(8, ASID_BITS);
        let mut pool = Self {
            taken: vec![0; (1 << bits) / 64],
            cursor: 1,
            reserved: [Context::default(); CPUS],
            flush: 0,
        };
        pool.clear();
        pool
    }

    /// Gives the space that has `old` a context of the current generation
    /// and makes it active on `cpu`, on which the caller runs.
    pub fn assign(
        &mut self,
        state: &AsidState<CPUS>,
        cpu: usize,
        old: Context,
    ) -> Assignment {
        let generation = state.generation.load(Relaxed) >> ASID_BITS;
        let context = if old.generation() == generation {
            old
        } else {
            self.renew(state, old)
        };
        let flush = self.flush >> cpu & 1 != 0;
        self.flush &= !(1 << cpu);
        state.active[cpu].store(context.0, Release);
        Assignment { context, flush }
    }

    /// A context of the current generation, with the old number if the space
    /// runs on some CPU with it or nobody else has taken it.
    fn renew(&mut self, state: &AsidState<CPUS>, old: Context) -> Context {
        let generation = state.generation.load(Relaxed) >> ASID_BITS;
        let same = Context::new(generation, old.asid());
        if old.asid() != 0
            && (self.renew_reserved(old, same) || self.take(old.asid()))
        {
            return same;
        }
        if let Some(asid) = self.find_free() {
            return Context::new(generation, asid);
        }
        let generation = self.roll_over(state);
        let asid = self.find_free().expect("more numbers than CPUs");
        Context::new(generation, asid)
    }

    /// True if `old` is reserved on some CPU; it is `new` from now on.
    fn renew_reserved(&mut self, old: Context, new: Context) -> bool {
        let mut found = false;
        for reserved in &mut self.reserved {
            if *reserved == old {
                *reserved = new;
                found = true;
            }
        }
        found
    }

    /// Starts the next generation and returns it.
    fn roll_over(&mut self, state: &AsidState<CPUS>) -> u64 {
        let shifted = state.generation.load(Relaxed) + (1 << ASID_BITS);
        state.generation.store(shifted, Relaxed);
        self.clear();
        for cpu in 0..CPUS {
            let active = Context(state.active[cpu].swap(0, AcqRel));
            // 0: the CPU has not switched since the last rollover, so it
            // still runs with what was reserved then.
            if active.0 != 0 {
                self.reserved[cpu] = active;
            }
            self.take(self.reserved[cpu].asid());
        }
        self.flush = u32::MAX;
        shifted >> ASID_BITS
    }

    fn clear(&mut self) {
        self.taken.fill(0);
        self.take(0);
        self.cursor = 1;
    }

    /// Takes `asid`; false if it was taken already.
    fn take(&mut self, asid: u16) -> bool {
        let word = &mut self.taken[asid as usize / 64];
        let bit = 1 << (asid % 64);
        let is_free = *word & bit == 0;
        *word |= bit;
        is_free
    }

    /// Takes the next free number; `None` if this generation has no more.
    fn find_free(&mut self) -> Option<u16> {
        let first = self.cursor / 64;
        let words = self.taken.iter().enumerate().skip(first);
        let (index, word) = words.into_iter().find(|(_, w)| **w != u64::MAX)?;
        let asid = index * 64 + word.trailing_ones() as usize;
        self.take(asid as u16);
        self.cursor = asid;
        Some(asid as u16)
    }
}
