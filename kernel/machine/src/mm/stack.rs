//! Kernel stacks: 16 KiB each, with unmapped pages below, so that an
//! overflow faults instead of corrupting a neighbour.
//!
//! A stack has a slot of 32 KiB in its window; the lower half is the guard.
//! Up to [`CACHED`] free stacks stay mapped, since programs fork and exit far
//! more often than the number of tasks changes.

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameUse;

use super::map::{STACK_BASE, Window};
use super::{frame, tlb};
use crate::arch::thread::Stack;
use crate::sync::{IrqSpinLock, Rank};

/// Bytes of a stack.
pub const STACK_SIZE: usize = 16 * 1024;
/// Bytes of a slot: guard and stack.
const SLOT_SIZE: usize = 2 * STACK_SIZE;
/// Most stacks at a time: Linux's most process ids.
pub(crate) const SLOTS: usize = 32_768;
/// Free stacks that stay mapped.
const CACHED: usize = 32;
/// Pages of a stack.
const PAGES: usize = STACK_SIZE / PAGE_SIZE;

static STACKS: IrqSpinLock<Stacks> =
    IrqSpinLock::with_rank(Rank::KernelMap, Stacks::new());

/// Who uses which slot.
struct Stacks {
    window: Window,
    /// Bit per slot: mapped, in use or cached.
    used: [u64; SLOTS / 64],
    /// No word below this one has a free bit.
    hint: usize,
    cached: [usize; CACHED],
    cached_count: usize,
}

/// A mapped stack of [`STACK_SIZE`] bytes; dropping it frees or caches it. Its
/// holder must not run on it any more then.
pub struct KernelStack {
    slot: usize,
}

impl KernelStack {
    /// A stack; its contents are unspecified.
    ///
    /// # Errors
    /// `ENOMEM` if memory for user programs is short; `EAGAIN` if there are
    /// too many stacks.
    pub fn new() -> Result<Self, Errno> {
        let mut stacks = STACKS.lock();
        if let Some(slot) = stacks.take_cached() {
            return Ok(Self { slot });
        }
        let slot = stacks.take_slot().ok_or(Errno::EAGAIN)?;
        if stacks.map(slot).is_none() {
            stacks.unmap(slot);
            return Err(Errno::ENOMEM);
        }
        tlb::publish();
        Ok(Self { slot })
    }

    /// The lowest byte.
    #[inline]
    pub fn bottom(&self) -> usize {
        self.top() - STACK_SIZE
    }
}

// SAFETY: a slot belongs to one `KernelStack`, and all its pages are mapped.
unsafe impl Stack for KernelStack {
    #[inline]
    fn top(&self) -> usize {
        slot_base(self.slot) + SLOT_SIZE
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        let mut stacks = STACKS.lock();
        if !stacks.put_cached(self.slot) {
            stacks.unmap(self.slot);
        }
    }
}

/// Stacks in use, and stacks that are mapped, those kept for later included.
pub fn stats() -> (usize, usize) {
    let stacks = STACKS.lock();
    let words = stacks.used.iter().map(|word| word.count_ones() as usize);
    let mapped: usize = words.sum();
    (mapped - stacks.cached_count, mapped)
}

/// True if `address` is in the guard below some stack: a fault there is a
/// stack overflow.
pub fn is_guard(address: usize) -> bool {
    let offset = address.wrapping_sub(STACK_BASE);
    offset < SLOTS * SLOT_SIZE && offset % SLOT_SIZE < STACK_SIZE
}

/// The slot in which `address` lies.
#[cfg(debug_assertions)]
pub(crate) fn slot_of(address: usize) -> Option<usize> {
    let slot = address.checked_sub(STACK_BASE)? / SLOT_SIZE;
    (slot < SLOTS).then_some(slot)
}

const fn slot_base(slot: usize) -> usize {
    STACK_BASE + slot * SLOT_SIZE
}

/// The addresses of the slot's pages.
fn pages(slot: usize) -> impl Iterator<Item = usize> {
    let bottom = slot_base(slot) + SLOT_SIZE - STACK_SIZE;
    (0..PAGES).map(move |page| bottom + page * PAGE_SIZE)
}

impl Stacks {
    const fn new() -> Self {
        Self {
            window: Window::new(STACK_BASE),
            used: [0; SLOTS / 64],
            hint: 0,
            cached: [0; CACHED],
            cached_count: 0,
        }
    }

    fn take_cached(&mut self) -> Option<usize> {
        self.cached_count = self.cached_count.checked_sub(1)?;
        Some(self.cached[self.cached_count])
    }

    fn put_cached(&mut self, slot: usize) -> bool {
        let Some(place) = self.cached.get_mut(self.cached_count) else {
            return false;
        };
        *place = slot;
        self.cached_count += 1;
        true
    }

    fn take_slot(&mut self) -> Option<usize> {
        let free = |&word: &usize| self.used[word] != u64::MAX;
        let word = (self.hint..self.used.len()).find(free)?;
        let bit = self.used[word].trailing_ones() as usize;
        self.used[word] |= 1 << bit;
        self.hint = word;
        Some(word * 64 + bit)
    }

    /// `None` if memory is short; pages mapped so far stay.
    fn map(&mut self, slot: usize) -> Option<()> {
        for address in pages(slot) {
            let frame = frame::alloc(FrameUse::User)?;
            self.window.map(address, frame.number()).ok()?;
            frame.into_number();
        }
        Some(())
    }

    /// Unmaps what is mapped of the slot and frees it.
    fn unmap(&mut self, slot: usize) {
        let mut frames = [None; PAGES];
        for (frame, address) in frames.iter_mut().zip(pages(slot)) {
            *frame = self.window.unmap(address);
        }
        let base = slot_base(slot);
        tlb::flush_kernel(base + STACK_SIZE..base + SLOT_SIZE);
        frames.into_iter().flatten().for_each(frame::release);
        self.used[slot / 64] &= !(1 << (slot % 64));
        self.hint = self.hint.min(slot / 64);
    }
}
