//! Which memory the kernel maps and which is free, from what the device tree
//! says.
//!
//! Nothing outside of what the tree calls memory is ever mapped: a CPU may
//! read, on a guess, any address that has a mapping, and behind an address
//! that is not RAM there may be firmware, a device, or RAM under a second
//! name. The same goes for memory marked `no-map`. Devices, on the other
//! hand, must lie outside memory, or a wrong tree would have the kernel write
//! to somebody's data.

#[cfg(test)]
mod tests;

use super::PAGE_SHIFT;
use super::frame::FRAME_LIMIT;
use super::range::{PhysRange, RangeList, RangeListFull};
use crate::device_tree::{Machine, Span};

/// Most pieces of RAM.
pub const MAX_RAM: usize = super::frame::MAX_SPANS;

/// Memory as the device tree describes it, in whole pages.
#[derive(Clone, Debug, Default)]
pub struct BootMemory {
    /// RAM that is mapped: all of it below the limit of frame numbers, but
    /// for ranges that are firmware's own.
    pub ram: RangeList<MAX_RAM>,
    /// RAM that holds something: kernel, initrd, device tree, what the tree
    /// reserves.
    pub reserved: RangeList<72>,
}

/// Why there is no layout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutError {
    /// Memory lies in more pieces than the kernel keeps.
    TooManyRanges,
    /// The kernel itself is not in memory.
    KernelOutside,
    /// Registers of a device are at this address, which is memory.
    DeviceInside(u64),
}

impl core::fmt::Display for LayoutError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            LayoutError::TooManyRanges => f.write_str("too many ranges"),
            LayoutError::KernelOutside => {
                f.write_str("the kernel does not lie in it")
            }
            LayoutError::DeviceInside(address) => {
                write!(f, "a device at {address:#x} lies in it")
            }
        }
    }
}

impl From<RangeListFull> for LayoutError {
    fn from(_: RangeListFull) -> Self {
        LayoutError::TooManyRanges
    }
}

impl BootMemory {
    /// The layout of `machine`, whose kernel and device tree lie at `image`
    /// and `tree`.
    ///
    /// # Errors
    /// [`LayoutError`]
    pub fn new(
        machine: &Machine<'_>,
        image: Span,
        tree: Span,
    ) -> Result<Self, LayoutError> {
        let mut memory = BootMemory::default();
        let limit = u64::from(FRAME_LIMIT) << PAGE_SHIFT;
        for span in machine.memory.iter() {
            let end = span.end().min(limit);
            let pages = PhysRange::new(span.start, end).shrink_to_pages();
            memory.ram.insert(pages)?;
        }
        if let Some(device) = machine.devices().find(|d| memory.has(*d)) {
            return Err(LayoutError::DeviceInside(device.start));
        }
        let taken = machine.initrd.into_iter().chain([image, tree]);
        for span in taken {
            memory.reserved.insert(range(span).grow_to_pages())?;
        }
        for reservation in machine.reserved.iter() {
            let range = range(reservation.span).grow_to_pages();
            if reservation.is_hidden {
                memory.ram.remove(range)?;
            } else {
                memory.reserved.insert(range)?;
            }
        }
        let image = range(image);
        let holds =
            |ram: &PhysRange| ram.start <= image.start && image.end <= ram.end;
        let is_inside = memory.ram.as_slice().iter().any(holds);
        is_inside.then_some(memory).ok_or(LayoutError::KernelOutside)
    }

    /// Whether RAM and `span` have a page in common.
    fn has(&self, span: Span) -> bool {
        let span = range(span).grow_to_pages();
        let meets =
            |ram: &PhysRange| ram.start < span.end && span.start < ram.end;
        self.ram.as_slice().iter().any(meets)
    }

    /// RAM that holds nothing yet.
    pub fn free(&self) -> RangeList<64> {
        let mut free = RangeList::new();
        for range in self.ram.as_slice() {
            // Cannot fail: there are more places than ranges.
            let _ = free.insert(*range);
        }
        for range in self.reserved.as_slice() {
            // A list too full to split loses RAM; it never frees what is
            // reserved.
            let _ = free.remove(*range);
        }
        free
    }
}

fn range(span: Span) -> PhysRange {
    PhysRange::new(span.start, span.end())
}
