//! Fork: a second address space with the same contents, copied only when one
//! of the two writes.
//!
//! Pages of the process's own are shared read-only until a store copies
//! them. Pages of objects are not copied: they fault in again, which costs
//! less than copying entries that a child rarely uses.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::memory::page_table::{
    self, ENTRIES, Entry, OutOfTables, Slot, Tables,
};
use kernel_core::memory::region::{Region, RegionFlags};

use super::space::{AddressSpace, Inner};
use super::table::UserTables;
use super::{frame, page, tlb};

/// The child's side of the copy.
struct Copier<'a> {
    tables: &'a mut UserTables,
    root: u64,
    /// Table of the last level used last, and the 2 MiB it spans.
    last: Option<(usize, u64)>,
    pages: usize,
}

impl AddressSpace {
    /// A copy of this space.
    ///
    /// # Errors
    /// `ENOMEM`; the space itself is unchanged but for pages that a store
    /// will find shared.
    pub fn fork(&self) -> Result<Arc<Self>, Errno> {
        if frame::is_short() {
            return Err(Errno::ENOMEM);
        }
        let mut child = AddressSpace::empty()?;
        child.set_stack_limit(self.stack_limit.load(Relaxed));
        let mut inner = self.inner.lock();
        let pages = self.copy_to(&mut inner, &mut child);
        drop(inner);
        // On error dropping the child releases what it got.
        child.resident.store(pages.map_err(|_| Errno::ENOMEM)?, Relaxed);
        Ok(Arc::new(child))
    }

    /// Copies regions and private pages; returns the number of pages.
    fn copy_to(
        &self,
        inner: &mut Inner,
        child: &mut AddressSpace,
    ) -> Result<usize, OutOfTables> {
        let root = child.root;
        let copy = child.inner.get_mut();
        copy.regions = inner.regions.fork().map_err(|_| OutOfTables)?;
        copy.heap = inner.heap;
        copy.is_reaped = inner.is_reaped;
        let tables = &mut copy.tables;
        let mut copier = Copier { tables, root, last: None, pages: 0 };
        let mut result = Ok(());
        let mut changed = false;
        const EMPTY: RegionFlags = RegionFlags::SHARED
            .union(RegionFlags::NO_FORK)
            .union(RegionFlags::WIPE_ON_FORK);
        let copied = |region: &&Region<_>| !region.flags.intersects(EMPTY);
        for region in inner.regions.iter().filter(copied) {
            let (tables, range) = (&mut inner.tables, region.range());
            page_table::for_each(tables, self.root, range, |_, at, old| {
                if !old.is_owned() || result.is_err() {
                    return old;
                }
                let new = old.read_only();
                result = copier.add(at, new);
                changed |= new != old;
                new
            });
        }
        if changed {
            tlb::flush_space(self.asid());
        }
        result.map(|()| copier.pages)
    }
}

impl Copier<'_> {
    /// Maps a page of the parent's in the child too.
    #[inline]
    fn add(&mut self, address: usize, entry: Entry) -> Result<(), OutOfTables> {
        let slot = self.slot(address)?;
        frame::share(page::number(entry.address()));
        self.tables.write(slot.table, slot.index, entry);
        self.pages += 1;
        Ok(())
    }

    #[inline]
    fn slot(&mut self, address: usize) -> Result<Slot, OutOfTables> {
        const SPAN: usize = ENTRIES * super::PAGE_SIZE;
        if let Some((span, table)) = self.last
            && span == address / SPAN
        {
            let level = page_table::LAST_LEVEL;
            return Ok(Slot {
                table,
                index: page_table::index(address, level),
            });
        }
        let slot = page_table::slot(self.tables, self.root, address)?;
        self.last = Some((address / SPAN, slot.table));
        Ok(slot)
    }
}
