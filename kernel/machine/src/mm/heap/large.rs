//! Objects of more than a page: frames of their own.
//!
//! They lie side by side in the linear map if there are such. If there are
//! not, since memory is in pieces, any frames are mapped side by side in the
//! heap's window of addresses. Addresses of the window are used again, by
//! objects of as many pages (rounded up to a power of two); the list of those
//! that are free is kept in page table entries, which lead nowhere meanwhile.
//!
//! No lock is held longer than for one page, or for one run of frames.

use core::alloc::Layout;
use core::ptr;
use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::{FrameNumber, FrameUse};

use crate::mm::map::{HEAP_BASE, Window};
use crate::mm::{frame, page, tlb};
use crate::sync::{IrqSpinLock, Rank};

/// An object of more pages leaves half of the kernel's reserve to others.
const FEW: usize = 16;
/// Bytes of the window: more than any machine has RAM.
const WINDOW: usize = 1 << 39;
/// Sizes of objects in the window: 2^n pages each.
const ORDERS: usize = 27;

/// Bytes asked for, and pages they take.
static USED: AtomicUsize = AtomicUsize::new(0);
static PAGES: AtomicUsize = AtomicUsize::new(0);

static SCATTERED: IrqSpinLock<Scattered> =
    IrqSpinLock::with_rank(Rank::KernelMap, Scattered::new());

/// The window's addresses: which frame is where, and what is free.
struct Scattered {
    window: Window,
    /// Nothing has been at these and later addresses yet.
    end: usize,
    /// The first free addresses for 2^n pages, 0 for none; what follows is
    /// noted in the entry of their first page.
    free: [usize; ORDERS],
}

impl Scattered {
    const fn new() -> Self {
        let window = Window::new(HEAP_BASE);
        Self { window, end: HEAP_BASE, free: [0; ORDERS] }
    }

    /// Takes addresses for 2^`order` pages.
    fn take(&mut self, order: usize) -> Option<usize> {
        let first = self.free.get_mut(order)?;
        if *first != 0 {
            let next = self.window.note(*first);
            return Some(core::mem::replace(first, next));
        }
        let (start, size) = (self.end, PAGE_SIZE << order);
        if size > HEAP_BASE + WINDOW - start {
            return None;
        }
        self.end += size;
        Some(start)
    }

    /// Gives them back. If no page was ever mapped there, for want of a table,
    /// they are lost; there are more than memory.
    fn put(&mut self, order: usize, start: usize) {
        if self.window.set_note(start, self.free[order]) {
            self.free[order] = start;
        }
    }
}

/// Bytes asked for, and pages they take.
pub(super) fn stats() -> (usize, usize) {
    (USED.load(Relaxed), PAGES.load(Relaxed))
}

/// Takes an object; `None` if memory is short, or for an alignment of more
/// than a page.
#[cold]
pub(super) fn take(layout: Layout) -> Option<*mut u8> {
    let pages = layout.size().div_ceil(PAGE_SIZE);
    if layout.align() > PAGE_SIZE {
        return None;
    }
    if pages > FEW && !frame::has_half_reserve(layout.size()) {
        return None;
    }
    let object = match frame::alloc_run(pages, FrameUse::Kernel) {
        Some(first) => page::pointer(first),
        None => take_scattered(pages)?,
    };
    USED.fetch_add(layout.size(), Relaxed);
    PAGES.fetch_add(pages, Relaxed);
    Some(object)
}

/// # Safety
/// `object` came from [`take`] with this layout, and its user gives it up.
#[cold]
pub(super) unsafe fn put(object: *mut u8, layout: Layout) {
    let pages = layout.size().div_ceil(PAGE_SIZE);
    USED.fetch_sub(layout.size(), Relaxed);
    PAGES.fetch_sub(pages, Relaxed);
    if object.addr() >= HEAP_BASE {
        return put_scattered(object, pages);
    }
    let (first, _) = page::place(object);
    (first..first + pages as FrameNumber).for_each(frame::release_of_heap);
}

/// Maps frames, wherever they are, side by side.
pub(super) fn take_scattered(pages: usize) -> Option<*mut u8> {
    let order = pages.checked_next_power_of_two()?.trailing_zeros() as usize;
    let start = SCATTERED.lock().take(order)?;
    for page in 0..pages {
        if map_page(start + page * PAGE_SIZE).is_none() {
            give_up(start, page, order);
            return None;
        }
    }
    tlb::publish();
    Some(ptr::with_exposed_provenance_mut(start))
}

/// Takes the frames away that [`take_scattered`] mapped.
pub(super) fn put_scattered(object: *mut u8, pages: usize) {
    let order = pages.next_power_of_two().trailing_zeros() as usize;
    give_up(object.addr(), pages, order);
}

fn map_page(address: usize) -> Option<()> {
    let frame = frame::take_for_heap()?;
    let mapped = SCATTERED.lock().window.map(address, frame);
    if mapped.is_err() {
        frame::release_of_heap(frame);
    }
    mapped.ok()
}

fn give_up(start: usize, pages: usize, order: usize) {
    for page in 0..pages {
        let address = start + page * PAGE_SIZE;
        let frame = SCATTERED.lock().window.unmap(address);
        tlb::flush_kernel(address..address + PAGE_SIZE);
        frame.into_iter().for_each(frame::release_of_heap);
    }
    SCATTERED.lock().put(order, start);
}
