//! Open files.
//!
//! A [`File`] moves bytes; an [`OpenFile`] adds what one `open` sets up and
//! its descriptors share: offset, access mode, status flags. Next: `table.rs`.

use alloc::sync::Arc;
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_core::inotify;

use super::buffer::{Input, Output};
use super::file::{Blocking, File, Offset};
use super::flags::OpenFlags;
use super::inode::{Extent, FileType, Inode, Metadata};
use super::inotify as watching;
use super::location::Location;
use super::lock::{self, Owner};
use super::write_access::WriteAccess;
use kernel_task::Mutex;

/// How and where one call reads or writes (`preadv2(2)`).
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    /// Where; `None` for the file's own offset, which moves.
    pub place: Option<u64>,
    /// A write goes to the end.
    pub is_append: bool,
    /// It fails with `EAGAIN` where it would sleep.
    pub must_not_wait: bool,
}

/// What descriptors refer to.
pub struct OpenFile {
    /// Where it lies.
    pub location: Location,
    file: Arc<dyn File>,
    flags: AtomicU32,
    offset: AtomicU64,
    /// A lock was taken by it: there is something to give back.
    has_locked: AtomicBool,
    /// While it is open, a file that it may write does not run.
    _write_access: Option<WriteAccess>,
    /// Held while a call with [`Offset::InTurn`] uses `offset`.
    turn: Mutex<()>,
}

impl OpenFile {
    /// A file just opened.
    pub fn new(
        location: Location,
        file: Arc<dyn File>,
        flags: OpenFlags,
    ) -> Arc<Self> {
        Self::with_access(location, file, flags, None)
    }

    /// A file just opened, with the write access that it needs.
    pub fn with_access(
        location: Location,
        file: Arc<dyn File>,
        flags: OpenFlags,
        write_access: Option<WriteAccess>,
    ) -> Arc<Self> {
        let flags = flags.difference(OpenFlags::ONCE);
        Arc::new(Self {
            location,
            file,
            flags: AtomicU32::new(flags.bits()),
            offset: AtomicU64::new(0),
            has_locked: AtomicBool::new(false),
            _write_access: write_access,
            turn: Mutex::new(()),
        })
    }

    /// Access mode and status flags.
    #[inline]
    pub fn flags(&self) -> OpenFlags {
        OpenFlags::from_bits_retain(self.flags.load(Relaxed))
    }

    /// Replaces those flags that can be changed.
    pub fn set_flags(&self, flags: OpenFlags) {
        let kept = self.flags().difference(OpenFlags::SETTABLE);
        let new = kept | (flags & OpenFlags::SETTABLE);
        self.flags.store(new.bits(), Relaxed);
    }

    /// Notes that a lock is about to be taken by it.
    pub fn note_lock(&self) {
        self.has_locked.store(true, Relaxed);
    }

    /// True if a lock was ever taken by it.
    #[inline]
    pub(super) fn has_locked(&self) -> bool {
        self.has_locked.load(Relaxed)
    }

    /// Where the offset stands.
    pub fn position(&self) -> u64 {
        self.offset.load(Relaxed)
    }

    /// The machinery, if it is a `T`.
    ///
    /// # Errors
    /// `EINVAL` if it is something else.
    pub fn downcast<T: Any>(&self) -> Result<&T, Errno> {
        let any = self.file.any().and_then(|any| any.downcast_ref());
        any.ok_or(Errno::EINVAL)
    }

    /// Bytes of kernel memory that it keeps.
    pub(super) fn held(&self) -> usize {
        size_of::<Self>() + self.file.held()
    }

    /// The machinery.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    /// The inode it was opened from.
    pub fn inode(&self) -> &Arc<dyn Inode> {
        &self.location.inode
    }

    /// What `fstat` tells.
    pub fn metadata(&self) -> Metadata {
        self.location.inode.metadata()
    }

    #[inline]
    fn blocking(&self) -> Blocking {
        match self.flags().contains(OpenFlags::NON_BLOCKING) {
            true => Blocking::Fail,
            false => Blocking::Sleep,
        }
    }

    #[inline]
    fn check_readable(&self) -> Result<(), Errno> {
        match self.flags().can_read() {
            true if self.inode().kind() == FileType::Directory => {
                Err(Errno::EISDIR)
            }
            true => Ok(()),
            false => Err(Errno::EBADF),
        }
    }

    #[inline]
    fn check_writable(&self) -> Result<(), Errno> {
        self.flags().can_write().then_some(()).ok_or(Errno::EBADF)
    }

    /// Reads at the offset and moves it.
    ///
    /// # Errors
    /// `EBADF` if not open for reading, and those of [`File::read`].
    #[inline]
    pub fn read(&self, output: &mut Output<'_>) -> Result<usize, Errno> {
        self.check_readable()?;
        let count = match self.file.offset() {
            Offset::None => self.file.read(0, output, self.blocking()),
            Offset::Loose => self.read_here(output),
            Offset::InTurn => {
                let _turn = self.turn.lock_killable()?;
                self.read_here(output)
            }
        }?;
        self.happened(inotify::ACCESS);
        Ok(count)
    }

    /// Tells who watches the file.
    #[inline]
    fn happened(&self, event: u32) {
        if watching::is_used() {
            watching::notify_at(&self.location, event);
        }
    }

    fn read_here(&self, output: &mut Output<'_>) -> Result<usize, Errno> {
        let position = self.position();
        let count = self.file.read(position, output, self.blocking())?;
        self.offset.store(position + count as u64, Relaxed);
        Ok(count)
    }

    /// Writes at the offset and moves it; at the end with
    /// [`OpenFlags::APPEND`].
    ///
    /// # Errors
    /// `EBADF` if not open for writing, and those of [`File::write`].
    #[inline]
    pub fn write(&self, input: &mut Input<'_>) -> Result<usize, Errno> {
        self.check_writable()?;
        let count = match self.file.offset() {
            Offset::None => self.file.write(0, input, self.blocking()),
            Offset::Loose => self.write_here(input),
            Offset::InTurn => {
                let _turn = self.turn.lock_killable()?;
                self.write_here(input)
            }
        }?;
        self.happened(inotify::MODIFY);
        Ok(count)
    }

    fn write_here(&self, input: &mut Input<'_>) -> Result<usize, Errno> {
        let (count, end) = if self.flags().contains(OpenFlags::APPEND) {
            self.file.append(input, self.blocking())?
        } else {
            let at = self.position();
            let count = self.file.write(at, input, self.blocking())?;
            (count, at + count as u64)
        };
        self.offset.store(end, Relaxed);
        Ok(count)
    }

    fn check_position(&self, position: u64) -> Result<(), Errno> {
        if self.file.offset() == Offset::None {
            return Err(Errno::ESPIPE);
        }
        i64::try_from(position).map(|_| ()).map_err(|_| Errno::EINVAL)
    }

    /// Reads at `position` and leaves the offset alone.
    ///
    /// # Errors
    /// `ESPIPE` for a stream, `EINVAL` for a position below 0; as `read`.
    pub fn read_at(
        &self,
        position: u64,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        self.check_position(position)?;
        self.check_readable()?;
        let count = self.file.read(position, output, self.blocking())?;
        self.happened(inotify::ACCESS);
        Ok(count)
    }

    /// Writes at `position` and leaves the offset alone.
    ///
    /// # Errors
    /// As [`OpenFile::read_at`] and `write`.
    pub fn write_at(
        &self,
        position: u64,
        input: &mut Input<'_>,
    ) -> Result<usize, Errno> {
        self.check_position(position)?;
        self.check_writable()?;
        let count = match self.flags().contains(OpenFlags::APPEND) {
            true => self.file.append(input, self.blocking())?.0,
            false => self.file.write(position, input, self.blocking())?,
        };
        self.happened(inotify::MODIFY);
        Ok(count)
    }

    /// Reads as `how` says.
    ///
    /// # Errors
    /// `EOPNOTSUPP` not to wait for what nobody knows whether it waits; as
    /// [`OpenFile::read`] and [`OpenFile::read_at`].
    pub fn read_by(
        &self,
        how: Transfer,
        output: &mut Output<'_>,
    ) -> Result<usize, Errno> {
        match (how.place, how.must_not_wait) {
            (None, false) => self.read(output),
            (Some(place), false) => self.read_at(place, output),
            (None, true) if self.file.offset() == Offset::None => {
                self.check_readable()?;
                self.file.read(0, output, Blocking::Fail)
            }
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Writes as `how` says.
    ///
    /// # Errors
    /// As [`OpenFile::read_by`] for writing.
    pub fn write_by(
        &self,
        how: Transfer,
        input: &mut Input<'_>,
    ) -> Result<usize, Errno> {
        let is_stream = self.file.offset() == Offset::None;
        match (how.place, how.must_not_wait) {
            (None, true) if is_stream => {
                self.check_writable()?;
                self.file.write(0, input, Blocking::Fail)
            }
            (_, true) => Err(Errno::EOPNOTSUPP),
            (place, false) if how.is_append && !is_stream => {
                self.check_writable()?;
                let _turn = self.turn.lock();
                let (count, end) = self.file.append(input, self.blocking())?;
                if place.is_none() {
                    self.offset.store(end, Relaxed);
                }
                self.happened(inotify::MODIFY);
                Ok(count)
            }
            (None, false) => self.write(input),
            (Some(place), false) => self.write_at(place, input),
        }
    }

    /// Moves the offset (`lseek`): from 0, from where it stands, from the
    /// end for `whence` 0, 1, 2; for 3 and 4 to the next bytes, or the next
    /// hole, at or after the place.
    ///
    /// # Errors
    /// `ESPIPE` for a stream, `EINVAL` for an unknown `whence` or a place
    /// before the beginning; `ENXIO` for a hole or bytes behind the end.
    pub fn seek(&self, offset: i64, whence: u32) -> Result<u64, Errno> {
        if self.file.offset() == Offset::None {
            return Err(Errno::ESPIPE);
        }
        let _turn = self.turn.lock_killable()?;
        let base = match whence {
            0 => 0,
            1 => self.position(),
            2 => self.metadata().size,
            3 | 4 => {
                let from = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
                let wanted =
                    if whence == 3 { Extent::Data } else { Extent::Hole };
                let place = self.inode().find_extent(from, wanted)?;
                self.offset.store(place, Relaxed);
                return Ok(place);
            }
            _ => return Err(Errno::EINVAL),
        };
        let place = (base as i64).checked_add(offset);
        let place = place.ok_or(Errno::EOVERFLOW)?;
        let place = u64::try_from(place).map_err(|_| Errno::EINVAL)?;
        self.offset.store(place, Relaxed);
        Ok(place)
    }

    /// Gives `use_offset` the offset to read and replace, in turn.
    ///
    /// # Errors
    /// Those of `use_offset`, which then must leave the offset alone.
    pub fn with_offset<T>(
        &self,
        use_offset: impl FnOnce(&mut u64) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let _turn = self.turn.lock_killable()?;
        let mut offset = self.position();
        let result = use_offset(&mut offset);
        self.offset.store(offset, Relaxed);
        result
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.happened(match self.flags().can_write() {
            true => inotify::CLOSE_WRITE,
            false => inotify::CLOSE_NOWRITE,
        });
        if self.has_locked() {
            let own = core::ptr::from_ref(self).addr();
            for owner in [Owner::Whole(own), Owner::Record(own)] {
                lock::release_all(self.inode().id(), owner);
            }
        }
    }
}
