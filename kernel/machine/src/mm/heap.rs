//! The kernel heap.
//!
//! Objects up to 4 KiB come from lists of free objects of one size: an
//! allocation that hits takes one object off a list. What the lists lack,
//! and larger objects, come from `linked_list_allocator`, which searches a
//! list of holes in a window of addresses; the window grows by mapping
//! frames and never shrinks. Objects given back stay on their list.
//!
//! Frames for the heap may come from the kernel's reserve
//! ([`FrameUse::Kernel`]); one of many frames leaves half of that to those of
//! few. So what is small fails only if the reserve is gone: a kernel bug, and
//! a panic. What a program makes large is asked for where it can be refused
//! ([`reserve`], `try_reserve`).

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use alloc::vec::Vec;
use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameUse;
use linked_list_allocator::Heap as HoleList;

use super::map::{HEAP_BASE, Window};
use super::{frame, tlb};
use crate::sync::{IrqSpinLock, Rank, debug_check_allocation};

/// Object sizes with a list, in bytes. All are multiples of 16; powers of
/// two are aligned to themselves.
const SIZES: [usize; 16] = [
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072,
    4096,
];
/// Largest size with a list.
const LARGEST: usize = SIZES[SIZES.len() - 1];
/// Index in [`SIZES`] for every size, in units of 16 bytes rounded up.
const CLASSES: [u8; LARGEST / 16 + 1] = classes();
/// Bytes the window grows by at least.
const GROWTH: usize = 64 * 1024;
/// Bytes of the window: more than any machine has RAM.
const WINDOW: usize = 1 << 39;

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

/// What the heap holds, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HeapStats {
    /// In objects that are allocated now; each counts with its list's size.
    pub used: usize,
    /// In frames mapped to the heap's window.
    pub mapped: usize,
}

/// The objects of one size: how many, in use and in all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectStats {
    /// Bytes of one; 1 for all that is larger than the largest list's, which
    /// is counted in bytes.
    pub size: usize,
    /// Allocated now.
    pub used: usize,
    /// Allocated or free.
    pub total: usize,
}

/// The figures of this moment, for leak tests and `/proc/meminfo`.
pub fn stats() -> HeapStats {
    let heap = HEAP.0.lock();
    let objects = heap.classes.iter().zip(SIZES);
    let small: usize = objects.map(|(class, size)| class.used * size).sum();
    HeapStats { used: heap.large + small, mapped: heap.mapped }
}

/// The figures of this moment size by size, for `/proc/slabinfo`; what is
/// larger than [`LARGEST`] comes last, with all memory in no list.
pub fn object_stats() -> [ObjectStats; SIZES.len() + 1] {
    let heap = HEAP.0.lock();
    let in_lists: usize = heap.classes.iter().map(|class| class.bytes).sum();
    core::array::from_fn(|index| match heap.classes.get(index) {
        Some(class) => {
            let size = SIZES[index];
            ObjectStats { size, used: class.used, total: class.bytes / size }
        }
        None => {
            let total = heap.mapped - in_lists;
            ObjectStats { size: 1, used: heap.large, total }
        }
    })
}

/// Whether an object of this layout is aligned as asked, for the tests.
pub(super) fn is_aligned(layout: Layout) -> bool {
    // SAFETY: the layout is not empty.
    let object = unsafe { HEAP.alloc(layout) };
    // SAFETY: allocated just now, with this layout.
    unsafe { HEAP.dealloc(object, layout) };
    !object.is_null() && object.addr().is_multiple_of(layout.align())
}

/// True if an object of so many bytes does not make memory scarce.
pub fn has_room(size: usize) -> bool {
    frame::has_room(size) || HEAP.0.lock().has_hole(size)
}

/// Makes room in a buffer for so many bytes more, for a program's sake: unless
/// the buffer is small, not from what is scarce.
///
/// # Errors
/// `ENOMEM`; nothing has changed then.
pub fn reserve(bytes: &mut Vec<u8>, more: usize) -> Result<(), Errno> {
    let needed = bytes.len().checked_add(more).ok_or(Errno::ENOMEM)?;
    if needed <= bytes.capacity() {
        return Ok(());
    }
    let size = needed.max(2 * bytes.capacity());
    if size > LARGEST && !has_room(size) {
        return Err(Errno::ENOMEM);
    }
    bytes.try_reserve(more).map_err(|_| Errno::ENOMEM)
}

struct KernelHeap(IrqSpinLock<Heap>);

#[global_allocator]
static HEAP: KernelHeap =
    KernelHeap(IrqSpinLock::with_rank(Rank::Heap, Heap::new()));

/// Objects of one size: a list of free ones, and a run of bytes that never
/// were objects yet.
#[derive(Clone, Copy)]
struct Class {
    free: *mut FreeObject,
    fresh: usize,
    fresh_end: usize,
    /// Objects that are allocated now.
    used: usize,
    /// Bytes of all runs so far.
    bytes: usize,
}

/// A free object holds the address of the next one.
struct FreeObject {
    next: *mut FreeObject,
}

struct Heap {
    classes: [Class; SIZES.len()],
    holes: HoleList,
    window: Window,
    mapped: usize,
    /// Bytes of objects without a list.
    large: usize,
}

// SAFETY: the pointers lead into the heap's window, which the heap alone
// owns and every CPU maps.
unsafe impl Send for Heap {}

// SAFETY: an object is handed out once until it is given back: it is either
// on a list, in a hole, or with a caller, never in two of these.
unsafe impl GlobalAlloc for KernelHeap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        debug_check_allocation();
        let mut heap = self.0.lock();
        match class_of(layout) {
            Some(class) => heap.take(class),
            None => heap.take_large(layout),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, object: *mut u8, layout: Layout) {
        let mut heap = self.0.lock();
        match class_of(layout) {
            // SAFETY: the caller gives back an object of this layout, so
            // it came from this class.
            Some(class) => unsafe { heap.put(class, object) },
            // SAFETY: likewise, from the holes.
            None => unsafe { heap.put_large(object, layout) },
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

/// The class for a layout, if it has one. An alignment above 16 is met by
/// taking a power of two.
#[inline(always)]
fn class_of(layout: Layout) -> Option<usize> {
    let mut size = layout.size();
    if layout.align() > 16 {
        size = size.max(layout.align()).next_power_of_two();
    }
    let class = CLASSES.get(size.div_ceil(16))?;
    Some(*class as usize)
}

impl Heap {
    const fn new() -> Self {
        let empty = Class {
            free: ptr::null_mut(),
            fresh: 0,
            fresh_end: 0,
            used: 0,
            bytes: 0,
        };
        Self {
            classes: [empty; SIZES.len()],
            holes: HoleList::empty(),
            window: Window::new(HEAP_BASE),
            mapped: 0,
            large: 0,
        }
    }

    #[inline(always)]
    fn take(&mut self, class: usize) -> *mut u8 {
        let list = &mut self.classes[class];
        let Some(first) = NonNull::new(list.free) else {
            return self.take_fresh(class);
        };
        // SAFETY: a free object of this class; `put` wrote its link.
        list.free = unsafe { first.as_ref() }.next;
        list.used += 1;
        first.as_ptr().cast()
    }

    /// Cuts a new object; makes room for more first if need be.
    fn take_fresh(&mut self, class: usize) -> *mut u8 {
        let size = SIZES[class];
        let list = &self.classes[class];
        if list.fresh_end - list.fresh < size && !self.refresh(class) {
            return ptr::null_mut();
        }
        let list = &mut self.classes[class];
        let object = list.fresh;
        list.fresh += size;
        list.used += 1;
        ptr::with_exposed_provenance_mut(object)
    }

    /// Gives a class a new run of bytes. The rest of its old one is too
    /// short for an object, and lost.
    #[cold]
    fn refresh(&mut self, class: usize) -> bool {
        let size = if SIZES[class] < 1024 { PAGE_SIZE } else { 3 * PAGE_SIZE };
        let Ok(layout) = Layout::from_size_align(size, PAGE_SIZE) else {
            return false;
        };
        let Some(run) = self.cut(layout) else { return false };
        let start = run.as_ptr().expose_provenance();
        let list = &mut self.classes[class];
        (list.fresh, list.fresh_end) = (start, start + size);
        list.bytes += size;
        true
    }

    /// # Safety
    /// `object` came from [`Heap::take`] of this class, and its user gives
    /// it up.
    #[inline(always)]
    unsafe fn put(&mut self, class: usize, object: *mut u8) {
        let list = &mut self.classes[class];
        let object = object.cast::<FreeObject>();
        // SAFETY: at least 16 bytes, aligned to 16, and nobody else's.
        unsafe { object.write(FreeObject { next: list.free }) };
        list.free = object;
        list.used -= 1;
    }

    fn take_large(&mut self, layout: Layout) -> *mut u8 {
        let Some(object) = self.cut(layout) else { return ptr::null_mut() };
        self.large += layout.size();
        object.as_ptr()
    }

    /// # Safety
    /// `object` came from [`Heap::take_large`] with this layout, and its user
    /// gives it up.
    unsafe fn put_large(&mut self, object: *mut u8, layout: Layout) {
        let Some(object) = NonNull::new(object) else { return };
        self.large -= layout.size();
        // SAFETY: it came from `cut` with this layout.
        unsafe { self.holes.deallocate(object, layout) }
    }

    /// True if the holes have room for so many bytes in one place.
    fn has_hole(&mut self, size: usize) -> bool {
        let Ok(layout) = Layout::from_size_align(size, 16) else {
            return false;
        };
        let found = self.holes.allocate_first_fit(layout);
        if let Ok(object) = found {
            // SAFETY: it came from the holes just now, with this layout.
            unsafe { self.holes.deallocate(object, layout) };
        }
        found.is_ok()
    }

    /// Takes bytes out of the holes; grows the window if none fits.
    fn cut(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if let Ok(found) = self.holes.allocate_first_fit(layout) {
            return Some(found);
        }
        let most = layout.size().checked_add(layout.align())?;
        self.grow(most.checked_add(PAGE_SIZE)?)?;
        self.holes.allocate_first_fit(layout).ok()
    }

    /// Maps at least `size` bytes more.
    #[cold]
    fn grow(&mut self, size: usize) -> Option<()> {
        let size = size.max(GROWTH).next_multiple_of(PAGE_SIZE);
        if size > WINDOW - self.mapped {
            return None;
        }
        if size > GROWTH && !frame::has_half_reserve(size) {
            return None;
        }
        let start = HEAP_BASE + self.mapped;
        for page in 0..size / PAGE_SIZE {
            if self.map_page(start + page * PAGE_SIZE).is_none() {
                self.unmap_pages(start, page);
                return None;
            }
        }
        tlb::publish();
        self.extend(size);
        Some(())
    }

    fn map_page(&mut self, address: usize) -> Option<()> {
        let frame = frame::alloc(FrameUse::Kernel)?;
        self.window.map(address, frame.number()).ok()?;
        frame.into_number();
        Some(())
    }

    /// Takes pages away that were mapped in vain.
    fn unmap_pages(&mut self, start: usize, count: usize) {
        for page in 0..count {
            let address = start + page * PAGE_SIZE;
            let frame = self.window.unmap(address);
            tlb::flush_kernel(address..address + PAGE_SIZE);
            frame.into_iter().for_each(frame::release);
        }
    }

    fn extend(&mut self, size: usize) {
        if self.mapped == 0 {
            let start = ptr::with_exposed_provenance_mut(HEAP_BASE);
            // SAFETY: mapped just now, used by nobody else, stays mapped;
            // `mapped` says that this happens once.
            unsafe { self.holes.init(start, size) };
        } else {
            // SAFETY: mapped just now, right after what the list has.
            unsafe { self.holes.extend(size) };
        }
        self.mapped += size;
    }
}
