//! File descriptors of a process.
//!
//! A descriptor is the lowest number that is free; two may refer to one
//! [`OpenFile`]. What a close drops is dropped after the lock is released,
//! since the end of a pipe wakes the other end.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernel_abi::Errno;

use super::lock::{self, Owner};
use super::open_file::OpenFile;
use kernel_machine::mm::heap;
use kernel_machine::sync::{Rank, SpinLock};

/// Most descriptors that any process may be given (`/proc/sys/fs/nr_open`).
pub const LIMIT: usize = 1 << 20;
/// Descriptors of a process of which nothing else is known.
const USUAL_LIMIT: usize = 1024;

/// Whether an exec closes the descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnExec {
    /// It stays open.
    Keep,
    /// It is closed (Linux `FD_CLOEXEC`).
    Close,
}

impl OnExec {
    /// [`OnExec::Close`] if `is_set`.
    pub fn close_if(is_set: bool) -> Self {
        if is_set { OnExec::Close } else { OnExec::Keep }
    }
}

#[derive(Clone)]
struct Descriptor {
    file: Arc<OpenFile>,
    on_exec: OnExec,
}

#[derive(Default)]
struct Descriptors {
    by_number: Vec<Option<Descriptor>>,
    /// No number below is free.
    first_free: usize,
}

impl Descriptors {
    fn get(&self, fd: usize) -> Result<&Descriptor, Errno> {
        let found = self.by_number.get(fd).and_then(Option::as_ref);
        found.ok_or(Errno::EBADF)
    }

    /// The lowest free number from `least` on and below `most`, about to be
    /// filled.
    fn find_free(&mut self, least: usize, most: usize) -> Result<usize, Errno> {
        let mut fd = least.max(self.first_free);
        while matches!(self.by_number.get(fd), Some(Some(_))) {
            fd += 1;
        }
        if fd >= most {
            return Err(Errno::EMFILE);
        }
        self.reserve(fd)?;
        if least <= self.first_free {
            self.first_free = fd + 1;
        }
        Ok(fd)
    }

    /// Makes room for the number `fd`.
    #[inline]
    fn reserve(&mut self, fd: usize) -> Result<(), Errno> {
        if fd < self.by_number.len() {
            return Ok(());
        }
        self.grow(fd + 1)
    }

    #[cold]
    fn grow(&mut self, count: usize) -> Result<(), Errno> {
        let more = count - self.by_number.len();
        check_room::<Option<Descriptor>>(count)?;
        let reserved = self.by_number.try_reserve(more);
        reserved.map_err(|_| Errno::ENOMEM)?;
        self.by_number.resize(count, None);
        Ok(())
    }

    /// Puts `descriptor` in place `fd`, for which there is room; gives what was
    /// there.
    fn put(&mut self, fd: usize, new: Descriptor) -> Option<Descriptor> {
        self.by_number[fd].replace(new)
    }

    fn take(&mut self, fd: usize) -> Option<Descriptor> {
        let taken = self.by_number.get_mut(fd)?.take();
        self.first_free = self.first_free.min(fd);
        taken
    }
}

/// A program that asks for a large number gets the room for all below only if
/// that makes memory not scarce.
fn check_room<T>(count: usize) -> Result<(), Errno> {
    const FEW: usize = 256;
    match count > FEW && !heap::has_room(2 * count * size_of::<T>()) {
        true => Err(Errno::ENOMEM),
        false => Ok(()),
    }
}

impl Drop for FileTable {
    fn drop(&mut self) {
        let descriptors = core::mem::take(self.descriptors.get_mut());
        for gone in descriptors.by_number {
            self.finish(gone);
        }
    }
}

/// The descriptors of a process, shared by its threads.
pub struct FileTable {
    descriptors: SpinLock<Descriptors>,
    /// No new descriptor is this number or above (`RLIMIT_NOFILE`).
    limit: AtomicUsize,
}

impl FileTable {
    /// A table without descriptors.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::with(Descriptors::default(), USUAL_LIMIT))
    }

    fn with(descriptors: Descriptors, limit: usize) -> Self {
        Self {
            descriptors: SpinLock::with_rank(Rank::Process, descriptors),
            limit: AtomicUsize::new(limit),
        }
    }

    /// From now on no new descriptor is `limit` or above; those that are stay.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit.min(LIMIT), Relaxed);
    }

    /// No new descriptor is this number or above.
    pub fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// A copy for a child: the same open files. The room for it is made while
    /// the lock is free.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn fork(&self) -> Result<Arc<Self>, Errno> {
        let mut copy = Descriptors::default();
        loop {
            let count = self.descriptors.lock().by_number.len();
            let own = &mut copy.by_number;
            check_room::<Option<Descriptor>>(count)?;
            own.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
            let descriptors = self.descriptors.lock();
            // Another thread may have opened more meanwhile.
            if descriptors.by_number.len() <= own.capacity() {
                own.extend(descriptors.by_number.iter().cloned());
                copy.first_free = descriptors.first_free;
                break;
            }
        }
        Ok(Arc::new(Self::with(copy, self.limit())))
    }

    /// The open file of a descriptor.
    ///
    /// # Errors
    /// `EBADF` if there is none.
    #[inline]
    pub fn get(&self, fd: usize) -> Result<Arc<OpenFile>, Errno> {
        Ok(self.descriptors.lock().get(fd)?.file.clone())
    }

    /// Gives `file` the lowest free descriptor at or above `least`.
    ///
    /// # Errors
    /// `EMFILE` if there is none below the limit; `ENOMEM`.
    pub fn insert(
        &self,
        least: usize,
        file: Arc<OpenFile>,
        on_exec: OnExec,
    ) -> Result<usize, Errno> {
        let mut descriptors = self.descriptors.lock();
        let fd = descriptors.find_free(least, self.limit())?;
        descriptors.put(fd, Descriptor { file, on_exec });
        Ok(fd)
    }

    /// Fails where [`FileTable::insert`] would for want of a number: asked
    /// before something is done that cannot be undone.
    ///
    /// # Errors
    /// `EMFILE`, `ENOMEM`.
    pub fn check_free(&self) -> Result<(), Errno> {
        let mut descriptors = self.descriptors.lock();
        let fd = descriptors.find_free(0, self.limit())?;
        descriptors.first_free = fd;
        Ok(())
    }

    /// Makes `new` refer to what `old` refers to, closing what it was.
    ///
    /// # Errors
    /// `EBADF` if `old` is not open or `new` too large; `ENOMEM`.
    pub fn replace(
        &self,
        old: usize,
        new: usize,
        on_exec: OnExec,
    ) -> Result<(), Errno> {
        if new >= self.limit() {
            return Err(Errno::EBADF);
        }
        let mut descriptors = self.descriptors.lock();
        let file = descriptors.get(old)?.file.clone();
        descriptors.reserve(new)?;
        let replaced = descriptors.put(new, Descriptor { file, on_exec });
        drop(descriptors);
        self.finish(replaced);
        Ok(())
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    /// `EBADF` if it is not open.
    #[inline]
    pub fn close(&self, fd: usize) -> Result<(), Errno> {
        let taken = self.descriptors.lock().take(fd);
        taken.map(|it| self.finish(Some(it))).ok_or(Errno::EBADF)
    }

    /// Lets go of a descriptor: whatever it was, the record locks that this
    /// table has on its file go, too (POSIX).
    #[inline]
    fn finish(&self, gone: Option<Descriptor>) {
        if let Some(Descriptor { file, .. }) = &gone
            && file.has_locked()
        {
            let owner = Owner::Record(core::ptr::from_ref(self).addr());
            lock::release_all(file.inode().id(), owner);
            file.file().let_go();
        }
        drop(gone);
    }

    /// Closes every descriptor that an exec closes.
    pub fn close_on_exec(&self) {
        let closes = |it: &Descriptor| it.on_exec == OnExec::Close;
        let count = self.descriptors.lock().by_number.len();
        for fd in 0..count {
            let mut descriptors = self.descriptors.lock();
            let found = descriptors.get(fd).is_ok_and(closes);
            let taken = if found { descriptors.take(fd) } else { None };
            drop(descriptors);
            self.finish(taken);
        }
    }

    /// Whether an exec closes a descriptor.
    ///
    /// # Errors
    /// `EBADF` if it is not open.
    pub fn on_exec(&self, fd: usize) -> Result<OnExec, Errno> {
        Ok(self.descriptors.lock().get(fd)?.on_exec)
    }

    /// Says whether an exec closes a descriptor.
    ///
    /// # Errors
    /// `EBADF` if it is not open.
    pub fn set_on_exec(&self, fd: usize, on_exec: OnExec) -> Result<(), Errno> {
        let mut descriptors = self.descriptors.lock();
        let found = descriptors.by_number.get_mut(fd).and_then(Option::as_mut);
        found.ok_or(Errno::EBADF)?.on_exec = on_exec;
        Ok(())
    }

    /// Bytes of kernel memory that it keeps: its files too, each divided by
    /// those who have it.
    pub fn held(&self) -> usize {
        let descriptors = self.descriptors.lock();
        let files = descriptors.by_number.iter().flatten();
        let share = |it: &Descriptor| {
            it.file.held() / Arc::strong_count(&it.file).max(1)
        };
        let table = descriptors.by_number.capacity();
        table * size_of::<Option<Descriptor>>()
            + files.map(share).sum::<usize>()
    }

    /// The open descriptors, lowest first.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn list(&self) -> Result<Vec<usize>, Errno> {
        let mut list = Vec::new();
        loop {
            let descriptors = self.descriptors.lock();
            let all = descriptors.by_number.iter();
            let open =
                |(fd, it): (usize, &Option<_>)| it.is_some().then_some(fd);
            let open = all.enumerate().filter_map(open);
            let count = open.clone().count();
            if count <= list.capacity() {
                list.extend(open);
                return Ok(list);
            }
            drop(descriptors);
            check_room::<usize>(count)?;
            list.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        }
    }

    /// The lowest open descriptor from `least` on.
    pub fn next(&self, least: usize) -> Option<usize> {
        let descriptors = self.descriptors.lock();
        let from = descriptors.by_number.get(least..)?;
        from.iter().position(Option::is_some).map(|at| least + at)
    }
}
