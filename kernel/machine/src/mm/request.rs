//! What callers of an address space say and are told: a mapping to be made,
//! a region as `/proc` shows it. Next: `space.rs`.

use alloc::string::String;
use alloc::sync::Arc;
use core::ops::Range;

use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::region::{Placement, Protection, RegionFlags};

use super::source::{Object, PageSource, SharedMemory};

/// Where a mapping's stores go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sharing {
    /// To copies of the process's own.
    Private,
    /// To the object; for anonymous memory, to one that fork shares.
    Shared,
}

/// A mapping to be made.
#[derive(Clone)]
pub struct MapRequest {
    /// Bytes; rounded up to pages.
    pub length: usize,
    /// Where it goes.
    pub placement: Placement,
    /// What the program may do.
    pub protection: Protection,
    /// Where stores go.
    pub sharing: Sharing,
    /// The object and the index of its first page; `None` for zero pages.
    pub source: Option<(Arc<dyn PageSource>, usize)>,
    /// A stack, which grows down on faults (`MAP_GROWSDOWN`).
    pub is_stack: bool,
    /// Its pages are to stay (`MAP_LOCKED`).
    pub is_locked: bool,
    /// If it is locked, no more pages of the space may be then; `None` for any
    /// number.
    pub most_locked: Option<usize>,
    /// May become writable by `mprotect`: false for shared mappings of files
    /// that were opened for reading only.
    pub may_write: bool,
}

impl MapRequest {
    /// Private zero pages, anywhere.
    pub fn anonymous(length: usize, protection: Protection) -> Self {
        Self {
            length,
            placement: Placement::Hint(0),
            protection,
            sharing: Sharing::Private,
            source: None,
            is_stack: false,
            is_locked: false,
            most_locked: None,
            may_write: true,
        }
    }

    /// Pages of memory that the program may make its own by writing.
    pub(super) fn promised_pages(&self) -> usize {
        let is_writable = self.protection.contains(Protection::WRITE);
        let is_own = self.source.is_none() || self.sharing == Sharing::Private;
        if is_writable && is_own { self.length / PAGE_SIZE } else { 0 }
    }

    pub(super) fn flags(&self) -> RegionFlags {
        let mut flags = RegionFlags::empty();
        flags.set(RegionFlags::SHARED, self.sharing == Sharing::Shared);
        flags.set(RegionFlags::GROWS_DOWN, self.is_stack);
        flags.set(RegionFlags::LOCKED, self.is_locked);
        flags.set(RegionFlags::NEVER_WRITE, !self.may_write);
        flags
    }

    pub(super) fn into_object(self) -> Object {
        match (self.source, self.sharing) {
            (Some((source, first)), _) => Object::new(source, first),
            (None, Sharing::Private) => Object::default(),
            (None, Sharing::Shared) => {
                let pages = self.length.div_ceil(PAGE_SIZE);
                Object::new(Arc::new(SharedMemory::new(pages)), 0)
            }
        }
    }
}

/// One line of `/proc/PID/maps`.
#[derive(Clone)]
pub struct RegionInfo {
    /// Addresses.
    pub range: Range<usize>,
    /// Rights.
    pub protection: Protection,
    /// Private or shared.
    pub sharing: Sharing,
    /// Bytes from the start of the object.
    pub offset: usize,
    /// The object; `None` for private zero pages.
    pub source: Option<Arc<dyn PageSource>>,
    /// What else is known of it.
    pub flags: RegionFlags,
    /// `[heap]` or `[stack]`.
    pub label: Option<&'static str>,
}

impl RegionInfo {
    /// The last column of `/proc/PID/maps`; may be empty.
    pub fn name(&self) -> String {
        match (&self.source, self.label) {
            (Some(source), _) => source.name(),
            (None, Some(label)) => String::from(label),
            (None, None) => String::new(),
        }
    }
}
