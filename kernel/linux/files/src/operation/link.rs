//! A file gets another name, or one more.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use kernel_abi::Errno;
use kernel_core::inotify as event;

use crate::inode::{FileType, Inode, Replace};
use crate::inotify;
use crate::location::Location;
use crate::mount::CHANGES;
use crate::permission;
use crate::walk::{Asker, Last, Part};

/// A name as a descriptor and a path give it.
pub type Named<'a> = (i32, &'a [u8]);

/// Moves a name.
///
/// # Errors
/// Those of Linux's `rename(2)`.
pub fn rename(
    asker: Asker<'_>,
    old: Named<'_>,
    new: Named<'_>,
    replace: Replace,
) -> Result<(), Errno> {
    let from = asker.find_last(old.0, old.1)?;
    let to = asker.find_last(new.0, new.1)?;
    let (Part::Name(old_name), Part::Name(new_name)) = (&from.name, &to.name)
    else {
        return Err(Errno::EBUSY);
    };
    if from.directory.mount.root() != to.directory.mount.root() {
        return Err(Errno::EXDEV);
    }
    from.directory.check_writable()?;
    let inode = from.directory.inode.lookup(old_name)?;
    permission::check_name(&*from.directory.inode, Some(&*inode))?;
    permission::check_name(&*to.directory.inode, None)?;
    check_moves(&*inode, &from, &to)?;
    from.directory.check_not_covered(&inode)?;
    let is_directory = inode.kind() == FileType::Directory;
    if (from.must_be_directory || to.must_be_directory) && !is_directory {
        return Err(Errno::ENOTDIR);
    }
    if let Ok(target) = to.directory.inode.lookup(new_name) {
        permission::check_name(&*to.directory.inode, Some(&*target))?;
        if replace == Replace::Exchange {
            check_moves(&*target, &from, &to)?;
        }
        to.directory.check_not_covered(&target)?;
    }
    let target = &to.directory.inode;
    CHANGES.make(|| {
        from.directory.inode.rename(old_name, target, new_name, replace)
    })?;
    tell_of_move(&*inode, (&from, old_name), (&to, new_name));
    Ok(())
}

/// A directory that gets another parent changes, since it names that one.
fn check_moves(inode: &dyn Inode, from: &Last, to: &Last) -> Result<(), Errno> {
    let stays = from.directory.inode.id() == to.directory.inode.id();
    if stays || inode.kind() != FileType::Directory {
        return Ok(());
    }
    permission::check(inode, permission::WRITE)
}

fn tell_of_move(
    inode: &dyn Inode,
    (from, old_name): (&Last, &[u8]),
    (to, new_name): (&Last, &[u8]),
) {
    static MOVES: AtomicU32 = AtomicU32::new(1);
    if !inotify::is_used() {
        return;
    }
    let cookie = MOVES.fetch_add(1, Relaxed);
    let tell = |last: &Last, half, name: &[u8]| {
        let half = inotify::about(inode, half);
        let directory = last.directory.inode.id();
        inotify::notify_move(directory, half, cookie, name);
    };
    tell(from, event::MOVED_FROM, old_name);
    tell(to, event::MOVED_TO, new_name);
    inotify::notify(inode.id(), event::MOVE_SELF, b"");
}

/// Gives the file `old` one more name.
///
/// # Errors
/// `EXDEV`, `EPERM` for a directory, `EEXIST`.
pub fn link(
    asker: Asker<'_>,
    old: Location,
    new: Named<'_>,
) -> Result<(), Errno> {
    let to = asker.find_last(new.0, new.1)?;
    let Part::Name(name) = &to.name else {
        return Err(Errno::EEXIST);
    };
    if to.directory.mount.root() != old.mount.root() {
        return Err(Errno::EXDEV);
    }
    if old.is_directory() {
        return Err(Errno::EPERM);
    }
    to.directory.check_writable()?;
    permission::check_name(&*to.directory.inode, None)?;
    to.directory.inode.link(name, &old.inode)?;
    inotify::notify(old.inode.id(), event::ATTRIB, b"");
    inotify::notify(to.directory.inode.id(), event::CREATE, name);
    Ok(())
}
