//! A program touched a page that is not there, or not in the way it did.
//!
//! | region | access | page |
//! |---|---|---|
//! | private, nothing behind | any | a zero page of its own |
//! | private, object behind | read | the object's frame, read-only |
//! | private, object behind | write | a copy of its own |
//! | private, page shared by fork | write | a copy; the page itself if the last holder |
//! | shared | any | the object's frame |
//!
//! A read of an object's page maps the pages around it too, as far as they
//! are in memory: programs rarely touch one page of their code alone.

use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::memory::frame::{FrameNumber, FrameUse};
use kernel_core::memory::page_table::{self, Entry, LAST_LEVEL, Slot, Tables};
use kernel_core::memory::region::{HIGHEST, Protection, Region, RegionMap};
use kernel_core::memory::{PAGE_SHIFT, PAGE_SIZE, page_floor};

use super::source::Object;
use super::space::{AddressSpace, Inner, attributes};
use super::{frame, page, tlb};
use crate::arch::trap::{Access, Fault};

/// Pages of the window around a page that was read; a power of two.
const AROUND: usize = 16;

/// Why a program cannot go on after a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultError {
    /// Nothing is mapped there (`SIGSEGV`, `SEGV_MAPERR`).
    Unmapped,
    /// The region forbids the access (`SIGSEGV`, `SEGV_ACCERR`).
    Denied,
    /// Past the end of the object (`SIGBUS`, `BUS_ADRERR`).
    PastEnd,
    /// No frame is left, or the reaper took the space's pages.
    OutOfMemory,
}

impl From<FaultError> for Errno {
    /// What a user copy by the kernel returns.
    fn from(_: FaultError) -> Errno {
        Errno::EFAULT
    }
}

/// A page that is to be mapped: where, and under whose rights.
struct Target<'a> {
    slot: Slot,
    region: &'a Region<Object>,
    address: usize,
    is_write: bool,
}

impl AddressSpace {
    /// Makes the page present that a fault asks for.
    ///
    /// # Errors
    /// [`FaultError`]; on [`FaultError::OutOfMemory`] the caller frees memory
    /// and lets the program try again, or kills it.
    ///
    /// # Locks
    /// The space's, which is free again on return.
    pub fn fault(&self, fault: &Fault) -> Result<(), FaultError> {
        let mut inner = self.inner.lock();
        self.touch_locked(&mut inner, fault.address, fault.access).map(drop)
    }

    /// Makes the page present and returns its entry.
    pub(super) fn touch_locked(
        &self,
        inner: &mut Inner,
        address: usize,
        access: Access,
    ) -> Result<Entry, FaultError> {
        let address = page_floor(address);
        let Inner { regions, tables, is_reaped, layout, .. } = inner;
        if *is_reaped {
            return Err(FaultError::OutOfMemory);
        }
        if address >= HIGHEST {
            return Err(FaultError::Unmapped);
        }
        let region = regions
            .find_or_grow(address, |regions| {
                self.grow_stack(regions, layout, address)
            })
            .ok_or(FaultError::Unmapped)?;
        if !allows(region.protection, access) {
            return Err(FaultError::Denied);
        }
        let slot = page_table::slot(tables, self.root, address)
            .map_err(|_| FaultError::OutOfMemory)?;
        let is_write = access == Access::Write;
        let target = Target { slot, region, address, is_write };
        let old = tables.read(slot.table, slot.index);
        if old.is_valid() {
            return self.change(tables, &target, old);
        }
        let new = self.bring(&target)?;
        tlb::order_stores();
        tables.write(slot.table, slot.index, new);
        self.resident.fetch_add(1, Relaxed);
        if !is_write && region.backing.source.is_some() {
            self.bring_around(tables, &target);
        }
        tlb::publish();
        Ok(new)
    }

    /// Lets the stack grow down to the address; whether it could.
    #[cold]
    fn grow_stack(
        &self,
        regions: &mut RegionMap<Object>,
        layout: &mut u64,
        address: usize,
    ) -> bool {
        let has_grown = regions.grow_stack(address, self.growth_limits());
        *layout += u64::from(has_grown);
        has_grown
    }

    /// Makes the page present for a tracer, and the process's own if the
    /// access is a store. What the program itself may do there stays.
    pub(super) fn force_locked(
        &self,
        inner: &mut Inner,
        address: usize,
        access: Access,
    ) -> Result<Entry, FaultError> {
        let address = page_floor(address);
        let Inner { regions, tables, is_reaped, .. } = inner;
        if *is_reaped {
            return Err(FaultError::OutOfMemory);
        }
        let region = regions.find(address).ok_or(FaultError::Unmapped)?;
        let is_write = access == Access::Write;
        let may_store = region.is_private()
            || region.protection.contains(Protection::WRITE);
        if is_write && !may_store {
            return Err(FaultError::Denied);
        }
        let slot = page_table::slot(tables, self.root, address)
            .map_err(|_| FaultError::OutOfMemory)?;
        let target = Target { slot, region, address, is_write };
        let old = tables.read(slot.table, slot.index);
        if !old.is_valid() {
            let new = self.bring(&target)?;
            tlb::order_stores();
            tables.write(slot.table, slot.index, new);
            self.resident.fetch_add(1, Relaxed);
            tlb::publish();
            return Ok(new);
        }
        let is_others = !frame::is_sole(page::number(old.address()));
        if is_write && region.is_private() && is_others {
            return self.copy_on_write(tables, &target, old);
        }
        if is_write && region.is_private() && !old.is_owned() {
            // What its object shows there is no longer what it holds.
            tables.write(slot.table, slot.index, old.owned());
        }
        Ok(old)
    }

    /// An entry for a page that is not present.
    #[inline(always)]
    fn bring(&self, target: &Target<'_>) -> Result<Entry, FaultError> {
        let region = target.region;
        let Some(source) = &region.backing.source else {
            let new = frame::alloc_zeroed(FrameUse::User)
                .ok_or(FaultError::OutOfMemory)?;
            return Ok(own_entry(region.protection, new.into_number()));
        };
        let page = source.page(target.index()).map_err(from_source)?;
        if region.is_private() && target.is_write {
            let copy = frame::alloc_copy(page.number())
                .ok_or(FaultError::OutOfMemory)?;
            return Ok(own_entry(region.protection, copy.into_number()));
        }
        Ok(object_entry(region, page.into_number()))
    }

    /// Maps what is in memory around a page that was read.
    fn bring_around(&self, tables: &mut impl Tables, target: &Target<'_>) {
        let region = target.region;
        let Some(source) = &region.backing.source else { return };
        let base = target.address & !(AROUND * PAGE_SIZE - 1);
        let first = target.slot.index & !(AROUND - 1);
        let mut count = 0;
        for step in 0..AROUND {
            let address = base + step * PAGE_SIZE;
            let is_inside = region.start <= address && address < region.end;
            let at = first + step;
            if !is_inside || tables.read(target.slot.table, at).is_valid() {
                continue;
            }
            let index =
                region.backing.first + ((address - region.start) >> PAGE_SHIFT);
            let Some(page) = source.present_page(index) else { continue };
            let entry = object_entry(region, page.into_number());
            tables.write(target.slot.table, at, entry);
            count += 1;
        }
        self.resident.fetch_add(count, Relaxed);
    }

    /// The page is present, but does not allow the access.
    fn change(
        &self,
        tables: &mut impl Tables,
        target: &Target<'_>,
        old: Entry,
    ) -> Result<Entry, FaultError> {
        let region = target.region;
        let must_copy =
            target.is_write && region.is_private() && !old.is_user_writable();
        let number = page::number(old.address());
        if must_copy && !frame::is_sole(number) {
            return self.copy_on_write(tables, target, old);
        }
        if region.protection.contains(Protection::EXECUTE) {
            // The region may have become so after the page was brought in.
            frame::prepare_execution(number);
        }
        // Another thread was faster, or the page is nobody else's.
        let writable = target.is_write
            || old.is_user_writable()
                && region.protection.contains(Protection::WRITE);
        let mut new =
            old.with_attributes(attributes(region.protection, writable));
        if must_copy {
            new = new.owned();
        }
        if new != old {
            tables.write(target.slot.table, target.slot.index, new);
        }
        tlb::flush_page(self.asid(), target.address);
        Ok(new)
    }

    /// Gives the process its own copy. The old entry is taken away before
    /// the new one is written, as the architecture demands (DDI 0487
    /// D8.16.1); a thread that touches the page between waits for the lock.
    fn copy_on_write(
        &self,
        tables: &mut impl Tables,
        target: &Target<'_>,
        old: Entry,
    ) -> Result<Entry, FaultError> {
        let number = page::number(old.address());
        let slot = target.slot;
        // The copy is made before the old entry goes: no thread may store to
        // the old frame, which is read-only, so the order is free, and this
        // one fails early.
        let copy = frame::alloc_copy(number).ok_or(FaultError::OutOfMemory)?;
        let new = own_entry(target.region.protection, copy.into_number());
        tables.write(slot.table, slot.index, Entry::INVALID);
        // Its barriers order the copy before the new entry, too.
        tlb::flush_page(self.asid(), target.address);
        tables.write(slot.table, slot.index, new);
        tlb::publish();
        frame::release(number);
        Ok(new)
    }
}

impl Target<'_> {
    /// Index of the page in the region's object.
    fn index(&self) -> usize {
        let offset = self.address - self.region.start;
        self.region.backing.first + (offset >> PAGE_SHIFT)
    }
}

/// The entry of a page that is the process's own, with the region's rights.
#[inline]
fn own_entry(protection: Protection, number: FrameNumber) -> Entry {
    let writable = protection.contains(Protection::WRITE);
    entry(protection, writable, number).owned()
}

/// The entry of an object's page, writable only if stores go to the object.
fn object_entry(region: &Region<Object>, number: FrameNumber) -> Entry {
    let writable =
        !region.is_private() && region.protection.contains(Protection::WRITE);
    entry(region.protection, writable, number)
}

fn entry(protection: Protection, writable: bool, number: FrameNumber) -> Entry {
    if protection.contains(Protection::EXECUTE) {
        frame::prepare_execution(number);
    }
    let attributes = attributes(protection, writable);
    Entry::leaf(page::physical(number), LAST_LEVEL, attributes)
}

/// A right to write or execute includes the right to read, as on Linux.
fn allows(protection: Protection, access: Access) -> bool {
    match access {
        Access::Read => !protection.is_empty(),
        Access::Write => protection.contains(Protection::WRITE),
        Access::Execute => protection.contains(Protection::EXECUTE),
    }
}

fn from_source(error: Errno) -> FaultError {
    match error {
        Errno::ENOMEM => FaultError::OutOfMemory,
        _ => FaultError::PastEnd,
    }
}
