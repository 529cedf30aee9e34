//! The kernel's half of the address space.
//!
//! Built once, before there are frames: the image with the rights of its
//! parts, all RAM at a constant distance, and empty windows for the heap and
//! kernel stacks. What is not RAM is not mapped. Each [`Window`] has a level-1
//! table of its own, so its owner needs no lock but its own to map pages there.
//!
//! No kernel page is writable and executable. The linear map shows the
//! image's text and constants read-only too.

use core::ops::Range;
use core::slice;

use aarch64_cpu::registers::TTBR1_EL1;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::layout::{BootMemory, MAX_RAM};
use kernel_core::memory::page_table::{
    self, Attributes, Entry, MapError, Mapping, Memory, Tables,
};
use kernel_core::memory::range::{PhysRange, RangeList};
use spin::Once;

use super::table::KernelTables;
use super::{page, tlb};
use crate::arch::{image, mmu};

/// First address of the heap's window.
pub const HEAP_BASE: usize = 0xffff_9000_0000_0000;
/// First address of the window for kernel stacks.
pub const STACK_BASE: usize = 0xffff_a000_0000_0000;

/// What [`init`] mapped, for the tests and for [`boot_bytes`].
static MAPPED: Once<RangeList<MAX_RAM>> = Once::new();

/// Builds the kernel's tables and uses them in place of the early ones.
///
/// # Errors
/// A line for the console if RAM lies in so many pieces that the tables in
/// the image do not suffice.
pub(super) fn init(memory: &BootMemory) -> Result<(), &'static str> {
    let tables = build(memory).map_err(|error| match error {
        MapError::OutOfTables => "RAM lies in too many pieces",
        MapError::BreakBeforeMake(_) => "ranges of RAM overlap",
    })?;
    // SAFETY: nothing but this CPU runs, and the new tables map the image
    // and the device window as the ones in use do.
    unsafe { mmu::replace_kernel_tables(tables as usize) };
    MAPPED.call_once(|| memory.ram.clone());
    Ok(())
}

/// The RAM that the linear map shows; `None` before [`init`].
pub(super) fn mapped() -> Option<&'static RangeList<MAX_RAM>> {
    MAPPED.get()
}

/// Bytes that the boot loader left in memory and that the device tree
/// reserves; `None` if they are not all in RAM.
pub fn boot_bytes(start: u64, size: u64) -> Option<&'static [u8]> {
    let end = start.checked_add(size)?;
    let holds = |ram: &PhysRange| ram.start <= start && end <= ram.end;
    if !mapped()?.as_slice().iter().any(holds) {
        return None;
    }
    // SAFETY: RAM that is mapped for ever; reserved (caller), so that nobody
    // owns it and nobody writes to it.
    Some(unsafe { slice::from_raw_parts(page::linear(start), size as usize) })
}

fn build(memory: &BootMemory) -> Result<u64, MapError> {
    let root = KernelTables.allocate().ok_or(MapError::OutOfTables)?;
    map_image(root)?;
    for range in memory.ram.as_slice() {
        map_ram(root, *range)?;
    }
    for base in [HEAP_BASE, STACK_BASE] {
        let table = KernelTables.allocate().ok_or(MapError::OutOfTables)?;
        link(root, base, table);
    }
    link(root, mmu::DEVICE_BASE, mmu::device_table() as u64);
    tlb::publish();
    Ok(root)
}

/// Enters a level-1 table in the root.
fn link(root: u64, base: usize, table: u64) {
    let index = page_table::index(base, 0);
    KernelTables.write(root, index, Entry::table(table));
}

/// Maps the image by its parts; guard pages stay holes.
fn map_image(root: u64) -> Result<(), MapError> {
    let (text, rodata, linked) =
        (image::text(), image::rodata(), image::linked());
    let read = Attributes::kernel(Memory::Normal, false, false);
    let execute = Attributes::kernel(Memory::Normal, false, true);
    let data = Attributes::kernel_data();
    map_part(root, text.clone(), execute)?;
    map_part(root, text.end..rodata.end, read)?;
    let (boot, emergency) =
        (image::boot_stack_guard(), image::emergency_guard());
    let payload = image::payload_room();
    map_part(root, rodata.end..payload.start, data)?;
    map_part(root, payload.clone(), read)?;
    map_part(root, payload.end..boot.start, data)?;
    map_part(root, boot.end..emergency.start, data)?;
    map_part(root, emergency.end..linked.end, data)
}

fn map_part(
    root: u64,
    range: Range<usize>,
    attributes: Attributes,
) -> Result<(), MapError> {
    let size = range.len().next_multiple_of(PAGE_SIZE);
    let physical = image::to_physical(range.start) as u64;
    let mapping = Mapping { address: range.start, physical, size };
    page_table::map(&mut KernelTables, root, mapping, attributes)
}

/// Maps RAM linearly: the image's constant part read-only, the rest
/// writable.
fn map_ram(root: u64, ram: PhysRange) -> Result<(), MapError> {
    let start = image::to_physical(image::text().start) as u64;
    let end = image::to_physical(image::rodata().end) as u64;
    let constant = PhysRange::new(start.max(ram.start), end.min(ram.end));
    if constant.is_empty() {
        return map_linear(root, ram, true);
    }
    map_linear(root, PhysRange::new(ram.start, constant.start), true)?;
    map_linear(root, constant, false)?;
    map_linear(root, PhysRange::new(constant.end, ram.end), true)
}

fn map_linear(
    root: u64,
    range: PhysRange,
    writable: bool,
) -> Result<(), MapError> {
    let mapping = Mapping {
        address: page::LINEAR_BASE + range.start as usize,
        physical: range.start,
        size: range.size() as usize,
    };
    let attributes = Attributes::kernel(Memory::Normal, writable, false);
    page_table::map(&mut KernelTables, root, mapping, attributes)
}

/// Pages of one window of the kernel's half. Whoever owns it calls it under
/// a lock of his own.
pub struct Window {
    base: usize,
}

impl Window {
    /// The window that starts at `base`, one of the constants above.
    pub const fn new(base: usize) -> Self {
        Self { base }
    }

    /// Maps a frame at `address` for reading and writing. The caller calls
    /// [`tlb::publish`] before the first access.
    ///
    /// # Errors
    /// [`MapError`] if memory for a table is short or a page is mapped there.
    pub fn map(&mut self, address: usize, frame: u32) -> Result<(), MapError> {
        debug_assert!(address >= self.base);
        let slot = page_table::slot(&mut KernelTables, kernel_root(), address)?;
        if KernelTables.read(slot.table, slot.index).is_valid() {
            return Err(MapError::BreakBeforeMake(address));
        }
        let (physical, level) = (page::physical(frame), page_table::LAST_LEVEL);
        let entry = Entry::leaf(physical, level, Attributes::kernel_data());
        KernelTables.write(slot.table, slot.index, entry);
        Ok(())
    }

    /// Takes the frame at `address` away; `None` if there is none. The frame
    /// may be used again only after [`tlb::flush_kernel`].
    pub fn unmap(&mut self, address: usize) -> Option<u32> {
        let slot = page_table::find(&KernelTables, kernel_root(), address)?;
        let entry = KernelTables.read(slot.table, slot.index);
        KernelTables.write(slot.table, slot.index, Entry::INVALID);
        entry.is_valid().then(|| page::number(entry.address()))
    }

    /// What was noted for `address`, where no page is mapped.
    pub fn note(&self, address: usize) -> usize {
        let slot = page_table::find(&KernelTables, kernel_root(), address);
        slot.map_or(0, |it| KernelTables.read(it.table, it.index).0 as usize)
    }

    /// Keeps a page-aligned number in the entry for `address`, where no page
    /// is mapped: the hardware looks at no more than its lowest bit then. False
    /// if there is no table with such an entry.
    pub fn set_note(&mut self, address: usize, note: usize) -> bool {
        debug_assert!(note.is_multiple_of(PAGE_SIZE));
        let slot = page_table::find(&KernelTables, kernel_root(), address);
        let Some(slot) = slot else { return false };
        KernelTables.write(slot.table, slot.index, Entry(note as u64));
        true
    }
}

/// Whether a kernel address is mapped, for the tests.
pub(super) fn is_mapped(address: usize) -> bool {
    page_table::find(&KernelTables, kernel_root(), address).is_some_and(
        |slot| KernelTables.read(slot.table, slot.index).is_valid(),
    )
}

/// Whether no kernel page can be written and executed, for the tests.
pub(super) fn keeps_w_xor_x() -> bool {
    table_keeps_w_xor_x(kernel_root(), 0)
}

fn table_keeps_w_xor_x(table: u64, level: u32) -> bool {
    (0..page_table::ENTRIES).all(|index| {
        let entry = KernelTables.read(table, index);
        if entry.is_table(level) {
            return table_keeps_w_xor_x(entry.address(), level + 1);
        }
        !entry.is_valid()
            || !entry.is_kernel_executable()
            || !entry.is_kernel_writable()
    })
}

/// The table that `TTBR1_EL1` names on every CPU.
fn kernel_root() -> u64 {
    TTBR1_EL1.get_baddr()
}
