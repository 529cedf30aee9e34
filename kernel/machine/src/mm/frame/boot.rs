//! Where the frame records go.

use core::slice;

use kernel_core::memory::frame::{FrameSpan, FrameTable, Record};
use kernel_core::memory::range::{PhysRange, RangeList};
use kernel_core::memory::{PAGE_SHIFT, PAGE_SIZE};

use crate::mm::page;

const _: () = assert!(size_of::<Record>() == 8);

/// Takes room for the frame records out of `free` and clears it.
pub(super) fn place_records(
    free: &mut RangeList<64>,
    spans: &[FrameSpan],
) -> Result<&'static [Record], &'static str> {
    let count = FrameTable::records_needed(spans);
    let size = (count * size_of::<Record>()).next_multiple_of(PAGE_SIZE);
    let place = free.as_slice().iter().find(|r| r.size() >= size as u64);
    let start = place.ok_or("too little memory for frame records")?.start;
    let taken = PhysRange::new(start, start + size as u64);
    free.remove(taken).map_err(|_| "memory is too fragmented")?;
    for frame in page::number(taken.start)..page::number(taken.end) {
        // SAFETY: free RAM that was just taken; nobody refers to it.
        unsafe { page::zero(frame) };
    }
    let first = page::linear(start).cast();
    // SAFETY: `count` records fit, are aligned to a page, valid when zero,
    // and the memory is never used for anything else.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// The frames of a range of whole pages.
pub(super) fn to_span(range: PhysRange) -> FrameSpan {
    let first = page::number(range.start);
    let count = (range.size() >> PAGE_SHIFT) as u32;
    FrameSpan { first, count }
}
