//! What CPUs know of assignments without a lock.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

/// Bits of a context below its generation.
pub(super) const ASID_BITS: u32 = 16;

/// Generation and number of an address space; 0 is no assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Context(pub u64);

impl Context {
    /// The number for `TTBR0_EL1` and TLB maintenance.
    #[inline(always)]
    pub const fn asid(self) -> u16 {
        self.0 as u16
    }

    pub(super) const fn new(generation: u64, asid: u16) -> Self {
        Self(generation << ASID_BITS | asid as u64)
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> ASID_BITS
    }
}

/// What CPUs read and write without the pool's lock.
pub struct AsidState<const CPUS: usize> {
    /// The current generation, shifted like a context's.
    pub(super) generation: AtomicU64,
    /// The context each CPU runs with; 0 after a rollover.
    pub(super) active: [AtomicU64; CPUS],
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
    /// meanwhile. If false, [`AsidPool::assign`](super::AsidPool::assign) must
    /// be asked.
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
