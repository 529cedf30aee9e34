//! `memfd_create(2)`: plain files that no name leads to, and their seals.
//!
//! The bytes are a file of a RAM file system; what is added is the name that
//! `/proc` shows, and the seals: promises, never taken back, that the file
//! will not shrink, grow or be written.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::any::Any;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use kernel_abi::Errno;

use super::buffer::{Input, Output};
use super::file::{Blocking, File, Offset};
use super::flags::OpenFlags;
use super::inode::{
    Change, Decide, Extent, FileType, Inode, InodeId, Metadata,
};
use super::location::Location;
use super::mount::Mount;
use super::open_file::OpenFile;
use super::ramfs::{Nameless, RamFs};
use super::write_access::WriteAccess;
use super::write_count::WriteCount;
use kernel_machine::mm::PageSource;
use kernel_task::Mutex;

bitflags::bitflags! {
    /// What is not done to a file any more (Linux `F_SEAL_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub struct Seals: u32 {
        /// It gets no further seals.
        const SEAL = 1;
        /// It gets no shorter.
        const SHRINK = 2;
        /// It gets no longer.
        const GROW = 4;
        /// It is not written.
        const WRITE = 8;
        /// It is not written but by mappings that there are.
        const FUTURE_WRITE = 16;
    }
}

impl Seals {
    /// No call writes it, and nobody maps it to store there.
    const NO_WRITE: Self = Self::WRITE.union(Self::FUTURE_WRITE);
}

/// A file without a name.
pub struct MemoryFile {
    bytes: Nameless,
    name: String,
    seals: AtomicU32,
    /// Held by whoever changes the bytes or adds seals; over freeze points.
    changes: Mutex<()>,
    this: alloc::sync::Weak<Self>,
}

impl MemoryFile {
    fn seals(&self) -> Seals {
        Seals::from_bits_retain(self.seals.load(SeqCst))
    }

    /// What it will not do any more.
    pub fn sealed(&self) -> u32 {
        self.seals().bits()
    }

    /// Promises more.
    ///
    /// # Errors
    /// `EINVAL` for unknown seals; `EPERM` if there may be no more; `EBUSY`
    /// not to be written, if somebody may have mapped it to store there.
    pub fn seal(&self, more: u32) -> Result<(), Errno> {
        let more = Seals::from_bits(more).ok_or(Errno::EINVAL)?;
        let _changes = self.changes.lock_killable()?;
        let seals = self.seals();
        if seals.contains(Seals::SEAL) {
            return Err(Errno::EPERM);
        }
        let stops_writing = more.difference(seals).contains(Seals::WRITE);
        if stops_writing && self.bytes.is_shared() {
            return Err(Errno::EBUSY);
        }
        self.seals.store((seals | more).bits(), SeqCst);
        Ok(())
    }

    /// Fails if a seal forbids a write that ends at `end`.
    fn check_write(&self, end: u64) -> Result<(), Errno> {
        let seals = self.seals();
        let grows = end > self.bytes.inode().metadata().size;
        match seals.intersects(Seals::NO_WRITE)
            || grows && seals.contains(Seals::GROW)
        {
            true => Err(Errno::EPERM),
            false => Ok(()),
        }
    }
}

impl Inode for MemoryFile {
    fn id(&self) -> InodeId {
        self.bytes.inode().id()
    }

    fn kind(&self) -> FileType {
        FileType::Regular
    }

    fn metadata(&self) -> Metadata {
        self.bytes.inode().metadata()
    }

    fn change(&self, change: &Change) -> Result<(), Errno> {
        self.bytes.inode().change(change)
    }

    fn change_by(&self, decide: &Decide<'_>) -> Result<(), Errno> {
        self.bytes.inode().change_by(decide)
    }

    fn nameless(&self) -> Option<String> {
        Some(format!("/memfd:{} (deleted)", self.name))
    }

    fn open(&self, _flags: OpenFlags) -> Result<Arc<dyn File>, Errno> {
        let this = self.this.upgrade().ok_or(Errno::ENXIO)?;
        Ok(this)
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        let _changes = self.changes.lock_killable()?;
        let (seals, old) = (self.seals(), self.metadata().size);
        let is_forbidden = size < old && seals.contains(Seals::SHRINK)
            || size > old && seals.contains(Seals::GROW);
        if is_forbidden {
            return Err(Errno::EPERM);
        }
        self.bytes.inode().truncate(size)
    }

    fn find_extent(&self, from: u64, wanted: Extent) -> Result<u64, Errno> {
        self.bytes.inode().find_extent(from, wanted)
    }

    fn punch(&self, range: Range<u64>) -> Result<(), Errno> {
        let _changes = self.changes.lock();
        match self.seals().intersects(Seals::NO_WRITE) {
            true => Err(Errno::EPERM),
            false => self.bytes.inode().punch(range),
        }
    }

    /// A seal against growing forbids pages behind the end too, as on Linux.
    fn allocate(
        &self,
        range: Range<u64>,
        keeps_size: bool,
    ) -> Result<(), Errno> {
        let _changes = self.changes.lock_killable()?;
        let grows = range.end > self.metadata().size;
        match grows && self.seals().contains(Seals::GROW) {
            true => Err(Errno::EPERM),
            false => self.bytes.inode().allocate(range, keeps_size),
        }
    }

    fn pages(&self) -> Option<Arc<dyn PageSource>> {
        self.bytes.inode().pages()
    }

    fn shared_pages(
        &self,
        may_write: bool,
    ) -> Result<Arc<dyn PageSource>, Errno> {
        let _changes = self.changes.lock_killable()?;
        if may_write && self.seals().intersects(Seals::NO_WRITE) {
            return Err(Errno::EPERM);
        }
        self.bytes.inode().shared_pages(may_write)
    }

    fn write_count(&self) -> Option<&WriteCount> {
        self.bytes.inode().write_count()
    }
}

impl File for MemoryFile {
    fn read(
        &self,
        position: u64,
        output: &mut Output<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        self.bytes.file().read(position, output, blocking)
    }

    fn write(
        &self,
        position: u64,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<usize, Errno> {
        let _changes = self.changes.lock_killable()?;
        let length = input.remaining() as u64;
        self.check_write(position.saturating_add(length))?;
        self.bytes.file().write(position, input, blocking)
    }

    fn append(
        &self,
        input: &mut Input<'_>,
        blocking: Blocking,
    ) -> Result<(usize, u64), Errno> {
        let _changes = self.changes.lock_killable()?;
        self.check_write(u64::MAX)?;
        self.bytes.file().append(input, blocking)
    }

    /// Its pages: no name leads to them.
    fn held(&self) -> usize {
        self.metadata().blocks as usize * 512
    }

    fn any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn offset(&self) -> Offset {
        Offset::InTurn
    }
}

/// Makes an empty file of this `name`, open for reading and writing, with
/// these seals from the start.
///
/// # Errors
/// `ENFILE` if memory is short.
pub fn create(
    name: String,
    seals: Seals,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    static HOME: spin::Once<(Arc<Mount>, Arc<RamFs>)> = spin::Once::new();
    let (mount, home) = HOME.call_once(|| {
        let home = RamFs::new("tmpfs");
        (Mount::detached(home.clone(), "none"), home)
    });
    let bytes = home.nameless()?;
    let file = Arc::new_cyclic(|this| MemoryFile {
        bytes,
        name,
        seals: AtomicU32::new(seals.bits()),
        changes: Mutex::new(()),
        this: this.clone(),
    });
    let location = Location { mount: mount.clone(), inode: file.clone() };
    let access = WriteAccess::get(&location.inode)?;
    let flags = flags | OpenFlags::READ_WRITE;
    Ok(OpenFile::with_access(location, file, flags, access))
}
