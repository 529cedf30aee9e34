//! Memory: frames, the kernel's own map and heap, address spaces, and the
//! one way to user memory.
//!
//! The rules are in `kernel_core::memory`; here they meet real tables, the
//! TLB and locks.
//!
//! | addresses | what |
//! |---|---|
//! | `0` to `0x0000_ffff_ffff_ffff` | the process (TTBR0) |
//! | `0xffff_0000_0000_0000` | all RAM, never executable |
//! | `0xffff_8000_0000_0000` | the kernel image |
//! | `0xffff_9000_0000_0000` | the kernel heap |
//! | `0xffff_a000_0000_0000` | kernel stacks, guard pages between |
//! | `0xffff_b000_0000_0000` | device registers |
#![doc = include_str!("mm/README.md")]

mod access;
mod advice;
mod asid;
mod fault;
mod fork;
pub mod frame;
pub mod heap;
pub mod map;
pub mod pace;
mod page;
mod protect;
mod release;
mod remap;
mod removed;
mod request;
pub mod selftest;
mod source;
mod space;
pub mod stack;
mod table;
mod tlb;
mod unmap;
pub mod user;

pub use advice::Usage;
pub use fault::FaultError;
pub use frame::FrameRef;
pub use kernel_core::memory::PAGE_SIZE;
pub use kernel_core::memory::frame::{FrameStats, FrameUse};
pub use kernel_core::memory::layout::BootMemory;
pub use kernel_core::memory::region::{
    GrowthLimits, Placement, Protection, RegionFlags,
};
pub use release::Observed;
pub use remap::Move;
pub use request::{MapRequest, RegionInfo, Sharing};
pub use source::PageSource;
pub use space::{AddressSpace, STACK_LIMIT, STACK_TOP};

/// Takes over the memory: the kernel's own map first, then frames, and with
/// them the heap. The boot CPU calls it once, before anything allocates.
///
/// # Errors
/// A line for the console if there is no room to keep the books.
pub fn init(memory: &BootMemory) -> Result<(), &'static str> {
    map::init(memory)?;
    frame::init(memory)?;
    asid::init();
    init_cpu();
    Ok(())
}

/// What every CPU does once before it runs a process: user addresses lead
/// nowhere, and the ways of its TLB and caches are known. The others call it after
/// [`init`].
pub fn init_cpu() {
    // This comes first, so that the table which booted this CPU leaves nothing in
    // the TLB.
    asid::deactivate();
    tlb::init_cpu();
    page::init_cpu();
}
