//! Slabs: frames that are cut into objects of one size, and which of those
//! are free.
//!
//! A slab is one frame, so that any free frame can become one, and one that
//! holds no object any more is free again. What is known about it is a word
//! beside the frame ([`SlabMemory::word`]): how many objects are taken, and the
//! first free one. A free object tells which one follows it; the first of a
//! slab also tells which slabs come before and after its own in the list of
//! those that have some. So nothing is searched, and objects need no room but
//! their own.
//!
//! ```text
//!  first slab --> [ taken | free | taken | free ]   word: 2 taken, first 1
//!                            |  `--------^  `-> none
//!            previous: none  |
//!                       next v
//!                 [ free | free | taken | free ]    word: 1 taken, first 0
//! ```
//!
//! The machine half (`kernel/machine/src/mm/heap.rs`) keeps a few free objects
//! of each size before it asks here.

use super::PAGE_SIZE;
use super::frame::{FRAME_LIMIT, FrameNumber};

#[cfg(test)]
mod tests;

/// The end of a list of slabs.
const NO_SLAB: FrameNumber = FRAME_LIMIT;
/// The end of a list of objects. The smallest have 16 bytes, so there are 256
/// at the most.
const NO_OBJECT: u32 = 0xffff;

/// What a free object holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FreeObject {
    /// The free object of its slab that follows.
    next: u32,
    /// The slabs around its own. This counts only in the first free object.
    around: [FrameNumber; 2],
}

/// Where slabs are.
pub trait SlabMemory {
    /// What was noted for a slab.
    fn word(&self, slab: FrameNumber) -> u32;

    /// Notes something for a slab.
    fn set_word(&mut self, slab: FrameNumber, word: u32);

    /// What the free object holds that starts so many bytes into its slab.
    fn load(&self, slab: FrameNumber, offset: usize) -> FreeObject;

    /// Stores that.
    fn store(&mut self, slab: FrameNumber, offset: usize, object: FreeObject);
}

/// The slabs of one size.
#[derive(Debug)]
pub struct Slabs {
    size: usize,
    /// First slab with a free object.
    first: FrameNumber,
    /// Slabs in all.
    count: usize,
    /// Objects that are taken.
    taken: usize,
}

/// How many are taken, and which is the first free one.
#[derive(Clone, Copy)]
struct Word {
    taken: u32,
    first: u32,
}

impl Word {
    fn of(memory: &impl SlabMemory, slab: FrameNumber) -> Self {
        let word = memory.word(slab);
        Self { taken: word >> 16, first: word & NO_OBJECT }
    }

    fn note(self, memory: &mut impl SlabMemory, slab: FrameNumber) {
        memory.set_word(slab, self.taken << 16 | self.first);
    }
}

impl Slabs {
    /// No slab of objects of `size` bytes: from 16 to a page.
    pub const fn new(size: usize) -> Self {
        assert!(size >= size_of::<FreeObject>() && size <= PAGE_SIZE);
        Self { size, first: NO_SLAB, count: 0, taken: 0 }
    }

    /// Bytes of an object.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Slabs there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Objects that are taken.
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Objects in a slab.
    pub const fn objects_per_slab(&self) -> usize {
        PAGE_SIZE / self.size
    }

    /// Takes an object: its slab, and where in that it starts. `None` if there
    /// is no free one.
    pub fn take(
        &mut self,
        memory: &mut impl SlabMemory,
    ) -> Option<(FrameNumber, usize)> {
        let slab = self.first;
        if slab == NO_SLAB {
            return None;
        }
        let Word { taken, first } = Word::of(memory, slab);
        let object = self.load(memory, slab, first);
        match object.next {
            NO_OBJECT => self.unlink(memory, object.around),
            next => {
                let second = self.load(memory, slab, next);
                let head = FreeObject { around: object.around, ..second };
                self.store(memory, slab, next, head);
            }
        }
        Word { taken: taken + 1, first: object.next }.note(memory, slab);
        self.taken += 1;
        Some((slab, first as usize * self.size))
    }

    /// Gives an object back that [`Slabs::take`] gave. A slab that holds none
    /// any more is the caller's then.
    #[must_use]
    pub fn put(
        &mut self,
        memory: &mut impl SlabMemory,
        slab: FrameNumber,
        offset: usize,
    ) -> Option<FrameNumber> {
        debug_assert!(offset.is_multiple_of(self.size), "not an object");
        let index = (offset / self.size) as u32;
        let Word { taken, first } = Word::of(memory, slab);
        self.taken -= 1;
        if taken == 1 {
            if first != NO_OBJECT {
                let around = self.load(memory, slab, first).around;
                self.unlink(memory, around);
            }
            self.count -= 1;
            return Some(slab);
        }
        let around = match first {
            NO_OBJECT => self.link(memory, slab),
            first => self.load(memory, slab, first).around,
        };
        self.store(memory, slab, index, FreeObject { next: first, around });
        Word { taken: taken - 1, first: index }.note(memory, slab);
        None
    }

    /// Makes a slab of a frame that the caller gives up.
    pub fn add(&mut self, memory: &mut impl SlabMemory, slab: FrameNumber) {
        let count = self.objects_per_slab() as u32;
        let around = self.link(memory, slab);
        for index in 0..count {
            let is_last = index + 1 == count;
            let next = if is_last { NO_OBJECT } else { index + 1 };
            self.store(memory, slab, index, FreeObject { next, around });
        }
        Word { taken: 0, first: 0 }.note(memory, slab);
        self.count += 1;
    }

    /// Puts a slab before all others; what is around it there.
    fn link(
        &mut self,
        memory: &mut impl SlabMemory,
        slab: FrameNumber,
    ) -> [FrameNumber; 2] {
        let next = core::mem::replace(&mut self.first, slab);
        self.set_around(memory, next, 0, slab);
        [NO_SLAB, next]
    }

    /// Takes the slab out of the list that these are around.
    fn unlink(
        &mut self,
        memory: &mut impl SlabMemory,
        [previous, next]: [FrameNumber; 2],
    ) {
        match previous {
            NO_SLAB => self.first = next,
            previous => self.set_around(memory, previous, 1, next),
        }
        self.set_around(memory, next, 0, previous);
    }

    /// Tells a slab, if there is one, what is on one side of it.
    fn set_around(
        &self,
        memory: &mut impl SlabMemory,
        slab: FrameNumber,
        side: usize,
        neighbour: FrameNumber,
    ) {
        if slab == NO_SLAB {
            return;
        }
        let first = Word::of(memory, slab).first;
        let mut object = self.load(memory, slab, first);
        object.around[side] = neighbour;
        self.store(memory, slab, first, object);
    }

    fn load(
        &self,
        memory: &impl SlabMemory,
        slab: FrameNumber,
        index: u32,
    ) -> FreeObject {
        memory.load(slab, index as usize * self.size)
    }

    fn store(
        &self,
        memory: &mut impl SlabMemory,
        slab: FrameNumber,
        index: u32,
        object: FreeObject,
    ) {
        memory.store(slab, index as usize * self.size, object);
    }
}
