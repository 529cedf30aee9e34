//! What the early page tables of `boot.s` stay good for: device registers.
//!
//! The tables of the device window live in the image, so that registers can
//! be mapped before there is any memory to allocate. The final kernel tables
//! link the same level-1 table ([`device_table`]) at the same place, and
//! addresses given out here stay valid for ever.

use core::arch::asm;
use core::sync::atomic::Ordering::{Relaxed, SeqCst};
use core::sync::atomic::{AtomicU64, AtomicUsize};

use super::{cpu, image};

/// Where device registers are mapped: 4 MiB of pages from here.
pub const DEVICE_BASE: usize = 0xffff_b000_0000_0000;

/// Where the device tree is mapped: pages, right after those.
const TREE_WINDOW: usize = DEVICE_BASE + (PAGES << 12);
const PAGE: usize = 4096;
const PAGES: usize = 1024;
/// Page, access flag, device nGnRE, read and write for EL1, never executed.
const DEVICE_PAGE: u64 = 1 << 54 | 1 << 53 | 1 << 10 | 1 << 2 | 0b11;

/// Page, access flag, normal memory, inner shareable, read-only for EL1,
/// never executed.
const TREE_PAGE: u64 = 1 << 54 | 1 << 53 | 1 << 10 | 3 << 8 | 1 << 7 | 0b11;

unsafe extern "C" {
    static device_l3: [AtomicU64; PAGES];
    static tree_l3: [AtomicU64; PAGES];
    static device_l1: u8;
}

/// Pages of the window given out so far.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Maps device registers and returns their virtual address, or `None` if
/// the window is full, the range is none, or the CPU cannot address it.
/// Nothing is ever unmapped.
pub fn map_device(physical: u64, size: usize) -> Option<usize> {
    let offset = physical as usize % PAGE;
    let first = physical - offset as u64;
    let count = offset.checked_add(size)?.div_ceil(PAGE);
    let end = first.checked_add(count.checked_mul(PAGE)? as u64)?;
    let is_beyond = end > 1 << cpu::physical_bits();
    if count == 0 || count > PAGES || is_beyond {
        return None;
    }
    let take = |used| (used + count <= PAGES).then_some(used + count);
    let start = USED.fetch_update(Relaxed, Relaxed, take).ok()?;
    // SAFETY: the table is part of the image and only ever accessed here,
    // through atomics.
    let table = unsafe { &device_l3 };
    for (index, entry) in table[start..start + count].iter().enumerate() {
        let page = first + (index * PAGE) as u64;
        entry.store(page | DEVICE_PAGE, Relaxed);
    }
    // SAFETY: orders the stores before the table walks that need them; no
    // TLB maintenance, since the entries were invalid before.
    unsafe { asm!("dsb ishst", "isb", options(nostack)) };
    Some(DEVICE_BASE + start * PAGE + offset)
}

/// The physical address behind an address that [`map_device`] gave out.
pub fn device_at(address: usize) -> Option<u64> {
    let page = address.checked_sub(DEVICE_BASE)? / PAGE;
    // SAFETY: as in `map_device`.
    let entry = unsafe { &device_l3 }.get(page)?.load(Relaxed);
    let frame = entry & ((1 << 48) - PAGE as u64);
    (entry != 0).then(|| frame + (address % PAGE) as u64)
}

/// Physical address of the device window's level-1 table, which belongs in
/// entry 0x160 of every kernel level-0 table.
pub fn device_table() -> usize {
    image::to_physical((&raw const device_l1).addr())
}

/// Makes every kernel address go through the tables whose level 0 is at
/// this physical address.
///
/// # Safety
/// The tables must map the image and the device window where the ones in
/// use map them, and no other CPU may run.
pub unsafe fn replace_kernel_tables(root: usize) {
    unsafe extern "C" {
        fn replace_ttbr1(root: usize, load_address: usize);
    }
    // SAFETY: the caller answers for the tables; TTBR0 still holds the
    // identity map that the function needs meanwhile.
    unsafe { replace_ttbr1(root, image::physical().start) };
}

/// Maps `size` bytes of the device tree at this physical address, page by
/// page, so that nothing beside it is mapped; a device or firmware may follow.
/// `None` if the window is too small. The caller may ask again for a larger size.
///
/// # Safety
/// Nobody may write to the memory as long as the kernel runs.
pub(super) unsafe fn map_tree(
    physical: usize,
    size: usize,
) -> Option<&'static [u8]> {
    let (offset, first) = (physical % PAGE, physical - physical % PAGE);
    let count = offset.checked_add(size)?.div_ceil(PAGE);
    // SAFETY: the table is part of the image and only ever accessed here,
    // through atomics.
    let table = unsafe { &tree_l3 };
    for (index, entry) in table.get(..count)?.iter().enumerate() {
        let page = (first + index * PAGE) as u64;
        entry.store(page | TREE_PAGE, Relaxed);
    }
    // SAFETY: as in `map_device`.
    unsafe { asm!("dsb ishst", "isb", options(nostack)) };
    let start = (TREE_WINDOW + offset) as *const u8;
    // SAFETY: just mapped, for ever; nobody writes to it (caller).
    Some(unsafe { core::slice::from_raw_parts(start, size) })
}

/// Full barrier, also for table walks.
pub fn synchronize() {
    core::sync::atomic::fence(SeqCst);
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
}
