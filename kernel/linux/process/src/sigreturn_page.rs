//! The page that signal handlers return to.
//!
//! A handler without a restorer returns here: two instructions that call
//! `rt_sigreturn` (a signal trampoline). Every program has the page, all share
//! one frame.

use alloc::string::String;
use alloc::sync::Arc;

use kernel_abi::Errno;

use kernel_machine::mm::frame::{self, FrameRef};
use kernel_machine::mm::{
    AddressSpace, FrameUse, MapRequest, PAGE_SIZE, PageSource, Placement,
    Protection, STACK_TOP,
};

/// `mov x8, #139`, `svc #0`.
const CODE: [u32; 2] = [0xd280_1168, 0xd400_0001];

/// Between stack and mappings: what a stack may grow to ends above.
const ADDRESS: usize = STACK_TOP - (124 << 20);

/// The one frame with the code.
struct Page(FrameRef);

static PAGE: spin::Once<Arc<Page>> = spin::Once::new();

impl PageSource for Page {
    fn page(&self, index: usize) -> Result<FrameRef, Errno> {
        if index == 0 { Ok(self.0.clone()) } else { Err(Errno::ENXIO) }
    }

    fn name(&self) -> String {
        String::from("[vdso]")
    }
}

fn page() -> Result<Arc<Page>, Errno> {
    let page = PAGE.try_call_once(|| {
        let mut frame =
            frame::alloc_zeroed(FrameUse::Kernel).ok_or(Errno::ENOMEM)?;
        for (place, word) in frame.bytes_mut().chunks_mut(4).zip(CODE) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Ok(Arc::new(Page(frame.into())))
    });
    page.cloned()
}

/// Maps the page; its address.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn map(space: &AddressSpace) -> Result<usize, Errno> {
    let protection = Protection::READ | Protection::EXECUTE;
    space.map(MapRequest {
        placement: Placement::FixedNoReplace(ADDRESS),
        source: Some((page()?, 0)),
        may_write: false,
        ..MapRequest::anonymous(PAGE_SIZE, protection)
    })
}
