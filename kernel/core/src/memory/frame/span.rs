//! Numbers and runs of frames, who asks for them, and what can go wrong.

/// Number of a frame: its physical address divided by the page size.
pub type FrameNumber = u32;

/// Most spans of RAM a table can hold.
pub const MAX_SPANS: usize = 16;
/// Orders of blocks: 0 (4 KiB) to 10 (4 MiB).
pub const ORDERS: usize = 11;
/// Frames at or above this number are never used: 1 TiB of addresses.
pub const FRAME_LIMIT: FrameNumber = NONE;

/// End of a list; also the largest value of a record's 28-bit link.
pub(super) const NONE: u32 = 0x0fff_ffff;

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
