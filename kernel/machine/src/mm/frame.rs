//! Physical frames, taken and counted.
//!
//! | file | what |
//! |---|---|
//! | `frame/boot.rs` | where the records go |
//! | `frame/allocator.rs` | which frames are free: lists, and caches of CPUs |
//! | `frame/handle.rs` | who holds a frame |
//!
//! Next: `table.rs`. The rules: `kernel_core::memory::frame`.

mod allocator;
mod boot;
mod handle;

use kernel_core::memory::frame::{FrameNumber, FrameUse};

use super::page;

pub(super) use self::allocator::{
    alloc_run, can_promise, changed, has_half_reserve, has_room, holders, init,
    is_ready, is_sole, note, prepare_execution, release, release_of_heap,
    set_note, share, take_for_heap,
};
pub use self::allocator::{is_low, is_scarce, is_short, stats};
pub use self::handle::{Frame, FrameRef};

/// Takes a frame; its contents are whatever the last owner left.
///
/// `None` if memory is short: for [`FrameUse::User`], if only the kernel's
/// reserve is left.
///
/// # Locks
/// Frame locks, with interrupts masked.
#[inline]
pub fn alloc(purpose: FrameUse) -> Option<Frame> {
    allocator::take(purpose).map(Frame::from_number)
}

/// Takes a frame full of zero bytes; otherwise as [`alloc`].
#[inline]
pub fn alloc_zeroed(purpose: FrameUse) -> Option<Frame> {
    let frame = alloc(purpose)?;
    // SAFETY: the frame is new, so nobody else has a reference to it.
    unsafe { page::zero(frame.number()) };
    Some(frame)
}

/// Takes a frame with a copy of the contents of `from`, which the caller
/// holds; otherwise as [`alloc`].
pub(super) fn alloc_copy(from: FrameNumber) -> Option<Frame> {
    let frame = alloc(FrameUse::User)?;
    // SAFETY: the new frame is nobody else's; the caller holds `from`.
    unsafe { page::copy(frame.number(), from) };
    Some(frame)
}
