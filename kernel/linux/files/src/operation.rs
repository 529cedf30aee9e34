//! What system calls do to names: open, make, remove, rename.
//!
//! Each walks, checks, and then changes one directory in one step of its
//! file system. Results are those of Linux's calls of the same names.

use alloc::sync::Arc;
use core::ops::Range;

use kernel_abi::Errno;
use kernel_core::capability::Capability;
use kernel_core::inotify as event;

use super::attribute::OpenDirectory;
use super::file::File;
use super::flags::OpenFlags;
use super::inode::{Change, DeviceNumber, FileType, NewInode};
use super::inotify;
use super::location::Location;
use super::mount::MountFlags;
use super::open_file::OpenFile;
use super::permission;
use super::room::has_room;
use super::walk::{Asker, Bounds, Last, LastLink, Part, Walk};
use super::write_access::WriteAccess;

mod link;
mod nameless;

pub use link::{link, rename};

/// What means nothing for a file that was just made.
const MADE: OpenFlags =
    OpenFlags::TEMPORARY.union(OpenFlags::DIRECTORY).union(OpenFlags::TRUNCATE);

/// Opens a file, and makes it first if `flags` say so and it is not there.
///
/// # Errors
/// Those of Linux's `open(2)`.
pub fn open(
    asker: Asker<'_>,
    base: i32,
    path: &[u8],
    flags: OpenFlags,
    (permissions, bounds): (u32, Bounds),
) -> Result<Arc<OpenFile>, Errno> {
    let walk = asker.walk_within(base, path, bounds)?;
    let permissions = permissions & !asker.context.umask();
    if flags.intersects(OpenFlags::CREATE | OpenFlags::TEMPORARY) {
        check_room()?;
    }
    let file = if flags.contains(OpenFlags::TEMPORARY) {
        let directory = walk.finish(last_link(flags))?;
        let made = nameless::make(&directory, flags, permissions)?;
        open_allowed(made, flags.difference(MADE))?
    } else if flags.contains(OpenFlags::CREATE) {
        let (location, origin) = find_or_create(walk, flags, permissions)?;
        match origin {
            // Its maker may use it whatever its bits say.
            Origin::Made => open_allowed(location, flags.difference(MADE))?,
            Origin::Found => open_location(location, flags)?,
        }
    } else {
        open_location(walk.finish(last_link(flags))?, flags)?
    };
    if inotify::is_used() {
        inotify::notify_at(&file.location, event::OPEN);
    }
    Ok(file)
}

fn last_link(flags: OpenFlags) -> LastLink {
    match flags.contains(OpenFlags::NO_FOLLOW) {
        true => LastLink::Keep,
        false => LastLink::Follow,
    }
}

/// Where an inode comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Made,
    Found,
}

fn find_or_create(
    mut walk: Walk<'_>,
    flags: OpenFlags,
    permissions: u32,
) -> Result<(Location, Origin), Errno> {
    loop {
        let last = walk.last()?;
        let Part::Name(name) = &last.name else {
            return Err(Errno::EISDIR);
        };
        if last.must_be_directory {
            return Err(Errno::EISDIR);
        }
        let inode = match last.find() {
            Ok(inode) => inode,
            Err(Errno::ENOENT) => {
                match create(&last, name, permissions) {
                    // Somebody was faster: open what he made.
                    Err(Errno::EEXIST)
                        if !flags.contains(OpenFlags::EXCLUSIVE) =>
                    {
                        last.find()?
                    }
                    result => return Ok((result?, Origin::Made)),
                }
            }
            Err(error) => return Err(error),
        };
        let inode = inode.ok_or(Errno::EISDIR)?;
        if flags.contains(OpenFlags::EXCLUSIVE) {
            return Err(Errno::EEXIST);
        }
        let is_link = inode.kind() == FileType::Symlink;
        if !is_link || flags.contains(OpenFlags::NO_FOLLOW) {
            walk.enter(inode)?;
            return Ok((walk.here(), Origin::Found));
        }
        walk.follow_last(&*inode, false)?;
        if walk.is_at_end() {
            return Ok((walk.here(), Origin::Found));
        }
    }
}

fn create(
    last: &Last,
    name: &[u8],
    permissions: u32,
) -> Result<Location, Errno> {
    last.directory.check_writable()?;
    permission::check_name(&*last.directory.inode, None)?;
    let kind = FileType::Regular;
    let new = permission::maker()
        .born(&*last.directory.inode, &NewInode::of_root(kind, permissions));
    let inode = last.directory.inode.create(name, &new)?;
    inotify::notify(last.directory.inode.id(), event::CREATE, name);
    Ok(last.directory.at(inode))
}

/// Opens what a walk found.
///
/// # Errors
/// `ELOOP` for a symbolic link; `EISDIR` to write a directory; `ENOTDIR`,
/// `EROFS`, `EACCES`, and what the device says.
pub fn open_location(
    location: Location,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    let mut wanted = 0;
    if flags.can_read() {
        wanted |= permission::READ;
    }
    if flags.can_write() || flags.contains(OpenFlags::TRUNCATE) {
        wanted |= permission::WRITE;
    }
    if !flags.contains(OpenFlags::PATH)
        && location.inode.kind() != FileType::Symlink
    {
        permission::check(&*location.inode, wanted)?;
    }
    open_allowed(location, flags)
}

/// Opens what the caller may open.
fn open_allowed(
    location: Location,
    flags: OpenFlags,
) -> Result<Arc<OpenFile>, Errno> {
    let kind = location.inode.kind();
    check_kind(kind, flags)?;
    check_room()?;
    if flags.contains(OpenFlags::PATH) {
        let file: Arc<dyn File> = Arc::new(OpenDirectory);
        return Ok(OpenFile::new(location, file, flags & OpenFlags::OF_PATH));
    }
    if flags.contains(OpenFlags::NO_ACCESS_TIME) {
        permission::check_owner(&*location.inode)?;
    }
    if kind == FileType::Regular || kind == FileType::Directory {
        if flags.can_write() {
            location.check_writable()?;
        }
    } else if location.mount.flags().contains(MountFlags::NO_DEVICES) {
        return Err(Errno::EACCES);
    }
    let access = match flags.can_write() {
        true => WriteAccess::get(&location.inode)?,
        false => None,
    };
    let file = location.inode.open(flags)?;
    let truncates = flags.contains(OpenFlags::TRUNCATE);
    if truncates && flags.can_write() && kind == FileType::Regular {
        truncate(&location, 0)?;
    }
    Ok(OpenFile::with_access(location, file, flags, access))
}

/// Cuts or extends a file that the caller may write.
///
/// # Errors
/// `ETXTBSY` while it runs; as
/// [`Inode::truncate`](super::inode::Inode::truncate).
pub fn truncate(location: &Location, size: u64) -> Result<(), Errno> {
    let _access = WriteAccess::get(&location.inode)?;
    location.inode.truncate(size)?;
    if inotify::is_used() {
        inotify::notify_at(location, event::MODIFY);
    }
    Ok(())
}

/// Makes a hole in a file that the caller may write.
///
/// # Errors
/// As [`Inode::punch`](super::inode::Inode::punch).
pub fn punch(location: &Location, range: Range<u64>) -> Result<(), Errno> {
    location.inode.punch(range)?;
    if inotify::is_used() {
        inotify::notify_at(location, event::MODIFY);
    }
    Ok(())
}

/// Makes room in a file that the caller may write.
///
/// # Errors
/// As [`Inode::allocate`](super::inode::Inode::allocate).
pub fn allocate(
    location: &Location,
    range: Range<u64>,
    keeps_size: bool,
) -> Result<(), Errno> {
    location.inode.allocate(range, keeps_size)?;
    if inotify::is_used() {
        inotify::notify_at(location, event::MODIFY);
    }
    Ok(())
}

/// Changes attributes, as the running process may.
///
/// # Errors
/// `EROFS`; those of [`permission::decide`]; `EPERM` if the file system keeps
/// none.
pub fn change(location: &Location, change: &Change) -> Result<(), Errno> {
    location.check_writable()?;
    let who = permission::current();
    let decide = |now: &_| permission::decide(who.as_ref(), now, change);
    location.inode.change_by(&decide)?;
    if inotify::is_used() {
        inotify::notify_at(location, event::ATTRIB);
    }
    Ok(())
}

/// Fails while memory is so short that the kernel needs the rest for itself:
/// open files live on its heap, which user programs must not exhaust.
fn check_room() -> Result<(), Errno> {
    if has_room() { Ok(()) } else { Err(Errno::ENFILE) }
}

fn check_kind(kind: FileType, flags: OpenFlags) -> Result<(), Errno> {
    match kind {
        FileType::Symlink if !flags.contains(OpenFlags::PATH) => {
            Err(Errno::ELOOP)
        }
        FileType::Directory if flags.can_write() => Err(Errno::EISDIR),
        FileType::Directory if flags.contains(OpenFlags::CREATE) => {
            Err(Errno::EISDIR)
        }
        FileType::Directory => Ok(()),
        _ if flags.contains(OpenFlags::DIRECTORY) => Err(Errno::ENOTDIR),
        _ => Ok(()),
    }
}

/// Makes a directory, a link, a device file, a FIFO or a plain file.
///
/// # Errors
/// `EEXIST`, and those of the walk and the file system.
pub fn make(
    asker: Asker<'_>,
    base: i32,
    path: &[u8],
    new: &NewInode<'_>,
) -> Result<(), Errno> {
    let last = asker.find_last(base, path)?;
    let Part::Name(name) = &last.name else {
        return Err(Errno::EEXIST);
    };
    let directory = &last.directory;
    match directory.inode.lookup(name) {
        Ok(_) => return Err(Errno::EEXIST),
        Err(Errno::ENOENT) => {}
        Err(error) => return Err(error),
    }
    if last.must_be_directory && new.kind != FileType::Directory {
        return Err(Errno::ENOENT);
    }
    directory.check_writable()?;
    let permissions = match new.kind {
        FileType::Symlink => 0o777,
        _ => new.permissions & !asker.context.umask(),
    };
    permission::check_name(&*directory.inode, None)?;
    if is_device(new.kind) && !permission::has_any(Capability::MKNOD) {
        return Err(Errno::EPERM);
    }
    let new = NewInode { permissions, ..*new };
    let new = permission::maker().born(&*directory.inode, &new);
    let inode = directory.inode.create(name, &new)?;
    let made = inotify::about(&*inode, event::CREATE);
    inotify::notify(directory.inode.id(), made, name);
    Ok(())
}

/// True for what leads to a device; the one without a number is where a name
/// was taken away, which anybody may say (mknod(2)).
fn is_device(kind: FileType) -> bool {
    const NOTHING: DeviceNumber = DeviceNumber::new(0, 0);
    match kind {
        FileType::Character(number) => number != NOTHING,
        FileType::Block(_) => true,
        _ => false,
    }
}

/// What `unlinkat` is to remove.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remove {
    /// Anything but a directory.
    File,
    /// An empty directory.
    Directory,
}

/// Takes a name away.
///
/// # Errors
/// `ENOENT`, `EISDIR`, `ENOTDIR`, `ENOTEMPTY`; `EBUSY` for a directory that
/// something is mounted on; `EINVAL` for `.`.
pub fn remove(
    asker: Asker<'_>,
    base: i32,
    path: &[u8],
    what: Remove,
) -> Result<(), Errno> {
    let last = asker.find_last(base, path)?;
    let name = match (&last.name, what) {
        (Part::Name(name), _) => name,
        (_, Remove::File) => return Err(Errno::EISDIR),
        (Part::Root, _) => return Err(Errno::EBUSY),
        (Part::Here, _) => return Err(Errno::EINVAL),
        (Part::Up, _) => return Err(Errno::ENOTEMPTY),
    };
    let inode = last.directory.inode.lookup(name)?;
    permission::check_name(&*last.directory.inode, Some(&*inode))?;
    last.directory.check_not_covered(&inode)?;
    last.directory.check_writable()?;
    let removed = match what {
        Remove::Directory => last.directory.inode.remove_directory(name),
        Remove::File if last.must_be_directory => match inode.kind() {
            FileType::Directory => Err(Errno::EISDIR),
            _ => Err(Errno::ENOTDIR),
        },
        Remove::File => last.directory.inode.unlink(name),
    };
    removed?;
    if what == Remove::File {
        // The number of its names has changed.
        inotify::notify(inode.id(), event::ATTRIB, b"");
    }
    let deleted = inotify::about(&*inode, event::DELETE);
    inotify::notify(last.directory.inode.id(), deleted, name);
    let is_gone = what == Remove::Directory || inode.metadata().links == 0;
    if is_gone && !inode.ends_watches() {
        inotify::forget(inode.id());
    }
    Ok(())
}
