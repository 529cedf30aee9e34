//! Lists of free blocks, one for each order.

use super::span::{FrameError, FrameNumber, FrameSpan, FrameUse, NONE, ORDERS};
use super::table::{FrameTable, Record};

/// Frames that must stay free for the kernel at least: 1 MiB.
const LEAST_RESERVE: usize = 256;
/// Frames that are kept at the most: 8 MiB.
const MOST_RESERVE: usize = 2048;

/// A count of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameStats {
    /// Frames that can be allocated at all.
    pub total: usize,
    /// Frames that are free now.
    pub free: usize,
    /// Frames that only [`FrameUse::Kernel`] may take.
    pub reserve: usize,
}

/// The free lists. Every method takes the table they thread through.
pub struct Buddy {
    /// First free block of each order, or `NONE`.
    heads: [u32; ORDERS],
    /// Bit n: the list of order n holds something.
    filled: u32,
    stats: FrameStats,
}

impl Default for Buddy {
    fn default() -> Self {
        Self::new()
    }
}

impl Buddy {
    /// An allocator without memory.
    pub const fn new() -> Self {
        let stats = FrameStats { total: 0, free: 0, reserve: 0 };
        Self { heads: [NONE; ORDERS], filled: 0, stats }
    }

    /// Counts of all frames added so far.
    pub fn stats(&self) -> FrameStats {
        self.stats
    }

    /// Makes reserved frames allocatable.
    ///
    /// # Panics
    /// If a frame of `span` is not in the table.
    pub fn add(&mut self, table: &FrameTable<'_>, span: FrameSpan) {
        let (mut frame, mut left) = (span.first, span.count);
        while left > 0 {
            let order = largest_block(frame, left);
            self.free_block(table, frame, order);
            frame += 1 << order;
            left -= 1 << order;
        }
        self.stats.total += span.count as usize;
        self.stats.reserve =
            (self.stats.total / 64).clamp(LEAST_RESERVE, MOST_RESERVE);
    }

    /// Takes a block of 2^`order` frames, with one reference.
    ///
    /// `None` if no block is large enough, or if that would take from what is
    /// kept for others; see [`FrameUse`].
    pub fn allocate(
        &mut self,
        table: &FrameTable<'_>,
        order: usize,
        purpose: FrameUse,
    ) -> Option<FrameNumber> {
        if order >= ORDERS || !self.may_take(1 << order, purpose) {
            return None;
        }
        let candidates = self.filled >> order << order;
        if candidates == 0 {
            return None;
        }
        let found = candidates.trailing_zeros() as usize;
        let frame = self.heads[found];
        self.unlink(table, frame, found);
        for half in (order..found).rev() {
            self.link(table, frame + (1 << half), half);
        }
        record(table, frame).set_allocated(order);
        self.stats.free -= 1 << order;
        Some(frame)
    }

    /// Takes a block of 2^`order` frames apart: each frame is a block of its
    /// own from then on. Returns the first. Otherwise as
    /// [`Buddy::allocate`].
    pub fn allocate_singles(
        &mut self,
        table: &FrameTable<'_>,
        order: usize,
        purpose: FrameUse,
    ) -> Option<FrameNumber> {
        let first = self.allocate(table, order, purpose)?;
        for frame in first..first + (1 << order) {
            record(table, frame).set_allocated(0);
        }
        Some(first)
    }

    /// Takes `count` frames that lie side by side, each a block of its own.
    /// Otherwise as [`Buddy::allocate`].
    pub fn allocate_run(
        &mut self,
        table: &FrameTable<'_>,
        count: usize,
        purpose: FrameUse,
    ) -> Option<FrameNumber> {
        let order = count.checked_next_power_of_two()?.trailing_zeros();
        let first = self.allocate_singles(table, order as usize, purpose)?;
        for frame in first + count as u32..first + (1 << order) {
            record(table, frame).set_inner();
            self.free_block(table, frame, 0);
        }
        Some(first)
    }

    /// Gives an allocated block back, whatever its reference count says.
    ///
    /// # Errors
    /// [`FrameError`] if no allocated block starts at `frame`.
    pub fn free(
        &mut self,
        table: &FrameTable<'_>,
        frame: FrameNumber,
    ) -> Result<(), FrameError> {
        let record = table.record(frame).ok_or(FrameError::Unknown(frame))?;
        let order =
            record.allocated_order().ok_or(FrameError::NotAllocated(frame))?;
        record.set_inner();
        self.free_block(table, frame, order);
        Ok(())
    }

    fn may_take(&self, count: usize, purpose: FrameUse) -> bool {
        let kept = match purpose {
            FrameUse::File => 4 * self.stats.reserve,
            FrameUse::User => self.stats.reserve,
            FrameUse::Kernel => 0,
        };
        self.stats.free >= kept + count
    }

    /// Joins the block with its buddy while that is free, then lists it.
    fn free_block(
        &mut self,
        table: &FrameTable<'_>,
        mut frame: FrameNumber,
        mut order: usize,
    ) {
        self.stats.free += 1 << order;
        while order + 1 < ORDERS {
            let buddy = frame ^ (1 << order);
            let other = table.record_near(frame, buddy);
            if other.and_then(Record::free_order) != Some(order) {
                break;
            }
            self.unlink(table, buddy, order);
            frame = frame.min(buddy);
            order += 1;
        }
        self.link(table, frame, order);
    }

    fn link(&mut self, table: &FrameTable<'_>, frame: u32, order: usize) {
        let next = self.heads[order];
        record(table, frame).set_free(order, next, NONE);
        if next != NONE {
            record(table, next).set_previous(frame);
        }
        self.heads[order] = frame;
        self.filled |= 1 << order;
    }

    fn unlink(&mut self, table: &FrameTable<'_>, frame: u32, order: usize) {
        let own = record(table, frame);
        let (next, previous) = (own.next(), own.previous());
        own.set_inner();
        if next != NONE {
            record(table, next).set_previous(previous);
        }
        if previous != NONE {
            record(table, previous).set_next(next);
            return;
        }
        self.heads[order] = next;
        if next == NONE {
            self.filled &= !(1 << order);
        }
    }
}

/// The order of the largest block that starts at `frame`, is aligned to its
/// size and has at most `count` frames (at least one).
fn largest_block(frame: FrameNumber, count: u32) -> usize {
    let aligned = frame.trailing_zeros();
    let fitting = count.ilog2();
    aligned.min(fitting).min(ORDERS as u32 - 1) as usize
}

/// The record of a frame that is known to be RAM.
fn record<'t>(table: &'t FrameTable<'_>, frame: FrameNumber) -> &'t Record {
    table.record(frame).expect("a listed frame is in the table")
}
