//! The program break: the end of the data segment that `brk` moves.

use core::ops::Range;

use super::{Backing, HIGHEST, RegionMap, STACK_GUARD};
use crate::memory::page_ceiling;

/// The break of one process. Pages from `start` to the break, rounded up,
/// are mapped as anonymous memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Break {
    start: usize,
    current: usize,
}

/// What the caller must do to make a new break true.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum BreakChange {
    /// The break stays as it is.
    Refused,
    /// Only the break moves; the same pages are mapped.
    None,
    /// Map these pages, then [`Break::set`].
    Grow(Range<usize>),
    /// Unmap these pages, then [`Break::set`].
    Shrink(Range<usize>),
}

impl Break {
    /// An empty heap that begins at `start`, the end of the program's data.
    pub const fn new(start: usize) -> Self {
        Self { start, current: start }
    }

    /// Where the heap begins.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// The break: one past the last byte of the heap.
    pub const fn current(&self) -> usize {
        self.current
    }

    /// What moving the break to `new` means. A growing heap stops short of
    /// the next region.
    pub fn request<B: Backing>(
        &self,
        regions: &RegionMap<B>,
        new: usize,
    ) -> BreakChange {
        let pages = (page_ceiling(self.current), page_ceiling(new));
        let (Some(old_end), Some(new_end)) = pages else {
            return BreakChange::Refused;
        };
        if new < self.start || new_end > HIGHEST {
            return BreakChange::Refused;
        }
        if new_end < old_end {
            return BreakChange::Shrink(new_end..old_end);
        }
        if new_end == old_end {
            return BreakChange::None;
        }
        let guarded = (new_end + STACK_GUARD).min(HIGHEST);
        if regions.is_free(old_end..guarded) {
            BreakChange::Grow(old_end..new_end)
        } else {
            BreakChange::Refused
        }
    }

    /// Moves the break after [`Break::request`] was carried out.
    pub fn set(&mut self, new: usize) {
        self.current = new;
    }
}
