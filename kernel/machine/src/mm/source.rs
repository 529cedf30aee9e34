//! What stands behind a mapping: nothing, a file, or shared memory.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;

use kernel_abi::Errno;
use kernel_core::memory::PAGE_SIZE;
use kernel_core::memory::frame::FrameUse;
use kernel_core::memory::region::Backing;

use super::frame::{self, FrameRef};
use super::pace::{PIECE, pause};
use crate::sync::SpinLock;

/// Pages that can be mapped: a file's, or shared memory's.
///
/// Both `page` methods are called with the address space's spin lock held, so
/// they must not sleep.
pub trait PageSource: Send + Sync {
    /// Page `index` of the object. Mappings hold references to the frame; a
    /// private mapping never writes to it.
    ///
    /// # Errors
    /// `ENXIO` past the end (the program gets `SIGBUS`), `ENOMEM`.
    fn page(&self, index: usize) -> Result<FrameRef, Errno>;

    /// Page `index`, if it is in memory already. A fault asks for neighbours
    /// of a page that a program read. Where `page` allocates, this method must
    /// be overridden.
    fn present_page(&self, index: usize) -> Option<FrameRef> {
        self.page(index).ok()
    }

    /// What `/proc/PID/maps` shows: a path. The caller holds no locks.
    fn name(&self) -> String;

    /// Inode number for `/proc/PID/maps`; 0 if there is none.
    fn inode(&self) -> u64 {
        0
    }

    /// One more region shows it. The caller may hold an address space's spin
    /// lock.
    fn opened(&self) {}

    /// One region less shows it. As there.
    fn closed(&self) {}

    /// Itself, for the calls that are about one kind of memory.
    fn any(&self) -> Option<&dyn Any> {
        None
    }
}

/// The backing of a region: page `first` of `source` and on, or zero pages.
#[derive(Default)]
pub struct Object {
    /// `None`: zero pages, of the process alone.
    pub source: Option<Arc<dyn PageSource>>,
    /// Index of the region's first page in `source`.
    pub first: usize,
}

impl Object {
    /// Page `first` of `source` and on.
    pub(super) fn new(source: Arc<dyn PageSource>, first: usize) -> Self {
        source.opened();
        Self { source: Some(source), first }
    }

    /// Bytes of `source` before the first page; of a place that no file can
    /// have, the lower bits, as on Linux.
    pub(super) fn offset(&self) -> usize {
        self.first.wrapping_mul(PAGE_SIZE)
    }
}

impl Clone for Object {
    #[inline]
    fn clone(&self) -> Self {
        match &self.source {
            Some(source) => Self::new(source.clone(), self.first),
            None => Self { source: None, first: self.first },
        }
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        if let Some(source) = &self.source {
            source.closed();
        }
    }
}

impl Backing for Object {
    fn skip(&self, pages: usize) -> Self {
        let mut rest = self.clone();
        if self.source.is_some() {
            rest.first = rest.first.wrapping_add(pages);
        }
        rest
    }

    #[inline]
    fn is_continued_by(&self, pages: usize, next: &Self) -> bool {
        match (&self.source, &next.source) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                Arc::ptr_eq(one, other)
                    && self.first.wrapping_add(pages) == next.first
            }
            _ => false,
        }
    }

    #[inline]
    fn is_object(&self) -> bool {
        self.source.is_some()
    }
}

/// Memory that processes share: `MAP_SHARED | MAP_ANONYMOUS`. Pages appear,
/// zeroed, when first touched, and stay until the last mapping is gone. It is
/// as long as the mapping that it was made for.
pub struct SharedMemory {
    pages: SpinLock<BTreeMap<usize, FrameRef>>,
    /// How many pages it may have.
    count: usize,
}

impl SharedMemory {
    /// So many pages.
    pub(super) fn new(count: usize) -> Self {
        Self { pages: SpinLock::default(), count }
    }
}

impl Default for SpinLock<BTreeMap<usize, FrameRef>> {
    fn default() -> Self {
        SpinLock::new(BTreeMap::new())
    }
}

impl Drop for SharedMemory {
    /// In pieces: whoever lets go of it holds no lock.
    fn drop(&mut self) {
        let pages = self.pages.get_mut();
        let mut count = 0;
        while let Some((_, page)) = pages.pop_last() {
            drop(page);
            count += 1;
            if count % PIECE == 0 {
                pause();
            }
        }
    }
}

impl PageSource for SharedMemory {
    fn page(&self, index: usize) -> Result<FrameRef, Errno> {
        if index >= self.count {
            return Err(Errno::ENXIO);
        }
        let mut pages = self.pages.lock();
        if let Some(page) = pages.get(&index) {
            return Ok(page.clone());
        }
        let new = frame::alloc_zeroed(FrameUse::User).ok_or(Errno::ENOMEM)?;
        let page = FrameRef::from(new);
        pages.insert(index, page.clone());
        Ok(page)
    }

    fn present_page(&self, index: usize) -> Option<FrameRef> {
        self.pages.lock().get(&index).cloned()
    }

    fn name(&self) -> String {
        String::from("/dev/zero (deleted)")
    }
}
