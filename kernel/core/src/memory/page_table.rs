//! Translation tables of AArch64, stage 1, 4 KiB granule, four levels.
//!
//! [`entry`] says what the 64 bits of one descriptor mean; [`walk`] finds,
//! makes and frees tables through the small trait [`Tables`], so the same
//! code runs on the machine's memory (`kernel/machine/src/mm/table.rs`) and on a fake
//! one in the tests. TLB maintenance is the machine half's business; the
//! break-before-make rule is kept here: a valid kernel entry is never
//! replaced by another valid one.
//!
//! Source: Arm Architecture Reference Manual (DDI 0487), chapter D8.

mod entry;
#[cfg(test)]
mod tests;
mod walk;

pub use entry::{Attributes, Entry, Memory, Privilege};
pub use walk::{
    MapError, Mapping, OutOfTables, Slot, Tables, clear_empty, find, for_each,
    free_all, map, slot,
};

/// Entries of one table.
pub const ENTRIES: usize = 512;
/// Level of the tables whose entries map single pages.
pub const LAST_LEVEL: u32 = 3;
/// Addresses of one half: 48 bits.
pub const ADDRESS_BITS: u32 = 48;

/// `MAIR_EL1`: the memory types that [`Memory`] numbers.
/// Normal write-back, device nGnRE, normal non-cacheable.
pub const MAIR: u64 = 0xff | 0x04 << 8 | 0x44 << 16;

/// Fields of `TCR_EL1` that depend on these tables: 48-bit halves (T0SZ,
/// T1SZ), 4 KiB granules, table walks inner shareable and write-back, ASID
/// from `TTBR0_EL1`. The intermediate address size and `AS` (ASID size) come
/// from the CPU's feature registers and are added by the boot code.
pub const TCR: u64 = 16
    | 0b01 << 8
    | 0b01 << 10
    | 0b11 << 12
    | 16 << 16
    | 0b01 << 24
    | 0b01 << 26
    | 0b11 << 28
    | 0b10 << 30;

/// log2 of the bytes that one entry of a table at `level` spans.
pub const fn level_shift(level: u32) -> u32 {
    super::PAGE_SHIFT + 9 * (LAST_LEVEL - level)
}

/// Index of the entry for `address` in a table at `level`.
#[inline(always)]
pub const fn index(address: usize, level: u32) -> usize {
    address >> level_shift(level) & (ENTRIES - 1)
}
