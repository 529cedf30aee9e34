//! Page tables in memory: how the walker of kernel-core reaches them.
//!
//! Two kinds. [`KernelTables`] are never freed; the first ones come from the
//! image, so that the kernel's map can be built before there are frames.
//! [`UserTables`] belong to one address space, which frees all of them when
//! it ends without looking for them: it keeps a list.

use alloc::collections::BTreeSet;
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

/// Tables of a space that are looked through one by one.
const FEW: usize = 64;

/// The tables of one address space.
#[derive(Default)]
pub struct UserTables {
    /// The first [`FEW`] tables in use, the root included: a program of the
    /// usual size has no more, and looks through them when one goes.
    few: Vec<FrameNumber>,
    /// All others, so that it takes no longer to find one among many.
    many: BTreeSet<FrameNumber>,
    /// Tables that are out of use but may still be walked by a CPU.
    retired: Vec<FrameNumber>,
}

impl UserTables {
    /// No table yet; room for those of a small program.
    pub fn new() -> Self {
        Self { few: Vec::with_capacity(8), ..Self::default() }
    }

    /// How many tables the space uses.
    pub fn count(&self) -> usize {
        self.few.len() + self.many.len()
    }

    /// Takes a table off the list, whose frame is the caller's from then on.
    /// False if it is not there.
    pub fn forget(&mut self, number: FrameNumber) -> bool {
        match self.few.iter().position(|&few| few == number) {
            Some(at) => {
                self.few.swap_remove(at);
                true
            }
            None => self.many.remove(&number),
        }
    }

    /// Frees the tables put aside by [`Tables::free`]. The TLB must have
    /// forgotten them.
    pub fn free_retired(&mut self) {
        self.retired.drain(..).for_each(frame::release);
    }

    /// Frees every table. No CPU may run with them.
    pub fn free_all(&mut self) {
        while self.free_some(usize::MAX) {}
        self.few.drain(..).for_each(frame::release);
    }

    /// Frees at most so many tables of a large space; false if there is none.
    /// No CPU may run with them.
    pub fn free_some(&mut self, most: usize) -> bool {
        self.free_retired();
        for _ in 0..most {
            let Some(table) = self.many.pop_last() else { return false };
            frame::release(table);
        }
        true
    }
}

impl Tables for UserTables {
    #[inline]
    fn allocate(&mut self) -> Option<u64> {
        let frame = frame::alloc_zeroed(FrameUse::User)?;
        let number = frame.into_number();
        if self.few.len() < FEW {
            self.few.push(number);
        } else {
            self.many.insert(number);
        }
        tlb::order_stores();
        Some(page::physical(number))
    }

    fn free(&mut self, table: u64) {
        let number = page::number(table);
        if self.forget(number) {
            self.retired.push(number);
        }
    }

    #[inline(always)]
    fn read(&self, table: u64, index: usize) -> Entry {
        read(table, index)
    }

    #[inline(always)]
    fn write(&mut self, table: u64, index: usize, entry: Entry) {
        entry_at(page::linear(table), index).store(entry.0, Relaxed);
    }
}

/// Reads one entry of a table of an address space, which may be detached.
#[inline(always)]
pub fn read(table: u64, index: usize) -> Entry {
    Entry(entry_at(page::linear(table), index).load(Relaxed))
}
