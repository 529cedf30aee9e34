//! The address space of a process.
//!
//! A map of regions says what a program may touch; page tables say what it
//! has touched. Every change of either happens under one spin lock, which
//! is held for short times only: nothing sleeps under it, and what is
//! removed (files) is dropped after it.
//!
//! | what | where |
//! |---|---|
//! | map, unmap, protect, `brk` | this file |
//! | a page is touched | `fault.rs` |
//! | advice, locks, what is present | `advice.rs` |
//! | fork | `fork.rs` |
//! | pages are given back | `release.rs` |
//!
//! Frames leave the tables in this order: entry cleared, TLB flushed on all
//! CPUs, frame released. So no CPU can reach a frame that has a new owner.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::asid::Context;
use kernel_core::memory::page_table::{
    self, Attributes, Entry, Memory, Privilege, Tables,
};
use kernel_core::memory::region::{
    Break, BreakChange, HIGHEST, Placement, Protection, Region, RegionFlags,
    RegionMap, checked_range,
};

use super::request::{MapRequest, RegionInfo, Sharing};
use super::source::Object;
use super::table::UserTables;
use super::{asid, frame, tlb};
use crate::sync::{Rank, SpinLock};

/// One past the highest byte of a program's stack.
pub const STACK_TOP: usize = HIGHEST - PAGE_SIZE;
/// Bytes a stack may grow to.
pub const STACK_LIMIT: usize = 8 << 20;
/// Mappings without an address go below this, 128 MiB under the stack.
pub(super) const MAP_TOP: usize = STACK_TOP - (128 << 20);

/// The memory of one process; threads share it by `Arc`.
pub struct AddressSpace {
    /// Physical address of the level-0 table.
    pub(super) root: u64,
    /// ASID and its generation; see `asid.rs`.
    context: AtomicU64,
    /// Pages in the tables; written under the lock.
    pub(super) resident: AtomicUsize,
    /// New mappings are to be brought in at once; written under the lock.
    pub(super) locks_new: AtomicBool,
    pub(super) inner: SpinLock<Inner>,
}

/// What the lock of an address space guards.
#[derive(Default)]
pub(super) struct Inner {
    pub regions: RegionMap<Object>,
    pub tables: UserTables,
    pub heap: Break,
    /// What new mappings are from the start (`mlockall`).
    pub new_flags: RegionFlags,
    /// The out-of-memory reaper took the pages: no page comes back.
    pub is_reaped: bool,
}

impl AddressSpace {
    /// An empty space.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn new() -> Result<Arc<Self>, Errno> {
        Ok(Arc::new(Self::empty()?))
    }

    pub(super) fn empty() -> Result<Self, Errno> {
        let mut tables = UserTables::new();
        let root = tables.allocate().ok_or(Errno::ENOMEM)?;
        let inner = Inner { tables, ..Inner::default() };
        Ok(Self {
            root,
            context: AtomicU64::new(0),
            resident: AtomicUsize::new(0),
            locks_new: AtomicBool::new(false),
            inner: SpinLock::with_rank(Rank::AddressSpace, inner),
        })
    }

    /// Makes this the space of user addresses on this CPU. The caller keeps
    /// the space alive until it activates another or calls
    /// [`AddressSpace::deactivate`].
    #[inline(always)]
    pub fn activate(&self) {
        asid::activate(self.root, &self.context);
    }

    /// Makes user addresses lead nowhere on this CPU: for kernel threads, the
    /// idle task, and before the last reference to a space is dropped.
    #[inline(always)]
    pub fn deactivate() {
        asid::deactivate();
    }

    /// The number that tags this space in TLBs, for maintenance. The barrier
    /// orders stores to the tables before it; see `asid::activate`.
    #[inline(always)]
    pub(super) fn asid(&self) -> u16 {
        tlb::barrier();
        Context(self.context.load(Relaxed)).asid()
    }

    /// Maps memory and returns its address. No page is touched yet.
    ///
    /// # Errors
    /// As `mmap(2)`: `EINVAL`, `EEXIST`, `ENOMEM`.
    pub fn map(&self, request: MapRequest) -> Result<usize, Errno> {
        if !frame::can_promise(request.promised_pages()) {
            return Err(Errno::ENOMEM);
        }
        let (length, placement) = (request.length, request.placement);
        let (protection, flags) = (request.protection, request.flags());
        let backing = request.into_object();
        let mut removed = Vec::new();
        let mut inner = self.inner.lock();
        let range = inner.regions.place(length, placement, MAP_TOP)?;
        if matches!(placement, Placement::Fixed(_)) {
            self.unmap_locked(&mut inner, range.clone(), &mut removed)?;
        }
        let Range { start, end } = range;
        let flags = flags | inner.new_flags;
        inner.regions.insert(Region {
            start,
            end,
            protection,
            flags,
            backing,
        })?;
        drop(inner);
        Ok(start)
    }

    /// Unmaps whatever lies in the range.
    ///
    /// # Errors
    /// As `munmap(2)`: `EINVAL`, `ENOMEM`.
    pub fn unmap(&self, address: usize, length: usize) -> Result<(), Errno> {
        let range = checked_range(address, length)?;
        let mut removed = Vec::new();
        let mut inner = self.inner.lock();
        self.unmap_locked(&mut inner, range, &mut removed)?;
        drop(inner);
        Ok(())
    }

    /// Removes regions and their pages. Objects go to `removed`, to be
    /// dropped without the lock.
    pub(super) fn unmap_locked(
        &self,
        inner: &mut Inner,
        range: Range<usize>,
        removed: &mut Vec<Object>,
    ) -> Result<(), Errno> {
        inner.regions.remove(range.clone(), |region| {
            if region.backing.source.is_some() {
                removed.push(region.backing);
            }
        })?;
        self.clear_pages(inner, range.clone());
        self.clear_tables(inner, range);
        Ok(())
    }

    /// Which object a shared mapping of `address` belongs to, as a number,
    /// and where in it the address lies, in bytes. `None` for private memory.
    pub fn shared_location(&self, address: usize) -> Option<(usize, usize)> {
        let inner = self.inner.lock();
        let region = inner.regions.find(address)?;
        if region.is_private() {
            return None;
        }
        let source = region.backing.source.as_ref()?;
        let object = Arc::as_ptr(source).cast::<()>().addr();
        let offset = region.backing.first * PAGE_SIZE;
        Some((object, offset + (address - region.start)))
    }

    /// Changes what the program may do with the pages of the range.
    ///
    /// # Errors
    /// As `mprotect(2)`: `EINVAL`, `ENOMEM`, `EACCES`. Nothing changes then.
    pub fn protect(
        &self,
        address: usize,
        length: usize,
        protection: Protection,
    ) -> Result<(), Errno> {
        if length == 0 && address.is_multiple_of(PAGE_SIZE) {
            return Ok(());
        }
        let range = checked_range(address, length)?;
        let mut inner = self.inner.lock();
        inner.regions.protect(range.clone(), protection)?;
        let Inner { regions, tables, .. } = &mut *inner;
        let mut changed = false;
        for region in regions.overlapping(range.clone()) {
            let part = region.start.max(range.start)..region.end.min(range.end);
            page_table::for_each(tables, self.root, part, |_, _, old| {
                let new = reprotect(region, old);
                changed |= new != old;
                new
            });
        }
        if changed {
            tlb::flush_range(self.asid(), range);
        }
        Ok(())
    }

    /// Where the heap begins: right after the program's data. For `execve`.
    pub fn set_heap_start(&self, address: usize) {
        self.inner.lock().heap = Break::new(address);
    }

    /// Moves the program break to `address` if that is possible. Returns the
    /// break as it is then (Linux: `brk(2)`, the raw call).
    pub fn set_break(&self, address: usize) -> usize {
        let mut removed = Vec::new();
        let mut inner = self.inner.lock();
        let change = inner.heap.request(&inner.regions, address);
        let is_done = match change {
            BreakChange::Refused => false,
            BreakChange::None => true,
            BreakChange::Grow(range) => inner.grow_heap(range).is_ok(),
            BreakChange::Shrink(range) => {
                self.unmap_locked(&mut inner, range, &mut removed).is_ok()
            }
        };
        if is_done {
            inner.heap.set(address);
        }
        inner.heap.current()
    }

    /// The first region that ends above `address`.
    pub fn region_above(&self, address: usize) -> Option<RegionInfo> {
        let inner = self.inner.lock();
        Some(inner.describe(inner.regions.above(address)?))
    }

    /// Pages in memory, page tables included: the out-of-memory score.
    pub fn resident_pages(&self) -> usize {
        self.resident.load(Relaxed) + self.inner.lock().tables.count()
    }

    /// Pages of its page tables.
    pub fn table_pages(&self) -> usize {
        self.inner.lock().tables.count()
    }

    /// Pages mapped, touched or not (`VmSize`).
    pub fn mapped_pages(&self) -> usize {
        self.inner.lock().regions.pages()
    }
}

impl Inner {
    fn grow_heap(&mut self, range: Range<usize>) -> Result<(), Errno> {
        if !frame::can_promise(range.len() / PAGE_SIZE) {
            return Err(Errno::ENOMEM);
        }
        let protection = Protection::READ | Protection::WRITE;
        self.regions.insert(Region {
            start: range.start,
            end: range.end,
            protection,
            flags: self.new_flags,
            backing: Object::default(),
        })?;
        Ok(())
    }

    fn describe(&self, region: &Region<Object>) -> RegionInfo {
        let heap = self.heap.start()..self.heap.current();
        let is_heap = region.start < heap.end && heap.start < region.end;
        let is_stack = region.flags.contains(RegionFlags::GROWS_DOWN);
        let label = match (is_stack, is_heap) {
            (true, _) => Some("[stack]"),
            (false, true) => Some("[heap]"),
            (false, false) => None,
        };
        let is_private = region.is_private();
        RegionInfo {
            range: region.range(),
            protection: region.protection,
            sharing: if is_private {
                Sharing::Private
            } else {
                Sharing::Shared
            },
            offset: region.backing.first * PAGE_SIZE,
            source: region.backing.source.clone(),
            flags: region.flags,
            label,
        }
    }
}

/// Attributes of a page of the region, writable or not.
#[inline]
pub(super) fn attributes(protection: Protection, writable: bool) -> Attributes {
    let privilege = if protection.is_empty() {
        Privilege::UserNone
    } else {
        Privilege::User
    };
    Attributes {
        memory: Memory::Normal,
        privilege,
        writable,
        executable: protection.contains(Protection::EXECUTE),
    }
}

/// A present page's entry under the region's new rights. A private page that
/// was not writable stays so: it may be shared, which the next store finds
/// out.
fn reprotect(region: &Region<Object>, old: Entry) -> Entry {
    let protection = region.protection;
    let writable = protection.contains(Protection::WRITE)
        && (!region.is_private() || old.is_user_writable());
    if protection.contains(Protection::EXECUTE) {
        frame::prepare_execution(super::page::number(old.address()));
    }
    old.with_attributes(attributes(protection, writable))
}
