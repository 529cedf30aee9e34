//! The heap: a free list for each small size over `brk`, and `mmap` for
//! what is large.
//!
//! Small blocks are powers of two from 16 to 2048 bytes and are never given
//! back to the kernel; large ones are whole mappings and go back at once.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use spin::Mutex;

use crate::memory;

const SMALLEST: usize = 16;
const LARGEST: usize = 2048;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;
/// How much the break moves at a time.
const STEP: usize = 16 * 1024;

/// A free block holds the address of the next.
struct FreeBlock {
    next: Option<NonNull<FreeBlock>>,
}

struct Heap {
    free: [Option<NonNull<FreeBlock>>; CLASSES],
    /// What was taken from `brk` and not cut into blocks yet.
    next: usize,
    end: usize,
}

// SAFETY: the pointers lead to blocks that only the heap owns.
unsafe impl Send for Heap {}

struct Allocator(Mutex<Heap>);

#[global_allocator]
static ALLOCATOR: Allocator =
    Allocator(Mutex::new(Heap { free: [None; CLASSES], next: 0, end: 0 }));

/// The class for a size, or `None` for a large one.
fn class(layout: Layout) -> Option<usize> {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    let class = size.next_power_of_two().ilog2() - SMALLEST.ilog2();
    (size <= LARGEST).then_some(class as usize)
}

impl Heap {
    fn take(&mut self, class: usize) -> *mut u8 {
        let Some(block) = self.free[class] else {
            return self.cut(SMALLEST << class);
        };
        // SAFETY: a block on the list is free and starts with a link.
        self.free[class] = unsafe { block.read() }.next;
        block.as_ptr().cast()
    }

    fn put(&mut self, class: usize, block: *mut u8) {
        let Some(block) = NonNull::new(block.cast::<FreeBlock>()) else {
            return;
        };
        let link = FreeBlock { next: self.free[class].replace(block) };
        // SAFETY: the block was given up by its owner and is large and
        // aligned enough for a link (SMALLEST).
        unsafe { block.write(link) }
    }

    /// A new block of `size` bytes, aligned to its size.
    fn cut(&mut self, size: usize) -> *mut u8 {
        let start = self.next.next_multiple_of(size);
        if self.end == 0 || start + size > self.end {
            return if self.grow() { self.cut(size) } else { ptr::null_mut() };
        }
        self.next = start + size;
        start as *mut u8
    }

    fn grow(&mut self) -> bool {
        if self.end == 0 {
            self.next = memory::move_break(0).unwrap_or(0);
            self.end = self.next;
        }
        let wanted = (self.end + STEP).next_multiple_of(memory::PAGE_SIZE);
        let grown = memory::move_break(wanted) == Ok(wanted);
        if grown {
            self.end = wanted;
        }
        grown
    }
}

// SAFETY: blocks are aligned to their size, which is at least the layout's
// size and alignment, and a block is handed out once until it comes back.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class(layout) {
            Some(class) => self.0.lock().take(class),
            None if layout.align() > memory::PAGE_SIZE => ptr::null_mut(),
            None => memory::map_anonymous(layout.size())
                .map_or(ptr::null_mut(), |address| address as *mut u8),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match class(layout) {
            Some(class) => self.0.lock().put(class, block),
            // SAFETY: a large block is a mapping of its own, and its owner
            // has given it up.
            None => unsafe { memory::unmap(block as usize, layout.size()) },
        }
    }
}
