//! The address space of a process.
//!
//! A map of regions says what a program may touch; page tables say what it
//! has touched. Every change of either happens under one spin lock, which
//! is held for short times only: nothing sleeps under it, and what is
//! removed (files) is dropped after it.
//!
//! | what | where |
//! |---|---|
//! | map, `brk` | this file |
//! | unmap | `unmap.rs` |
//! | protect | `protect.rs` |
//! | a page is touched | `fault.rs` |
//! | advice, locks, what is present | `advice.rs` |
//! | fork | `fork.rs` |
//! | pages are given back | `release.rs` |
//!
//! Frames leave the tables in this order: entry cleared, TLB flushed on all
//! CPUs, frame released. So no CPU can reach a frame that has a new owner.

use alloc::sync::Arc;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::asid::Context;
use kernel_core::memory::page_table::{Attributes, Memory, Privilege, Tables};
use kernel_core::memory::region::{
    Break, BreakChange, GrowthLimits, HIGHEST, Placement, Protection, Region,
    RegionFlags, RegionMap,
};

use super::removed::Removed;
use super::request::{MapRequest, RegionInfo, Sharing};
use super::source::Object;
use super::table::UserTables;
use super::{asid, frame, tlb};
use crate::sync::{Rank, SpinLock};

/// One past the highest byte of a program's stack.
pub const STACK_TOP: usize = HIGHEST - PAGE_SIZE;
/// Bytes a stack may grow to, unless its process may have more or less.
pub const STACK_LIMIT: usize = 8 << 20;
/// Mappings without an address go below this, 128 MiB under the stack.
pub(super) const MAP_TOP: usize = STACK_TOP - (128 << 20);

/// The memory of one process; threads share it by `Arc`.
pub struct AddressSpace {
    /// Physical address of the level-0 table.
    pub(super) root: u64,
    /// ASID and its generation; see `asid.rs`.
    context: AtomicU64,
    /// Bytes its stack may grow to, pages all regions may have then, and
    /// locked ones: [`GrowthLimits`].
    growth: [AtomicUsize; 3],
    /// Pages in the tables; written under the lock.
    pub(super) resident: AtomicUsize,
    /// New mappings are to be brought in at once; written under the lock.
    pub(super) locks_new: AtomicBool,
    /// The same, whether they are brought in or not.
    pub(super) locks_future: AtomicBool,
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
    /// Changes whenever regions do.
    pub layout: u64,
    /// How many are changing rights of pages whose regions have changed: some
    /// entries still allow what their regions forbid.
    pub protecting: usize,
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
            growth: [STACK_LIMIT, usize::MAX, usize::MAX].map(AtomicUsize::new),
            resident: AtomicUsize::new(0),
            locks_new: AtomicBool::new(false),
            locks_future: AtomicBool::new(false),
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
    /// As `mmap(2)`: `EINVAL`, `EEXIST`, `ENOMEM`; `EAGAIN` if too much would
    /// be locked.
    pub fn map(&self, request: MapRequest) -> Result<usize, Errno> {
        if !frame::can_promise(request.promised_pages()) {
            return Err(Errno::ENOMEM);
        }
        let (length, placement) = (request.length, request.placement);
        let (protection, flags) = (request.protection, request.flags());
        // If the mapping fails, its object does not end under the lock.
        let kept = request.source.as_ref().map(|(source, _)| source.clone());
        let most_locked = request.most_locked;
        // Where it lies is found out under the lock.
        let region = Region {
            start: 0,
            end: length,
            protection,
            flags,
            backing: request.into_object(),
        };
        let mut removed = match placement {
            Placement::Fixed(_) => Removed::of(length)?,
            _ => Removed::default(),
        };
        let mut inner = self.inner.lock();
        let start =
            inner.check_lock_new(flags, length, most_locked).and_then(|()| {
                self.map_locked(&mut inner, region, placement, &mut removed)
            });
        drop(inner);
        self.let_go(removed);
        drop(kept);
        start
    }

    fn map_locked(
        &self,
        inner: &mut Inner,
        region: Region<Object>,
        placement: Placement,
        removed: &mut Removed,
    ) -> Result<usize, Errno> {
        let range = inner.regions.place(region.end, placement, MAP_TOP)?;
        if matches!(placement, Placement::Fixed(_)) {
            self.unmap_locked(inner, range.clone(), removed)?;
        }
        let Range { start, end } = range;
        let flags = region.flags | inner.new_flags;
        inner.layout += 1;
        inner.regions.insert(Region { start, end, flags, ..region })?;
        Ok(start)
    }

    /// Which object a shared mapping of `address` belongs to, as a number,
    /// and where in it the address lies, in bytes. `None` for private memory.
    #[inline(always)]
    pub fn shared_location(&self, address: usize) -> Option<(usize, usize)> {
        let inner = self.inner.lock();
        let region = inner.regions.find(address)?;
        if region.is_private() {
            return None;
        }
        let source = region.backing.source.as_ref()?;
        let object = Arc::as_ptr(source).cast::<()>().addr();
        let offset = region.backing.offset();
        Some((object, offset.wrapping_add(address - region.start)))
    }

    /// Where the heap begins: right after the program's data. For `execve`.
    pub fn set_heap_start(&self, address: usize) {
        self.inner.lock().heap = Break::new(address);
    }

    /// From now on its stack grows so far at the most.
    pub fn set_growth_limits(&self, limits: GrowthLimits) {
        let [stack, pages, locked] = &self.growth;
        stack.store(limits.stack, Relaxed);
        pages.store(limits.pages, Relaxed);
        locked.store(limits.locked, Relaxed);
    }

    /// How far its stack grows.
    pub(super) fn growth_limits(&self) -> GrowthLimits {
        let [stack, pages, locked] =
            [0, 1, 2].map(|which| self.growth[which].load(Relaxed));
        GrowthLimits { stack, pages, locked }
    }

    /// Moves the program break to `address` if that is possible. Returns the
    /// break as it is then (Linux: `brk(2)`, the raw call).
    pub fn set_break(&self, address: usize) -> usize {
        self.set_break_within(address, None)
    }

    /// As [`AddressSpace::set_break`]; the heap does not grow if more than
    /// `most_locked` pages would be locked then.
    pub fn set_break_within(
        &self,
        address: usize,
        most_locked: Option<usize>,
    ) -> usize {
        let mut removed = Removed::default();
        let mut inner = self.inner.lock();
        let mut change = inner.heap.request(&inner.regions, address);
        if let BreakChange::Shrink(range) = &change {
            let length = range.len();
            drop(inner);
            // Without that room the heap shrinks all at once.
            removed = Removed::of(length).unwrap_or_default();
            inner = self.inner.lock();
            change = inner.heap.request(&inner.regions, address);
        }
        let is_done = match change {
            BreakChange::Refused => false,
            BreakChange::None => true,
            BreakChange::Grow(range) => {
                let none = RegionFlags::empty();
                let checked =
                    inner.check_lock_new(none, range.len(), most_locked);
                checked.and_then(|()| inner.grow_heap(range)).is_ok()
            }
            BreakChange::Shrink(range) => {
                self.unmap_locked(&mut inner, range, &mut removed).is_ok()
            }
        };
        if is_done {
            inner.heap.set(address);
        }
        let current = inner.heap.current();
        drop(inner);
        self.let_go(removed);
        current
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

    /// Pages in the range of private memory, but for stacks, that can be
    /// written, or that cannot.
    pub fn data_pages(&self, range: Range<usize>, can_write: bool) -> usize {
        let inner = self.inner.lock();
        let regions = inner.regions.overlapping(range.clone());
        let counts = |region: &&Region<Object>| {
            region.is_private()
                && !region.flags.contains(RegionFlags::GROWS_DOWN)
                && region.protection.contains(Protection::WRITE) == can_write
        };
        let bytes = |region: &Region<Object>| {
            let start = region.start.max(range.start);
            region.end.min(range.end).saturating_sub(start)
        };
        regions.filter(counts).map(bytes).sum::<usize>() / PAGE_SIZE
    }

    /// Where the heap begins.
    pub fn heap_start(&self) -> usize {
        self.inner.lock().heap.start()
    }

    /// Bytes that the kernel keeps for it: page tables, regions.
    pub fn held(&self) -> usize {
        let inner = self.inner.lock();
        inner.tables.count() * PAGE_SIZE + inner.regions.held()
    }

    /// Pages of its page tables.
    pub fn table_pages(&self) -> usize {
        self.inner.lock().tables.count()
    }

    /// Pages mapped, but for those in the range, which is page-aligned.
    pub fn mapped_pages_outside(&self, range: Range<usize>) -> usize {
        let inner = self.inner.lock();
        let inside = |region: &Region<Object>| {
            let start = region.start.max(range.start);
            region.end.min(range.end).saturating_sub(start)
        };
        let regions = inner.regions.overlapping(range.clone());
        let gone = regions.map(inside).sum::<usize>() / PAGE_SIZE;
        inner.regions.pages() - gone
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
        self.layout += 1;
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
            offset: region.backing.offset(),
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
