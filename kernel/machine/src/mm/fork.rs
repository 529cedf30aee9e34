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

use super::pace::{PIECE, pause};
use super::protect::reprotect;
use super::space::AddressSpace;
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

/// How a try to copy ended.
enum Try {
    Done,
    /// Another thread has changed the regions meanwhile.
    Changed,
}

/// After so many tries that other threads spoil, all is copied in one piece.
const TRIES: usize = 4;

/// Regions of whose pages a child gets none.
const EMPTY: RegionFlags = RegionFlags::SHARED
    .union(RegionFlags::NO_FORK)
    .union(RegionFlags::WIPE_ON_FORK);

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
        let pieces = [PIECE; TRIES].into_iter().chain([usize::MAX]);
        for piece in pieces {
            let mut child = AddressSpace::empty()?;
            child.set_growth_limits(self.growth_limits());
            let copied = self.copy_to(&mut child, piece);
            let child = Arc::new(child);
            match copied {
                Ok(Try::Done) => return Ok(child),
                Ok(Try::Changed) => AddressSpace::leave(child),
                Err(OutOfTables) => {
                    AddressSpace::leave(child);
                    return Err(Errno::ENOMEM);
                }
            }
        }
        unreachable!("one piece is copied under the lock")
    }

    /// Copies regions and private pages, in pieces of so many entries with the
    /// lock free between them. Regions that change between two pieces spoil
    /// the copy; stores of other threads do not, which come before or after.
    fn copy_to(
        &self,
        child: &mut AddressSpace,
        piece: usize,
    ) -> Result<Try, OutOfTables> {
        let root = child.root;
        let copy = child.inner.get_mut();
        let mut inner = self.inner.lock();
        copy.regions = inner.regions.fork().map_err(|_| OutOfTables)?;
        copy.heap = inner.heap;
        copy.is_reaped = inner.is_reaped;
        let layout = inner.layout;
        // Whoever begins to protect after this changes the layout.
        let is_protecting = inner.protecting > 0;
        let tables = &mut copy.tables;
        let mut copier = Copier { tables, root, last: None, pages: 0 };
        let is_copied = |region: &&Region<_>| !region.flags.intersects(EMPTY);
        let (mut left, mut changed) = (piece, false);
        let mut result = Ok(Try::Done);
        'copy: for region in copy.regions.iter().filter(is_copied) {
            let mut range = region.range();
            while !range.is_empty() && result.is_ok() {
                if left == 0 {
                    self.flush_if(changed);
                    drop(inner);
                    pause();
                    (left, changed) = (piece, false);
                    inner = self.inner.lock();
                    if inner.layout != layout {
                        result = Ok(Try::Changed);
                        break 'copy;
                    }
                }
                let (tables, rest) = (&mut inner.tables, range.clone());
                let visit = |_: &mut _, at, old: Entry| {
                    if !old.is_owned() || result.is_err() {
                        return old;
                    }
                    let new = old.read_only();
                    let copy = match is_protecting {
                        true => reprotect(region, old).read_only(),
                        false => new,
                    };
                    if let Err(error) = copier.add(at, copy) {
                        result = Err(error);
                        return old;
                    }
                    changed |= new != old;
                    new
                };
                range.start = page_table::for_each_within(
                    tables, self.root, rest, &mut left, visit,
                );
            }
        }
        self.flush_if(changed);
        drop(inner);
        child.resident.store(copier.pages, Relaxed);
        result
    }

    fn flush_if(&self, changed: bool) {
        if changed {
            tlb::flush_space(self.asid());
        }
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
