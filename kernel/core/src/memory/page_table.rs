//! Translation tables of AArch64, stage 1, 4 KiB granule, four levels.
//!
//! [`entry`] says what the 64 bits of one descriptor mean; [`walk`] finds,
//! makes and frees tables through the small trait [`Tables`], so the same code
//! runs on the machine's memory (`kernel/machine/src/mm/table.rs`) and on a
//! fake one in the tests. TLB maintenance is the machine half's business; the
//! break-before-make rule is kept here: a valid kernel entry is never replaced
//! by another valid one.
//!
//! Source: Arm Architecture Reference Manual (DDI 0487), chapter D8.

mod entry;
mod format;
#[cfg(test)]
mod tests;
mod walk;

pub use entry::{Attributes, Entry, Memory, Privilege};
pub use format::{
    ADDRESS_BITS, ENTRIES, LAST_LEVEL, MAIR, TCR, index, level_shift,
};
pub use walk::{
    Branch, MapError, Mapping, OutOfTables, Slot, Tables, clear_empty, detach,
    find, for_each, for_each_within, free_all, map, slot,
};
