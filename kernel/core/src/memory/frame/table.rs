//! One record for each frame, found by frame number; reference counts.

use super::prepared;
use super::span::{
    FrameError, FrameNumber, FrameSpan, MAX_SPANS, NONE, ORDERS,
};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release as ReleaseOrder};

/// What is known about one frame. All zero means: reserved, or inside a
/// block that another frame heads.
///
/// | `head` bits 31..28 | `head` bits 27..0 | `tail` |
/// |---|---|---|
/// | 0: no block starts here | 0 | 0 |
/// | 1..=11: free, order + 1 | next free block | previous free block |
/// | 12: allocated | order, `prepared.rs` | reference count, or its holder's note |
///
/// The lists are written under the lock of [`super::Buddy`]; counts are
/// atomic, since processes that share a frame do not share a lock.
#[derive(Default)]
pub struct Record {
    head: AtomicU32,
    tail: AtomicU32,
}

const TAG_SHIFT: u32 = 28;
const ALLOCATED: u32 = 12;
const ORDER_MASK: u32 = 0xf;

impl Record {
    /// Order of the free block that starts here.
    pub(super) fn free_order(&self) -> Option<usize> {
        let tag = (self.head.load(Relaxed) >> TAG_SHIFT) as usize;
        (1..=ORDERS).contains(&tag).then(|| tag - 1)
    }

    /// Order of the allocated block that starts here.
    pub(super) fn allocated_order(&self) -> Option<usize> {
        let head = self.head.load(Relaxed);
        let is_allocated = head >> TAG_SHIFT == ALLOCATED;
        is_allocated.then_some((head & ORDER_MASK) as usize)
    }

    pub(super) fn set_free(&self, order: usize, next: u32, previous: u32) {
        let tag = order as u32 + 1;
        self.head.store(tag << TAG_SHIFT | next, Relaxed);
        self.tail.store(previous, Relaxed);
    }

    /// Allocated, with one reference.
    pub(super) fn set_allocated(&self, order: usize) {
        self.head.store(ALLOCATED << TAG_SHIFT | order as u32, Relaxed);
        self.tail.store(1, Relaxed);
    }

    pub(super) fn set_inner(&self) {
        self.head.store(0, Relaxed);
        self.tail.store(0, Relaxed);
    }

    pub(super) fn next(&self) -> u32 {
        self.head.load(Relaxed) & NONE
    }

    pub(super) fn previous(&self) -> u32 {
        self.tail.load(Relaxed)
    }

    pub(super) fn set_next(&self, next: u32) {
        let tag = self.head.load(Relaxed) & !NONE;
        self.head.store(tag | next, Relaxed);
    }

    pub(super) fn set_previous(&self, previous: u32) {
        self.tail.store(previous, Relaxed);
    }
}

/// What [`FrameTable::release`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Release {
    /// Others still hold the block.
    Shared,
    /// That was the last reference: the block must go back.
    Last,
}

#[derive(Clone, Copy, Default)]
struct Placed {
    first: FrameNumber,
    count: u32,
    /// Index of the first frame's record.
    base: u32,
}

/// Finds the record of a frame.
pub struct FrameTable<'a> {
    spans: [Placed; MAX_SPANS],
    records: &'a [Record],
}

impl<'a> FrameTable<'a> {
    /// How many records the spans need.
    pub fn records_needed(spans: &[FrameSpan]) -> usize {
        spans.iter().map(|span| span.count as usize).sum()
    }

    /// A table in which every frame is reserved.
    ///
    /// # Panics
    /// If there are more than [`MAX_SPANS`] spans, a frame number at or above
    /// [`super::FRAME_LIMIT`], or too few records.
    pub fn new(spans: &[FrameSpan], records: &'a [Record]) -> Self {
        let mut placed = [Placed::default(); MAX_SPANS];
        let mut base = 0;
        for (slot, span) in placed[..spans.len()].iter_mut().zip(spans) {
            let end = span.first.checked_add(span.count);
            assert!(end.is_some_and(|end| end <= NONE), "frame out of range");
            *slot = Placed { first: span.first, count: span.count, base };
            base += span.count;
        }
        assert!(base as usize <= records.len(), "too few frame records");
        Self { spans: placed, records }
    }

    /// The record of `frame`, or `None` if it is no RAM.
    #[inline(always)]
    pub fn record(&self, frame: FrameNumber) -> Option<&Record> {
        self.locate(frame).map(|(_, record)| record)
    }

    /// The record of `frame`, if `frame` lies in the same span as `near`.
    pub(super) fn record_near(
        &self,
        near: FrameNumber,
        frame: FrameNumber,
    ) -> Option<&Record> {
        let (span, _) = self.locate(near)?;
        let offset = frame.wrapping_sub(span.first);
        if offset >= span.count {
            return None;
        }
        self.records.get((span.base + offset) as usize)
    }

    #[inline(always)]
    fn locate(&self, frame: FrameNumber) -> Option<(&Placed, &Record)> {
        for span in &self.spans {
            let offset = frame.wrapping_sub(span.first);
            if offset < span.count {
                let index = (span.base + offset) as usize;
                return Some((span, self.records.get(index)?));
            }
        }
        None
    }

    /// Frames that have a record, in all spans.
    pub fn frame_count(&self) -> usize {
        self.spans.iter().map(|span| span.count as usize).sum()
    }

    /// Adds a reference to an allocated block.
    #[inline]
    pub fn share(&self, frame: FrameNumber) {
        if let Some(record) = self.record(frame) {
            record.tail.fetch_add(1, Relaxed);
        }
    }

    /// Takes a reference away.
    ///
    /// # Errors
    /// [`FrameError`] if there was none: the block was released twice.
    #[inline]
    pub fn release(&self, frame: FrameNumber) -> Result<Release, FrameError> {
        let record = self.record(frame).ok_or(FrameError::Unknown(frame))?;
        // A sole owner needs no atomic subtraction: nobody can add a
        // reference but through the one that goes away here.
        if record.tail.load(Acquire) == 1 {
            record.tail.store(0, Relaxed);
            return Ok(Release::Last);
        }
        match record.tail.fetch_sub(1, ReleaseOrder) {
            0 => Err(FrameError::NotAllocated(frame)),
            1 => {
                record.tail.load(Acquire);
                Ok(Release::Last)
            }
            _ => Ok(Release::Shared),
        }
    }

    /// References to the block that starts at `frame`.
    #[inline]
    pub fn references(&self, frame: FrameNumber) -> u32 {
        self.record(frame).map_or(0, |record| record.tail.load(Acquire))
    }

    /// Gives a block that was released but not returned to the buddy lists a
    /// new first reference. It is not prepared.
    #[inline]
    pub fn revive(&self, frame: FrameNumber) {
        if let Some(record) = self.record(frame) {
            record.set_allocated(0);
        }
    }

    /// What the only holder of a block noted in place of its references.
    #[inline(never)]
    pub fn note(&self, frame: FrameNumber) -> u32 {
        self.references(frame)
    }

    /// Notes something for a block, which nobody but the caller holds: it is
    /// not to be shared, and 1 is to be noted before it is released.
    #[inline(never)]
    pub fn set_note(&self, frame: FrameNumber, note: u32) {
        if let Some(record) = self.record(frame) {
            record.tail.store(note, Relaxed);
        }
    }

    /// Notes that somebody has stored to the block; cheap unless it was
    /// prepared.
    #[inline(always)]
    pub fn changed(&self, frame: FrameNumber) {
        if let Some(record) = self.record(frame) {
            prepared::changed(&record.head);
        }
    }

    /// Calls `synchronise` unless that was done since the block was changed or
    /// taken. The machine half makes contents fit for instruction fetch by it.
    #[inline]
    pub fn prepare(&self, frame: FrameNumber, synchronise: impl FnOnce()) {
        if let Some(record) = self.record(frame) {
            prepared::prepare(&record.head, synchronise);
        }
    }
}
