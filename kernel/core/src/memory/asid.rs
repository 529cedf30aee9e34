//! Address space identifiers: which 8- or 16-bit number tags the TLB entries
//! of which address space.
//!
//! There are more address spaces than numbers. So every assignment carries
//! a *generation*; when the numbers run out, a *rollover* starts the next
//! generation, in which every number is free again except those in use on
//! some CPU at that moment. Each CPU empties its TLB before it first uses a
//! number of the new generation.
//!
//! Switching to a space whose generation is current takes no lock. The race
//! with a rollover on another CPU is decided by `active[a]`, which only
//! CPU A sets to a context and only a rollover sets to 0:
//!
//! | CPU A switches to space S (no lock)       | CPU B rolls over (locked)      |
//! |-------------------------------------------|--------------------------------|
//! | 1. reads the generation: S is current     |                                |
//! | 2. reads `active[a]` = old, not 0         |                                |
//! |                                           | 3. generation += 1             |
//! |                                           | 4. swaps `active[a]` for 0     |
//! | 5. exchanges old for S: fails if 4 is done|                                |
//!
//! If 5 comes before 4, the swap finds S and B reserves its number. If 5
//! comes after 4, the exchange fails and A takes the lock. There is no third
//! order, since 4 and 5 are atomic on one word. The test
//! `no_order_of_the_rollover_race_shares_a_number` tries them all.
//!
//! The machine half is `kernel/machine/src/mm/asid.rs`.

mod pool;
#[cfg(test)]
mod tests;

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

pub use pool::{AsidPool, Assignment};

/// Bits of a context below its generation.
const ASID_BITS: u32 = 16;

/// Generation and number of an address space; 0 is no assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context(pub u64);

impl Context {
    /// The number for `TTBR0_EL1` and TLB maintenance.
    #[inline(always)]
    pub const fn asid(self) -> u16 {
        self.0 as u16
    }

    const fn new(generation: u64, asid: u16) -> Self {
        Self(generation << ASID_BITS | asid as u64)
    }

    const fn generation(self) -> u64 {
        self.0 >> ASID_BITS
    }
}

/// What CPUs read and write without the pool's lock.
pub struct AsidState<const CPUS: usize> {
    /// The current generation, shifted like a context's.
    generation: AtomicU64,
    /// The context each CPU runs with; 0 after a rollover.
    active: [AtomicU64; CPUS],
}

impl<const CPUS: usize> Default for AsidState<CPUS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const CPUS: usize> AsidState<CPUS> {
    /// The first generation; no CPU is active.
    pub const fn new() -> Self {
        Self {
            generation: AtomicU64::new(1 << ASID_BITS),
            active: [const { AtomicU64::new(0) }; CPUS],
        }
    }

    /// Notes that `cpu` runs with `context` from now on, if that is of the
    /// current generation. Must be called on that CPU, which must not switch
    /// meanwhile. If false, [`AsidPool::assign`] must be asked.
    #[inline(always)]
    pub fn try_activate(&self, cpu: usize, context: Context) -> bool {
        let active = &self.active[cpu];
        let old = active.load(Relaxed);
        let generation = self.generation.load(Relaxed);
        (context.0 ^ generation) >> ASID_BITS == 0
            && old != 0
            && active.compare_exchange(old, context.0, Acquire, Relaxed).is_ok()
    }
}
