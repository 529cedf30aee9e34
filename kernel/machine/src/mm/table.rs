//! Page tables in memory: how the walker of kernel-core reaches them.
//!
//! Two kinds. [`KernelTables`] are never freed; the first ones come from the
//! image, so that the kernel's map can be built before there are frames.
//! [`UserTables`] belong to one address space, which frees all of them when
//! it ends without looking for them: it keeps a list.

use alloc::vec::Vec;
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use kernel_core::memory::frame::{FrameNumber, FrameUse};
use kernel_core::memory::page_table::{ENTRIES, Entry, Tables};

use super::{frame, page, tlb};
use crate::arch;

/// Tables that lie in the image.
const POOL_TABLES: usize = 48;

#[repr(C, align(4096))]
struct Pool(UnsafeCell<[[u64; ENTRIES]; POOL_TABLES]>);

// SAFETY: its bytes are only reached as page tables, through atomics.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([[0; ENTRIES]; POOL_TABLES]));
static POOL_USED: AtomicUsize = AtomicUsize::new(0);

/// Reads or writes entry `index` of the table that `pointer` shows. Atomic,
/// since table walks read entries while they are written.
#[inline(always)]
fn entry_at<'a>(table: *mut u8, index: usize) -> &'a AtomicU64 {
    debug_assert!(index < ENTRIES);
    let pointer = table.cast::<AtomicU64>().wrapping_add(index);
    // SAFETY: `table` is a whole page that is used as a page table only
    // (callers), for as long as the walk goes on.
    unsafe { &*pointer }
}

/// The tables of the kernel's half.
pub struct KernelTables;

impl KernelTables {
    /// Through the image while the linear map may not exist yet.
    fn pointer(table: u64) -> *mut u8 {
        let pool = POOL.0.get().cast::<u8>();
        let first = arch::image::to_physical(pool.addr()) as u64;
        let offset = table.wrapping_sub(first);
        if offset < size_of::<Pool>() as u64 {
            return pool.wrapping_add(offset as usize);
        }
        page::linear(table)
    }

    fn take_from_pool() -> Option<u64> {
        let take = |used| (used < POOL_TABLES).then_some(used + 1);
        let index = POOL_USED.fetch_update(Relaxed, Relaxed, take).ok()?;
        let table = POOL.0.get().cast::<[u64; ENTRIES]>().wrapping_add(index);
        Some(arch::image::to_physical(table.addr()) as u64)
    }
}

impl Tables for KernelTables {
    fn allocate(&mut self) -> Option<u64> {
        Self::take_from_pool().or_else(|| {
            if !frame::is_ready() {
                return None;
            }
            let frame = frame::alloc_zeroed(FrameUse::Kernel)?;
            tlb::order_stores();
            Some(page::physical(frame.into_number()))
        })
    }

    fn free(&mut self, _table: u64) {
        unreachable!("tables of the kernel's half stay");
    }

    fn read(&self, table: u64, index: usize) -> Entry {
        Entry(entry_at(Self::pointer(table), index).load(Relaxed))
    }

    fn write(&mut self, table: u64, index: usize, entry: Entry) {
        entry_at(Self::pointer(table), index).store(entry.0, Relaxed);
    }
}

/// The tables of one address space.
#[derive(Default)]
pub struct UserTables {
    /// Every table in use, the root included.
    used: Vec<FrameNumber>,
    /// Tables that are out of use but may still be walked by a CPU.
    retired: Vec<FrameNumber>,
}

impl UserTables {
    /// No table yet; room for those of a small program.
    pub fn new() -> Self {
        Self { used: Vec::with_capacity(8), retired: Vec::new() }
    }

    /// How many tables the space uses.
    pub fn count(&self) -> usize {
        self.used.len()
    }

    /// Frees the tables put aside by [`Tables::free`]. The TLB must have
    /// forgotten them.
    pub fn free_retired(&mut self) {
        self.retired.drain(..).for_each(frame::release);
    }

    /// Frees every table. No CPU may run with them.
    pub fn free_all(&mut self) {
        self.free_retired();
        self.used.drain(..).for_each(frame::release);
    }
}

impl Tables for UserTables {
    #[inline]
    fn allocate(&mut self) -> Option<u64> {
        let frame = frame::alloc_zeroed(FrameUse::User)?;
        let number = frame.into_number();
        self.used.push(number);
        tlb::order_stores();
        Some(page::physical(number))
    }

    fn free(&mut self, table: u64) {
        let number = page::number(table);
        if let Some(at) = self.used.iter().position(|&n| n == number) {
            self.used.swap_remove(at);
            self.retired.push(number);
        }
    }

    #[inline(always)]
    fn read(&self, table: u64, index: usize) -> Entry {
        Entry(entry_at(page::linear(table), index).load(Relaxed))
    }

    #[inline(always)]
    fn write(&mut self, table: u64, index: usize, entry: Entry) {
        entry_at(page::linear(table), index).store(entry.0, Relaxed);
    }
}
