//! Calls about files.
//!
//! Each decodes and checks its arguments here and leaves the work to
//! `kernel_files`. One file for each kind of call: `transfer.rs` (read and
//! write), `descriptor.rs` (open, close, dup), `name.rs` (make, remove,
//! rename), `extent.rs` (parts of files), `status.rs` (stat, chmod),
//! `directory.rs`, `poll.rs`, `mount.rs`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;
use kernel_core::path::PATH_MAX;

use kernel_files::permission::Authority;
use kernel_files::walk::{Asker, LastLink};
use kernel_files::{FileTable, FsContext, Location, OpenFile, OpenFlags};
use kernel_machine::mm::user;
use kernel_process::current;

pub(super) mod descriptor;
pub(super) mod directory;
pub(super) mod event;
pub(super) mod extended;
pub(super) mod extent;
pub(super) mod inotify;
pub(super) mod lock;
pub(super) mod mount;
pub(super) mod name;
pub(super) mod poll;
pub(super) mod socket;
pub(super) mod splice;
pub(super) mod status;
pub(super) mod transfer;

type Checked<T> = core::result::Result<T, Errno>;

pub(super) const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
const AT_NO_AUTOMOUNT: u32 = 0x800;
pub(super) const AT_EMPTY_PATH: u32 = 0x1000;

/// What the calling thread needs to find files.
struct Caller {
    table: Arc<FileTable>,
    context: Arc<FsContext>,
}

impl Caller {
    fn new() -> Checked<Self> {
        let thread = current();
        Ok(Self { table: thread.files()?, context: thread.fs()? })
    }

    fn asker(&self) -> Asker<'_> {
        Asker { context: &self.context, table: &self.table }
    }

    /// What `base` and the path at `address` name, as `stat` and others take
    /// them with `AT_*` flags.
    fn find(&self, base: i32, address: usize, flags: u32) -> Checked<Location> {
        self.find_named(base, &path(address)?, flags)
    }

    /// What `base` and `path` name, as [`Caller::find`].
    fn find_named(
        &self,
        base: i32,
        path: &[u8],
        flags: u32,
    ) -> Checked<Location> {
        self.find_by(None, base, path, flags)
    }

    /// As [`Caller::find`], with the rights of `who` in each directory on the
    /// way.
    fn find_as(
        &self,
        who: Authority,
        base: i32,
        address: usize,
        flags: u32,
    ) -> Checked<Location> {
        self.find_by(Some(who), base, &path(address)?, flags)
    }

    fn find_by(
        &self,
        who: Option<Authority>,
        base: i32,
        path: &[u8],
        flags: u32,
    ) -> Checked<Location> {
        if path.is_empty() && flags & AT_EMPTY_PATH != 0 {
            return self.asker().base(base);
        }
        let last_link = match flags & AT_SYMLINK_NOFOLLOW {
            0 => LastLink::Follow,
            _ => LastLink::Keep,
        };
        let walk = self.asker().walk(base, path)?;
        match who {
            None => walk.finish(last_link),
            Some(who) => walk.with_rights_of(who).finish(last_link),
        }
    }
}

/// The path at a program's address.
fn path(address: usize) -> Checked<Vec<u8>> {
    user::read_cstr(address, PATH_MAX)
}

/// The open file of a descriptor that is more than a place.
pub(super) fn file(fd: i32) -> Checked<Arc<OpenFile>> {
    let file = any_file(fd)?;
    match file.flags().contains(OpenFlags::PATH) {
        true => Err(Errno::EBADF),
        false => Ok(file),
    }
}

/// The open file of a descriptor, also one that is only a place (`O_PATH`).
#[inline(always)]
pub(super) fn any_file(fd: i32) -> Checked<Arc<OpenFile>> {
    let fd = usize::try_from(fd).map_err(|_| Errno::EBADF)?;
    current().files()?.get(fd)
}

/// Fails with `EINVAL` if `flags` has bits outside `known`.
pub(super) fn check_flags(flags: u32, known: u32) -> Checked<()> {
    if flags & !known == 0 { Ok(()) } else { Err(Errno::EINVAL) }
}
