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
mod table;
#[cfg(test)]
mod tests;

pub use buddy::{Buddy, FrameStats};
pub use table::{FrameTable, Record, Release};

/// Number of a frame: its physical address divided by the page size.
pub type FrameNumber = u32;

/// Most spans of RAM a table can hold.
pub const MAX_SPANS: usize = 16;
/// Orders of blocks: 0 (4 KiB) to 10 (4 MiB).
pub const ORDERS: usize = 11;
/// Frames at or above this number are never used: 1 TiB of addresses.
pub const FRAME_LIMIT: FrameNumber = NONE;

/// End of a list; also the largest value of a record's 28-bit link.
const NONE: u32 = 0x0fff_ffff;

/// Frames `first..first + count`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FrameSpan {
    /// Number of the first frame.
    pub first: FrameNumber,
    /// How many frames follow, the first included.
    pub count: u32,
}

/// Who asks for a frame. The last 1/64 of memory (1 to 8 MiB) is kept
/// for the kernel's own small objects, so that user programs that eat all
/// memory never make a kernel allocation fail. Files get less than programs:
/// a full file system is an error message, a full memory kills somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameUse {
    /// Contents of files: never the last four times as much.
    File,
    /// User pages, their page tables, pipes, kernel stacks: never what is
    /// kept.
    User,
    /// The kernel heap.
    Kernel,
}

/// A release that makes no sense: a bug of the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// No RAM has this number.
    Unknown(FrameNumber),
    /// The frame is free already, reserved, or not the first of its block.
    NotAllocated(FrameNumber),
}
