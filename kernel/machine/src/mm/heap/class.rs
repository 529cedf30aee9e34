//! The objects of one size: two short lists of free ones, then slabs.
//!
//! Objects come from and go to the *loaded* list. When it is empty the spare
//! one takes its place, when it is full the spare one is emptied into the
//! slabs first. So a program that makes and drops the same few objects again
//! and again moves none, and whatever it does, a batch moves once in so many
//! times.

use core::alloc::Layout;
use core::mem;
use core::ptr::{self, NonNull};

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameNumber;
use kernel_core::memory::slab::{FreeObject, SlabMemory, Slabs};

use crate::mm::{frame, page};

/// Object sizes, in bytes. All are multiples of 16; powers of two are aligned
/// to themselves.
const SIZES: [usize; CLASS_COUNT] = [
    16, 32, 48, 64, 96, 128, 192, 256, 336, 400, 512, 672, 816, 1024, 1360,
    2048, 4096,
];
/// How many sizes there are.
pub(super) const CLASS_COUNT: usize = 17;
/// Largest of the sizes.
pub(super) const LARGEST: usize = SIZES[CLASS_COUNT - 1];
/// Index in [`SIZES`] for every size, in units of 16 bytes rounded up.
const CLASSES: [u8; LARGEST / 16 + 1] = classes();
/// Bytes that a list holds, unless that were more than [`MOST_IN_BATCH`] or
/// less than [`LEAST_IN_BATCH`] objects.
const BATCH_BYTES: usize = 2 * PAGE_SIZE;
const MOST_IN_BATCH: usize = 32;
const LEAST_IN_BATCH: usize = 4;

const fn classes() -> [u8; LARGEST / 16 + 1] {
    let mut table = [0; LARGEST / 16 + 1];
    let (mut unit, mut class) = (0, 0);
    while unit < table.len() {
        if unit * 16 > SIZES[class] {
            class += 1;
        }
        table[unit] = class as u8;
        unit += 1;
    }
    table
}

/// The class for a layout, if it has one. An alignment above 16 is met by
/// taking a power of two.
#[inline(always)]
pub(super) fn class_of(layout: Layout) -> Option<usize> {
    let mut size = layout.size();
    if layout.align() > 16 {
        size = size.max(layout.align()).next_power_of_two();
    }
    let class = CLASSES.get(size.div_ceil(16))?;
    Some(*class as usize)
}

/// The objects of one size: how many, in use and in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectStats {
    /// Bytes of one.
    pub size: usize,
    /// Allocated now.
    pub used: usize,
    /// Allocated or free.
    pub total: usize,
    /// Frames they are in.
    pub frames: usize,
}

/// Every class, without a frame.
pub(super) const fn all() -> [Class; CLASS_COUNT] {
    let mut all = [const { Class::new(LARGEST) }; CLASS_COUNT];
    let mut index = 0;
    while index < CLASS_COUNT {
        all[index] = Class::new(SIZES[index]);
        index += 1;
    }
    all
}

/// An object on a list holds the address of the next one.
struct Link {
    next: *mut Link,
}

/// Free objects.
struct List {
    first: *mut Link,
    count: usize,
}

impl List {
    const fn new() -> Self {
        Self { first: ptr::null_mut(), count: 0 }
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<NonNull<u8>> {
        let first = NonNull::new(self.first)?;
        // SAFETY: an object on the list; `push` wrote its link.
        self.first = unsafe { first.as_ref() }.next;
        self.count -= 1;
        Some(first.cast())
    }

    /// # Safety
    /// `object` is free, of 16 bytes at least, and on no list.
    #[inline(always)]
    unsafe fn push(&mut self, object: *mut u8) {
        let object = object.cast::<Link>();
        // SAFETY: at least 16 bytes, aligned to 16, and nobody else's.
        unsafe { object.write(Link { next: self.first }) };
        self.first = object;
        self.count += 1;
    }
}

/// Objects of one size.
pub(super) struct Class {
    loaded: List,
    spare: List,
    /// Most objects of a list.
    batch: usize,
    slabs: Slabs,
}

impl Class {
    const fn new(size: usize) -> Self {
        let fitting = BATCH_BYTES / size;
        let batch = match fitting {
            ..LEAST_IN_BATCH => LEAST_IN_BATCH,
            MOST_IN_BATCH.. => MOST_IN_BATCH,
            _ => fitting,
        };
        let (loaded, spare) = (List::new(), List::new());
        Self { loaded, spare, batch, slabs: Slabs::new(size) }
    }

    pub(super) fn stats(&self) -> ObjectStats {
        let slabs = &self.slabs;
        ObjectStats {
            size: slabs.size(),
            used: slabs.taken() - self.loaded.count - self.spare.count,
            total: slabs.count() * slabs.objects_per_slab(),
            frames: slabs.count(),
        }
    }

    /// An object; `None` if there is no frame to cut some from.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<NonNull<u8>> {
        match self.loaded.pop() {
            None => self.take_slowly(),
            some => some,
        }
    }

    #[cold]
    fn take_slowly(&mut self) -> Option<NonNull<u8>> {
        mem::swap(&mut self.loaded, &mut self.spare);
        while self.loaded.count < self.batch {
            let object = match self.take_from_slab() {
                Some(object) => object,
                // One slab is enough: the list may stay shorter.
                None if self.loaded.count > 0 => break,
                None => {
                    let slab = frame::take_for_heap()?;
                    self.slabs.add(&mut Frames, slab);
                    continue;
                }
            };
            // SAFETY: it is free: the slabs gave it up.
            unsafe { self.loaded.push(object) };
        }
        self.loaded.pop()
    }

    fn take_from_slab(&mut self) -> Option<*mut u8> {
        let (slab, offset) = self.slabs.take(&mut Frames)?;
        Some(page::pointer(slab).wrapping_add(offset))
    }

    /// # Safety
    /// `object` came from [`Class::take`], and its user gives it up.
    #[inline(always)]
    pub(super) unsafe fn put(&mut self, object: *mut u8) {
        if self.loaded.count == self.batch {
            self.make_room();
        }
        // SAFETY: the caller gives it up, so that it is free.
        unsafe { self.loaded.push(object) };
    }

    #[cold]
    fn make_room(&mut self) {
        mem::swap(&mut self.loaded, &mut self.spare);
        while let Some(object) = self.loaded.pop() {
            self.put_into_slab(object);
        }
    }

    /// Leaves nothing on the lists.
    pub(super) fn trim(&mut self) {
        self.make_room();
        self.make_room();
    }

    fn put_into_slab(&mut self, object: NonNull<u8>) {
        let (slab, offset) = page::place(object.as_ptr());
        let empty = self.slabs.put(&mut Frames, slab, offset);
        if let Some(frame) = empty {
            frame::set_note(frame, 1);
            frame::release_of_heap(frame);
        }
    }
}

/// How the rules reach slabs: through the linear map, and the frames' records.
struct Frames;

impl SlabMemory for Frames {
    #[inline]
    fn word(&self, slab: FrameNumber) -> u32 {
        frame::note(slab)
    }

    #[inline]
    fn set_word(&mut self, slab: FrameNumber, word: u32) {
        frame::set_note(slab, word);
    }

    #[inline]
    fn load(&self, slab: FrameNumber, offset: usize) -> FreeObject {
        let object = page::pointer(slab).wrapping_add(offset).cast();
        // SAFETY: a free object of a slab, which `store` was called for: the
        // rules load nothing else.
        unsafe { ptr::read(object) }
    }

    #[inline]
    fn store(&mut self, slab: FrameNumber, offset: usize, object: FreeObject) {
        let place = page::pointer(slab).wrapping_add(offset).cast();
        // SAFETY: a free object of a slab, at least 16 bytes and aligned to
        // them, which nobody else uses.
        unsafe { ptr::write(place, object) };
    }
}
