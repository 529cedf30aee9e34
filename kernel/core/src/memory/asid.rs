//! Address space identifiers: which 8- or 16-bit number tags the TLB entries
//! of which address space.
//!
//! There are more address spaces than numbers. So every assignment carries
//! a *generation*; when the numbers run out, a *rollover* starts the next
//! generation, in which every number is free again except those in use on
//! some CPU at that moment. Each CPU empties its TLB before it first uses a
//! number of the new generation.
//!
//! Switching to a space whose generation is current takes no lock. The race
//! with a rollover on another CPU is decided by `active[a]`, which only
//! CPU A sets to a context and only a rollover sets to 0:
//!
//! | CPU A switches to space S (no lock)       | CPU B rolls over (locked)      |
//! |-------------------------------------------|--------------------------------|
//! | 1. reads the generation: S is current     |                                |
//! | 2. reads `active[a]` = old, not 0         |                                |
//! |                                           | 3. generation += 1             |
//! |                                           | 4. swaps `active[a]` for 0     |
//! | 5. exchanges old for S: fails if 4 is done|                                |
//!
//! If 5 comes before 4, the swap finds S and B reserves its number. If 5
//! comes after 4, the exchange fails and A takes the lock. There is no third
//! order, since 4 and 5 are atomic on one word. The test
//! `no_order_of_the_rollover_race_shares_a_number` tries them all.
//!
//! The machine half is `kernel/machine/src/mm/asid.rs`.

mod context;
mod pool;
#[cfg(test)]
mod tests;

pub use context::{AsidState, Context};
pub use pool::{AsidPool, Assignment};
