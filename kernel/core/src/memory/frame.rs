//! The buddy allocator: which frames of RAM are free.
//!
//! RAM comes as up to [`MAX_SPANS`] spans with holes between them. Every
//! frame has an 8-byte [`Record`], and only frames that exist have one. A free
//! block is 2^order frames, aligned to its size; its two halves are *buddies*,
//! and a block joins its buddy again as soon as both are free. So both
//! directions cost at most [`ORDERS`] steps.
//!
//! [`FrameTable`] is shared by all CPUs: reference counts need no lock.
//! [`Buddy`] holds the lists and stands behind a lock in the machine half
//! (`kernel/machine/src/mm/frame.rs`), which also keeps a few frames for each CPU.

mod buddy;
mod prepared;
mod span;
mod table;
#[cfg(test)]
mod tests;

pub use buddy::{Buddy, FrameStats};
pub use span::{
    FRAME_LIMIT, FrameError, FrameNumber, FrameSpan, FrameUse, MAX_SPANS,
    ORDERS,
};
pub use table::{FrameTable, Record, Release};
