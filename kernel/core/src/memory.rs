//! Memory rules apart from the machine: which frame is free, what a page
//! table entry says, which addresses a process has mapped, which address
//! space holds which ASID, which object of the kernel lies where, who dies when
//! there is none.
//!
//! Reading order: [`range`], [`layout`], [`frame`], [`page_table`], [`region`],
//! [`asid`], [`slab`], [`victim`].
//! The machine half is `kernel/machine/src/mm`.

pub mod asid;
pub mod frame;
pub mod layout;
pub mod page_table;
pub mod quota;
pub mod range;
pub mod region;
pub mod slab;
pub mod victim;

/// Bytes of a page and of a frame: the 4 KiB granule.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;
/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// Rounds an address or length down to a page boundary.
pub const fn page_floor(value: usize) -> usize {
    value & !(PAGE_SIZE - 1)
}

/// Rounds an address or length up to a page boundary; `None` on overflow.
pub const fn page_ceiling(value: usize) -> Option<usize> {
    match value.checked_add(PAGE_SIZE - 1) {
        Some(sum) => Some(page_floor(sum)),
        None => None,
    }
}
