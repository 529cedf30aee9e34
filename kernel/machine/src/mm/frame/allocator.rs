//! The one instance of the buddy allocator, with a few frames kept for each
//! CPU.
//!
//! Most allocations and releases are single frames on the path of a page
//! fault. They go through the CPU's own [`Cache`] and touch the shared lists
//! once in [`BATCH`] times. When memory is short all caches are drained
//! first, so no frame is lost to an idle CPU.
//!
//! Frames are numbers here; next: `frame/handle.rs` (who holds a frame). The
//! rules: `kernel_core::memory::frame`.

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::{
    Buddy, FrameNumber, FrameSpan, FrameStats, FrameTable, FrameUse, MAX_SPANS,
    Release,
};
use spin::Once;

use super::boot;
use crate::arch;
use crate::mm::{BootMemory, page};
use crate::sync::{IrqSpinLock, Rank};

/// Frames a CPU keeps at most.
const CACHE_SIZE: usize = 64;
/// Frames that move between a cache and the lists at once.
const BATCH: usize = 1 << BATCH_ORDER;
/// log2 of [`BATCH`].
const BATCH_ORDER: usize = 5;

static TABLE: Once<FrameTable<'static>> = Once::new();
static BUDDY: IrqSpinLock<Buddy> =
    IrqSpinLock::with_rank(Rank::Frame, Buddy::new());
static CACHES: [IrqSpinLock<Cache>; arch::cpu::MAX_CPUS] =
    [const { IrqSpinLock::with_rank(Rank::Frame, Cache::new()) };
        arch::cpu::MAX_CPUS];

/// Free frames of one CPU, or a batch on its way. They count as allocated
/// for the buddy lists, with no reference.
struct Cache {
    count: usize,
    frames: [FrameNumber; CACHE_SIZE],
}

impl Cache {
    const fn new() -> Self {
        Self { count: 0, frames: [0; CACHE_SIZE] }
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<FrameNumber> {
        self.count = self.count.checked_sub(1)?;
        self.frames.get(self.count).copied()
    }

    /// False if it is full.
    #[inline(always)]
    fn push(&mut self, frame: FrameNumber) -> bool {
        match self.frames.get_mut(self.count) {
            Some(place) => {
                *place = frame;
                self.count += 1;
                true
            }
            None => false,
        }
    }

    /// Takes the upper half out.
    fn split(&mut self) -> Cache {
        let mut batch = Cache::new();
        while batch.count < BATCH {
            let Some(frame) = self.pop() else { break };
            batch.push(frame);
        }
        batch
    }
}

/// True once frames can be allocated.
pub(in crate::mm) fn is_ready() -> bool {
    TABLE.is_completed()
}

#[inline]
fn table() -> &'static FrameTable<'static> {
    // SAFETY: `init` fills it before the first address space, heap object
    // or second CPU; nothing calls here before that.
    unsafe { TABLE.get_unchecked() }
}

/// Takes a frame's number, with one reference.
///
/// `None` if memory is short: for [`FrameUse::User`], if only the kernel's
/// reserve is left.
///
/// # Locks
/// Frame locks, with interrupts masked.
#[inline]
pub(super) fn take(purpose: FrameUse) -> Option<FrameNumber> {
    let cached = CACHES[arch::cpu::id()].lock().pop();
    match cached {
        Some(number) => {
            table().revive(number);
            Some(number)
        }
        None => take_slowly(purpose),
    }
}

#[cold]
fn take_slowly(purpose: FrameUse) -> Option<FrameNumber> {
    if let Some(number) = refill(purpose) {
        return Some(number);
    }
    drain_caches();
    BUDDY.lock().allocate(table(), 0, purpose)
}

/// Fills this CPU's cache from the lists; returns one frame of those.
fn refill(purpose: FrameUse) -> Option<FrameNumber> {
    let (first, count) = take_batch(purpose)?;
    let mut rest = Cache::new();
    let mut cache = CACHES[arch::cpu::id()].lock();
    for frame in (first + 1..first + count).rev() {
        // An interrupt may have filled the cache meanwhile.
        if !cache.push(frame) {
            rest.push(frame);
        }
    }
    drop(cache);
    give_back(rest);
    Some(first)
}

/// Takes frames that lie side by side: a batch, or fewer if there is no block
/// that large. The kernel's reserve is never spread over caches.
fn take_batch(purpose: FrameUse) -> Option<(FrameNumber, u32)> {
    let mut buddy = BUDDY.lock();
    let shared = match purpose {
        FrameUse::File => FrameUse::File,
        FrameUse::User | FrameUse::Kernel => FrameUse::User,
    };
    for order in (1..=BATCH_ORDER).rev() {
        let first = buddy.allocate_singles(table(), order, shared);
        if let Some(first) = first {
            return Some((first, 1 << order));
        }
    }
    buddy.allocate(table(), 0, purpose).map(|frame| (frame, 1))
}

/// Returns the frames of all CPUs' caches to the lists.
fn drain_caches() {
    for cache in &CACHES {
        let drained = core::mem::replace(&mut *cache.lock(), Cache::new());
        give_back(drained);
    }
}

fn give_back(mut batch: Cache) {
    if batch.count == 0 {
        return;
    }
    let mut buddy = BUDDY.lock();
    while let Some(frame) = batch.pop() {
        buddy.free(table(), frame).expect("a cached frame is allocated");
    }
}

/// Takes frames that lie side by side, each with one reference; `None` if there
/// are no such.
///
/// # Locks
/// Frame locks, with interrupts masked.
pub(in crate::mm) fn alloc_run(
    count: usize,
    purpose: FrameUse,
) -> Option<FrameNumber> {
    let take = || BUDDY.lock().allocate_run(table(), count, purpose);
    take().or_else(|| {
        drain_caches();
        take()
    })
}

/// As [`take`] for [`FrameUse::Kernel`], for who needs a frame now and then: the
/// page fault's copy of that is the one to be short.
#[cold]
#[inline(never)]
pub(in crate::mm) fn take_for_heap() -> Option<FrameNumber> {
    take(FrameUse::Kernel)
}

/// As [`release`], for who gives a frame up now and then.
#[cold]
#[inline(never)]
pub(in crate::mm) fn release_of_heap(frame: FrameNumber) {
    release(frame);
}

/// What the only holder of a frame noted ([`FrameTable::note`]).
#[inline]
pub(in crate::mm) fn note(frame: FrameNumber) -> u32 {
    table().note(frame)
}

/// Notes something for a frame ([`FrameTable::set_note`]).
#[inline]
pub(in crate::mm) fn set_note(frame: FrameNumber, note: u32) {
    table().set_note(frame, note);
}

/// Adds a reference to a frame that the caller holds one of.
#[inline(always)]
pub(in crate::mm) fn share(frame: FrameNumber) {
    table().share(frame);
}

/// Takes away one reference, which the caller gives up; frees the frame if
/// it was the last.
#[inline]
pub(in crate::mm) fn release(frame: FrameNumber) {
    match table().release(frame) {
        Ok(Release::Shared) => {}
        Ok(Release::Last) => free(frame),
        Err(error) => panic!("frame released twice: {error:?}"),
    }
}

#[inline]
fn free(frame: FrameNumber) {
    let mut cache = CACHES[arch::cpu::id()].lock();
    if cache.push(frame) {
        return;
    }
    let mut batch = cache.split();
    drop(cache);
    batch.push(frame);
    give_back(batch);
}

/// How many hold the frame, mappings included.
pub(in crate::mm) fn holders(frame: FrameNumber) -> u32 {
    table().references(frame)
}

/// True if nobody else holds the frame.
#[inline(always)]
pub(in crate::mm) fn is_sole(frame: FrameNumber) -> bool {
    table().references(frame) == 1
}

/// Makes the frame's contents fit for instruction fetch, once.
pub(in crate::mm) fn prepare_execution(frame: FrameNumber) {
    table().prepare(frame, || page::sync_instructions(frame));
}

/// Notes that the kernel has stored to the frame, so that instructions in it
/// must be prepared again.
#[inline(always)]
pub(in crate::mm) fn changed(frame: FrameNumber) {
    table().changed(frame);
}

/// Counts of frames, those in the CPUs' caches as free ones.
pub fn stats() -> FrameStats {
    let cached: usize = CACHES.iter().map(|cache| cache.lock().count).sum();
    let mut stats = BUDDY.lock().stats();
    stats.free += cached;
    stats
}

/// True if user programs get no more frames. Whoever makes kernel objects for
/// a program (a region, a process, an open file) should refuse then, so
/// that the kernel's reserve lasts.
pub fn is_short() -> bool {
    let stats = BUDDY.lock().stats();
    stats.free <= stats.reserve && self::stats().free <= stats.reserve
}

/// True if files get no more frames. What the kernel keeps for them should be
/// refused to ordinary users then: the rest is root's, to clean up with.
pub fn is_low() -> bool {
    let is_low = |stats: FrameStats| stats.free <= 4 * stats.reserve;
    is_low(BUDDY.lock().stats()) && is_low(self::stats())
}

/// True if the kernel may take so many bytes for a program's sake without
/// making memory scarce.
pub(in crate::mm) fn has_room(bytes: usize) -> bool {
    let stats = stats();
    stats.free > 2 * stats.reserve + bytes.div_ceil(PAGE_SIZE)
}

/// True if the kernel may take so many bytes at once and have half of its
/// reserve still, which what takes little lives on.
pub(in crate::mm) fn has_half_reserve(bytes: usize) -> bool {
    let stats = stats();
    stats.free > stats.reserve / 2 + bytes / PAGE_SIZE
}

/// True if so little is left that what takes many frames at once (a fork, a
/// new program) may fail, although single frames can be had.
#[inline]
pub fn is_scarce() -> bool {
    let is_scarce = |stats: FrameStats| stats.free <= 2 * stats.reserve;
    is_scarce(BUDDY.lock().stats()) && is_scarce(stats())
}

/// True if a program may be promised so many pages more: fewer than there are
/// frames in all, and memory is not short. What it touches is another
/// matter (Linux: `vm.overcommit_memory=0`).
pub(in crate::mm) fn can_promise(pages: usize) -> bool {
    let total = BUDDY.lock().stats().total;
    pages <= total && !is_short()
}

/// Takes over all RAM that is not reserved.
pub(in crate::mm) fn init(memory: &BootMemory) -> Result<(), &'static str> {
    let mut spans = [FrameSpan::default(); MAX_SPANS];
    let ram = memory.ram.as_slice();
    for (span, range) in spans.iter_mut().zip(ram) {
        *span = boot::to_span(*range);
    }
    let mut free = memory.free();
    let spans = &spans[..ram.len()];
    let records = boot::place_records(&mut free, spans)?;
    let table = TABLE.call_once(|| FrameTable::new(spans, records));
    let mut buddy = BUDDY.lock();
    for range in free.as_slice() {
        buddy.add(table, boot::to_span(*range));
    }
    Ok(())
}
