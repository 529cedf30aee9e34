//! One region, its rights and its backing, and why a change is refused.

use core::ops::Range;

use bitflags::bitflags;
use kernel_abi::Errno;

/// Lowest address a program may map: a null pointer never points to memory.
pub const LOWEST: usize = 0x1_0000;
/// One past the highest user address: 48 bits.
pub const HIGHEST: usize = 1 << 48;
/// Most regions of one process (Linux: `vm.max_map_count`).
pub const MOST_REGIONS: usize = 65_530;
/// Bytes kept free below a stack, so that it never grows into a neighbour
/// unnoticed (Linux: `stack_guard_gap`).
pub const STACK_GUARD: usize = 256 * crate::memory::PAGE_SIZE;

bitflags! {
    /// What a program may do with a page.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Protection: u8 {
        /// Loads.
        const READ = 1;
        /// Stores.
        const WRITE = 2;
        /// Instruction fetch.
        const EXECUTE = 4;
    }
}

bitflags! {
    /// What else is known about a region.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct RegionFlags: u8 {
        /// Stores go to the backing object, and fork shares the pages.
        const SHARED = 1;
        /// A stack: a fault below extends it.
        const GROWS_DOWN = 2;
        /// `mprotect` may not make it writable: the file was opened for
        /// reading only.
        const NEVER_WRITE = 4;
        /// A child of fork does not have it.
        const NO_FORK = 8;
        /// A child of fork has zero pages there.
        const WIPE_ON_FORK = 16;
        /// It does not belong into a core dump.
        const NO_DUMP = 32;
        /// Its pages are to stay in memory; not for children.
        const LOCKED = 64;
        /// They need not be brought in for that.
        const LOCK_ON_FAULT = 128;
    }
}

/// How far a stack may grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GrowthLimits {
    /// Bytes of the stack (`RLIMIT_STACK`).
    pub stack: usize,
    /// Pages of all regions (`RLIMIT_AS`).
    pub pages: usize,
    /// Locked pages of all regions, if it is locked (`RLIMIT_MEMLOCK`).
    pub locked: usize,
}

impl GrowthLimits {
    /// So many bytes of stack, whatever else there is.
    pub const fn of_stack(stack: usize) -> Self {
        Self { stack, pages: usize::MAX, locked: usize::MAX }
    }
}

/// What stands behind a region: nothing (zero pages) or an object.
pub trait Backing: Clone {
    /// The backing of the part that begins `pages` pages later.
    fn skip(&self, pages: usize) -> Self;
    /// True if `next` begins where this ends after `pages` pages.
    fn is_continued_by(&self, pages: usize, next: &Self) -> bool;
    /// True if it holds an object, which may take long to end.
    fn is_object(&self) -> bool;
}

/// A run of pages, `start..end`, page-aligned, not empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Region<B> {
    /// First address.
    pub start: usize,
    /// One past the last address.
    pub end: usize,
    /// Rights of the program.
    pub protection: Protection,
    /// Shared, stack, and so on.
    pub flags: RegionFlags,
    /// Zero pages, a file, a shared object.
    pub backing: B,
}

impl<B> Region<B> {
    /// The addresses as a range.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Length in pages.
    pub fn pages(&self) -> usize {
        (self.end - self.start) >> crate::memory::PAGE_SHIFT
    }

    /// True if the region's pages are the process's own: copied by fork.
    pub fn is_private(&self) -> bool {
        !self.flags.contains(RegionFlags::SHARED)
    }
}

/// Why a change of the map was refused; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError {
    /// The range is not page-aligned, is empty, or ends beyond the user's half.
    Invalid,
    /// No gap is long enough.
    NoSpace,
    /// `MAP_FIXED_NOREPLACE` met a region.
    Occupied,
    /// Part of the range is not mapped.
    NotMapped,
    /// The region may never be writable.
    Denied,
    /// More than [`MOST_REGIONS`], or than there is memory for.
    TooMany,
}

impl From<RegionError> for Errno {
    /// The error numbers of Linux's `mmap(2)` and `mprotect(2)`.
    fn from(error: RegionError) -> Errno {
        match error {
            RegionError::Invalid => Errno::EINVAL,
            RegionError::Occupied => Errno::EEXIST,
            RegionError::Denied => Errno::EACCES,
            RegionError::NoSpace
            | RegionError::NotMapped
            | RegionError::TooMany => Errno::ENOMEM,
        }
    }
}

/// Checks an address and length as `munmap` and `mprotect` get them.
///
/// # Errors
/// [`RegionError::Invalid`] unless the start is aligned, the length is not 0
/// and the end, rounded up to a page, lies in the user's half.
pub fn checked_range(
    start: usize,
    length: usize,
) -> Result<Range<usize>, RegionError> {
    let length =
        crate::memory::page_ceiling(length).ok_or(RegionError::Invalid)?;
    let end = start.checked_add(length).ok_or(RegionError::Invalid)?;
    let is_aligned = crate::memory::page_floor(start) == start;
    if !is_aligned || length == 0 || end > HIGHEST {
        return Err(RegionError::Invalid);
    }
    Ok(start..end)
}
