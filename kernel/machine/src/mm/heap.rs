//! The kernel heap.
//!
//! Objects up to a page come from lists of free objects of one size: an
//! allocation that hits takes one object off a list. The lists are short.
//! What they lack and what they have too much moves in batches from and to
//! slabs, single frames, which are given back when they are empty. Larger
//! objects are frames of their own.
//!
//! ```text
//!  a list      <-- a batch -->  slabs        <-- one -->  frames
//!  (two batches at most)        (none empty)
//!  more than a page             <-------- some --------->  frames
//! ```
//!
//! | file | what |
//! |---|---|
//! | `heap/class.rs` | the objects of one size |
//! | `heap/large.rs` | objects of more than a page |
//!
//! Frames for the heap may come from the kernel's reserve
//! ([`FrameUse::Kernel`](super::FrameUse::Kernel)); one of many frames leaves
//! half of that to those of few. So what is small fails only if the reserve is
//! gone: a kernel bug, and a panic. What a program makes large is asked for
//! where it can be refused ([`reserve`], `try_reserve`).

mod class;
mod large;

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;

pub use self::class::ObjectStats;

use self::class::{CLASS_COUNT, Class, LARGEST, class_of};
use super::frame;
use crate::sync::{IrqSpinLock, Rank, debug_check_allocation};

/// What the heap holds, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeapStats {
    /// In objects that are allocated now; each counts with its list's size.
    pub used: usize,
    /// In the heap's frames.
    pub mapped: usize,
}

/// The figures of this moment, for leak tests and `/proc/meminfo`.
pub fn stats() -> HeapStats {
    let (used, pages) = large::stats();
    let mut stats = HeapStats { used, mapped: pages * PAGE_SIZE };
    for objects in class_stats() {
        stats.used += objects.used * objects.size;
        stats.mapped += objects.frames * PAGE_SIZE;
    }
    stats
}

/// The figures of this moment size by size, for `/proc/slabinfo`.
pub fn class_stats() -> [ObjectStats; CLASS_COUNT] {
    let heap = HEAP.0.lock();
    core::array::from_fn(|index| heap.classes[index].stats())
}

/// Pages of all objects that are larger than a page.
pub fn large_pages() -> usize {
    large::stats().1
}

/// Whether an object of this layout is aligned as asked, for the tests.
pub(super) fn is_aligned(layout: Layout) -> bool {
    // SAFETY: the layout is not empty.
    let object = unsafe { HEAP.alloc(layout) };
    // SAFETY: allocated just now, with this layout.
    unsafe { HEAP.dealloc(object, layout) };
    !object.is_null() && object.addr().is_multiple_of(layout.align())
}

/// Whether bytes for which no frames lie side by side are where nothing else
/// is, and come back, for the tests.
pub(super) fn scattered_frames_do(pages: usize) -> bool {
    let Some(object) = large::take_scattered(pages) else { return false };
    let end = object.wrapping_add(pages * PAGE_SIZE - 1);
    let is_whole = crate::arch::selftest::may_write(object.addr())
        && crate::arch::selftest::may_write(end.addr());
    large::put_scattered(object, pages);
    is_whole && !super::map::is_mapped(object.addr())
}

/// Whether a store to an address of the window goes to the frame that is there
/// now, and not to one that was, for the tests.
pub(super) fn unmapped_frames_are_forgotten() -> bool {
    const PATTERN: u8 = 0x5a;
    let Some(first) = large::take_scattered(1) else { return false };
    // SAFETY: the bytes of an object that was taken.
    unsafe { first.write_volatile(0) };
    large::put_scattered(first, 1);
    // The frame that was there is the next one to be given out.
    let Some(frame) = frame::take_for_heap() else { return false };
    let other = super::page::pointer(frame);
    // SAFETY: the frame was taken, so its bytes are this function's.
    unsafe { other.write(PATTERN) };
    let Some(second) = large::take_scattered(1) else { return false };
    // SAFETY: likewise, the bytes of an object that was taken.
    unsafe { second.write_volatile(!PATTERN) };
    // SAFETY: as above.
    let is_untouched = unsafe { other.read_volatile() } == PATTERN;
    large::put_scattered(second, 1);
    frame::release_of_heap(frame);
    is_untouched && first == second
}

/// True if an object of so many bytes does not make memory scarce.
pub fn has_room(size: usize) -> bool {
    frame::has_room(size)
}

/// Makes room in a buffer for so many bytes more, for a program's sake: unless
/// the buffer is small, not from what is scarce.
///
/// # Errors
/// `ENOMEM`; nothing has changed then.
pub fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), Errno> {
    check_growth(bytes.len(), bytes.capacity(), more)?;
    bytes.try_reserve(more).map_err(|_| Errno::ENOMEM)
}

/// As [`reserve`], in a text.
///
/// # Errors
/// Likewise.
pub fn reserve_text(text: &mut String, more: usize) -> Result<(), Errno> {
    check_growth(text.len(), text.capacity(), more)?;
    text.try_reserve(more).map_err(|_| Errno::ENOMEM)
}

/// Fails if a buffer should not grow by so much.
fn check_growth(
    length: usize,
    capacity: usize,
    more: usize,
) -> Result<(), Errno> {
    let needed = length.checked_add(more).ok_or(Errno::ENOMEM)?;
    let size = needed.max(2 * capacity);
    let fits = needed <= capacity || size <= LARGEST || has_room(size);
    fits.then_some(()).ok_or(Errno::ENOMEM)
}

struct KernelHeap(IrqSpinLock<Heap>);

#[global_allocator]
static HEAP: KernelHeap =
    KernelHeap(IrqSpinLock::with_rank(Rank::Heap, Heap::new()));

struct Heap {
    classes: [Class; CLASS_COUNT],
}

// SAFETY: the pointers lead into the heap's frames, which the heap alone owns
// and every CPU maps.
unsafe impl Send for Heap {}

// SAFETY: an object is handed out once until it is given back: it is either
// on a list, in a slab, or with a caller, never in two of these; large ones
// are frames that the caller alone holds.
unsafe impl GlobalAlloc for KernelHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        debug_check_allocation();
        match class_of(layout) {
            Some(class) => {
                let mut heap = self.0.lock();
                match heap.classes[class].take() {
                    Some(object) => object.as_ptr(),
                    None => heap.take_last(class),
                }
            }
            None => self.take_large(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, object: *mut u8, layout: Layout) {
        match class_of(layout) {
            Some(class) => {
                let mut heap = self.0.lock();
                // SAFETY: the caller gives back an object of this layout, so
                // it came from this class.
                unsafe { heap.classes[class].put(object) };
            }
            // SAFETY: likewise, from the frames of large ones.
            None => unsafe { large::put(object, layout) },
        }
    }

    unsafe fn realloc(
        &self,
        object: *mut u8,
        layout: Layout,
        size: usize,
    ) -> *mut u8 {
        let new_layout = Layout::from_size_align(size, layout.align());
        let Ok(new_layout) = new_layout else { return ptr::null_mut() };
        let class = class_of(layout);
        if class.is_some() && class == class_of(new_layout) {
            return object;
        }
        // SAFETY: the layout is valid and, by the caller, not empty.
        let new = unsafe { self.alloc(new_layout) };
        if new.is_null() {
            return new;
        }
        let kept = layout.size().min(size);
        // SAFETY: two distinct objects, each of at least `kept` bytes.
        unsafe { ptr::copy_nonoverlapping(object, new, kept) };
        // SAFETY: the caller gives the old object up.
        unsafe { self.dealloc(object, layout) };
        new
    }
}

impl KernelHeap {
    fn take_large(&self, layout: Layout) -> *mut u8 {
        let object = large::take(layout).or_else(|| {
            self.0.lock().trim();
            large::take(layout)
        });
        object.unwrap_or(ptr::null_mut())
    }
}

impl Heap {
    const fn new() -> Self {
        Self { classes: class::all() }
    }

    /// Gives the slabs back what the lists keep, which may free frames.
    fn trim(&mut self) {
        self.classes.iter_mut().for_each(Class::trim);
    }

    /// An object although there is no frame: there may be one when no list
    /// keeps any.
    #[cold]
    fn take_last(&mut self, class: usize) -> *mut u8 {
        self.trim();
        let object = self.classes[class].take();
        object.map_or(ptr::null_mut(), |object| object.as_ptr())
    }
}

// An object is on a list, or it is whole pages.
const _: () = assert!(LARGEST == PAGE_SIZE);
