//! The order in which spin locks are taken, checked in checked builds.
//!
//! A CPU may take a lock only if its rank is higher than that of every lock
//! the CPU holds already. So no two CPUs can each hold what the other waits
//! for. Locks of one rank are never nested, except run queues, which one
//! function takes in the order of their CPUs.

/// Place of a lock in the order of acquisition, outermost first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Rank {
    /// Process tables, file tables, mounts: outermost.
    Process = 1,
    /// Signal state of a process and its tasks.
    Signal,
    /// Address space of a process.
    AddressSpace,
    /// Objects below those: pipes, file contents, terminals, futex buckets.
    Object,
    /// Work queues and the freezer's own lists.
    Freezer,
    /// Wait queues.
    Wait,
    /// A task's wake lock.
    Task,
    /// Run queues.
    RunQueue,
    /// Timer queues.
    Timer,
    /// Kernel page tables and kernel stacks.
    KernelMap,
    /// The kernel heap.
    Heap,
    /// Physical frames.
    Frame,
    /// Interrupt controller, devices, the kernel log.
    Device,
    /// What waits for the serial port: innermost.
    Console,
}

#[cfg(debug_assertions)]
mod held {
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::Rank;
    use crate::arch;

    /// One word for each CPU: bit n says that a lock of rank n is held.
    static HELD: [AtomicU32; arch::cpu::MAX_CPUS] =
        [const { AtomicU32::new(0) }; arch::cpu::MAX_CPUS];

    /// The bit that stands for no rank: an interrupt is handled.
    const INTERRUPT: u32 = 1;

    /// The ranks this CPU holds. Another CPU's word is never written here,
    /// and an interrupt releases what it takes, so plain loads do.
    fn word() -> &'static AtomicU32 {
        &HELD[arch::cpu::id()]
    }

    pub fn acquire(rank: Rank) {
        let held = word().load(Relaxed);
        let limit = 31 - (held | 1).leading_zeros();
        let same_allowed = rank == Rank::RunQueue;
        let rank_bit = rank as u32;
        assert!(
            rank_bit > limit || (same_allowed && rank_bit == limit),
            "lock order: {rank:?} taken while holding ranks {held:#b}"
        );
        word().store(held | 1 << rank_bit, Relaxed);
    }

    pub fn release(rank: Rank) {
        let held = word().load(Relaxed);
        word().store(held & !(1 << rank as u32), Relaxed);
    }

    /// An interrupt begins: its handlers take only locks that mask
    /// interrupts, so what the interrupted code holds does not concern them.
    pub fn begin_interrupt() -> u32 {
        word().swap(INTERRUPT, Relaxed)
    }

    /// The interrupt ends; `held` is what [`begin_interrupt`] gave.
    pub fn end_interrupt(held: u32) {
        word().store(held, Relaxed);
    }

    /// Ranks of the locks under which a task goes to sleep: who makes a text
    /// may have to wait for what it tells.
    const SLEEP: u32 = 1 << Rank::Wait as u32
        | 1 << Rank::Task as u32
        | 1 << Rank::RunQueue as u32
        | 1 << Rank::Timer as u32;

    /// True if this CPU holds no spin lock but to sleep, or handles an
    /// interrupt, which is no part of what it interrupted.
    #[inline]
    pub fn is_free_to_allocate() -> bool {
        let held = word().load(Relaxed);
        held & !SLEEP == 0 || held & INTERRUPT != 0
    }

    /// True if this CPU holds no spin lock.
    pub fn none() -> bool {
        word().load(Relaxed) == 0
    }
}

#[cfg(debug_assertions)]
use held::{acquire, release};
#[cfg(debug_assertions)]
pub use held::{begin_interrupt, end_interrupt, is_free_to_allocate, none};

/// An interrupt begins. Release builds do nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn begin_interrupt() -> u32 {
    0
}

/// An interrupt ends. Release builds do nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn end_interrupt(_held: u32) {}

/// The rank that a lock keeps; nothing in release builds, where nobody
/// checks it: there a free lock is all zeros, and takes no room in the image.
#[derive(Clone, Copy)]
pub struct Kept(#[cfg(debug_assertions)] Rank);

#[cfg(debug_assertions)]
impl Kept {
    /// Of a new lock.
    pub const fn new(rank: Rank) -> Self {
        Self(rank)
    }

    /// This CPU takes the lock.
    pub fn acquire(self) {
        acquire(self.0);
    }

    /// This CPU releases the lock.
    pub fn release(self) {
        release(self.0);
    }
}

#[cfg(not(debug_assertions))]
impl Kept {
    /// Of a new lock.
    pub const fn new(_rank: Rank) -> Self {
        Self()
    }

    /// This CPU takes the lock, of which nobody keeps book.
    #[inline(always)]
    pub fn acquire(self) {}

    /// This CPU releases the lock, of which nobody keeps book.
    #[inline(always)]
    pub fn release(self) {}
}

/// Asserts that this CPU holds no spin lock: every point where a task may
/// sleep, freeze or copy user memory (SPECIFICATION.md U6).
///
/// # Panics
/// In checked builds, if a lock is held.
#[inline(always)]
pub fn debug_check_no_locks_held() {
    #[cfg(debug_assertions)]
    assert!(none(), "a spin lock is held at a point that may sleep");
}
