//! Which addresses a process has mapped, and what stands behind them.
//!
//! A [`Region`] is a run of pages with the same rights and one backing. The
//! [`RegionMap`] keeps regions sorted and apart; neighbours that say the same
//! are one region. Pages themselves are not known here: they appear in the
//! page tables when a fault asks for them (`kernel/machine/src/mm/fault.rs`).
//!
//! Reading order: `region/description.rs`, `region/map.rs`, then
//! `region/place.rs` (where a mapping goes), `region/heap.rs` (`brk`) and
//! `region/advice.rs` (`madvise`, `mlock`).

mod advice;
mod description;
mod heap;
mod map;
mod place;
#[cfg(test)]
mod tests;

pub use description::{
    Backing, GrowthLimits, HIGHEST, LOWEST, MOST_REGIONS, Protection, Region,
    RegionError, RegionFlags, STACK_GUARD, checked_range,
};
pub use heap::{Break, BreakChange};
pub use map::RegionMap;
pub use place::Placement;
