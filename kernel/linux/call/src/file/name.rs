//! Calls that make, remove and move names.

use kernel_abi::{Errno, syscall as number};

use super::{AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, Caller, check_flags, path};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_files::inode::{DeviceNumber, Link, NewInode, Replace, TYPE_MASK};
use kernel_files::operation::{self, Remove};
use kernel_files::walk::AT_FDCWD;
use kernel_files::{FileType, OpenFlags, permission};
use kernel_machine::mm::user::UserSlice;
use kernel_process::authority;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MKDIRAT, Handler::Plain(mkdirat)),
    (number::MKNODAT, Handler::Plain(mknodat)),
    (number::SYMLINKAT, Handler::Plain(symlinkat)),
    (number::LINKAT, Handler::Plain(linkat)),
    (number::UNLINKAT, Handler::Plain(unlinkat)),
    (number::RENAMEAT, Handler::Plain(renameat)),
    (number::RENAMEAT2, Handler::Plain(renameat2)),
    (number::READLINKAT, Handler::Plain(readlinkat)),
    (number::TRUNCATE, Handler::Plain(truncate)),
    (number::FTRUNCATE, Handler::Plain(ftruncate)),
];

const AT_REMOVEDIR: u32 = 0x200;
const AT_SYMLINK_FOLLOW: u32 = 0x400;
const RENAME_NOREPLACE: u32 = 1;
const RENAME_EXCHANGE: u32 = 2;

fn mkdirat(args: &Args) -> Result {
    let (kind, permissions) = (FileType::Directory, args.word(2) & 0o1777);
    make(args, 1, &NewInode::of_root(kind, permissions))
}

fn mknodat(args: &Args) -> Result {
    let mode = match args.word(2) {
        mode if mode & TYPE_MASK == 0 => mode | FileType::Regular.mode_bits(),
        mode => mode,
    };
    let device = DeviceNumber::decode(args.word(3));
    let kind = FileType::from_mode(mode, device).ok_or(Errno::EINVAL)?;
    match kind {
        FileType::Directory => return Err(Errno::EPERM),
        FileType::Symlink => return Err(Errno::EINVAL),
        _ => {}
    }
    let permissions = mode & 0o7777;
    make(args, 1, &NewInode::of_root(kind, permissions))
}

/// Makes `new` at the descriptor before argument `at` and the path there.
fn make(args: &Args, at: usize, new: &NewInode<'_>) -> Result {
    let path = path(args.x[at])?;
    let caller = Caller::new()?;
    let base = args.int(at - 1);
    operation::make(caller.asker(), base, &path, new).map(|()| 0)
}

fn symlinkat(args: &Args) -> Result {
    let target = path(args.x[0])?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    let (kind, permissions) = (FileType::Symlink, 0o777);
    make(
        args,
        2,
        &NewInode { target: &target, ..NewInode::of_root(kind, permissions) },
    )
}

fn linkat(args: &Args) -> Result {
    let flags = args.word(4);
    check_flags(flags, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)?;
    let keep = match flags & AT_SYMLINK_FOLLOW {
        0 => AT_SYMLINK_NOFOLLOW,
        _ => 0,
    };
    if flags & AT_EMPTY_PATH != 0
        && !authority::has(Capability::DAC_READ_SEARCH)
    {
        return Err(Errno::ENOENT);
    }
    let caller = Caller::new()?;
    let flags = flags & AT_EMPTY_PATH | keep;
    let old = caller.find(args.int(0), args.x[1], flags)?;
    let new = path(args.x[3])?;
    let new = (args.int(2), &new[..]);
    operation::link(caller.asker(), old, new).map(|()| 0)
}

fn unlinkat(args: &Args) -> Result {
    let flags = args.word(2);
    check_flags(flags, AT_REMOVEDIR)?;
    let what = match flags {
        AT_REMOVEDIR => Remove::Directory,
        _ => Remove::File,
    };
    let path = path(args.x[1])?;
    let caller = Caller::new()?;
    let base = args.int(0);
    operation::remove(caller.asker(), base, &path, what).map(|()| 0)
}

fn renameat(args: &Args) -> Result {
    rename(args, Replace::Yes)
}

fn renameat2(args: &Args) -> Result {
    let replace = match args.word(4) {
        0 => Replace::Yes,
        RENAME_NOREPLACE => Replace::No,
        RENAME_EXCHANGE => Replace::Exchange,
        _ => return Err(Errno::EINVAL),
    };
    rename(args, replace)
}

fn rename(args: &Args, replace: Replace) -> Result {
    let (old, new) = (path(args.x[1])?, path(args.x[3])?);
    let caller = Caller::new()?;
    let old = (args.int(0), &old[..]);
    let new = (args.int(2), &new[..]);
    operation::rename(caller.asker(), old, new, replace).map(|()| 0)
}

fn readlinkat(args: &Args) -> Result {
    let size = args.x[3];
    if size == 0 || size > isize::MAX as usize {
        return Err(Errno::EINVAL);
    }
    let caller = Caller::new()?;
    let flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
    let path = path(args.x[1])?;
    let is_empty = path.is_empty();
    let link = caller.find_named(args.int(0), &path, flags)?;
    let followed = link.inode.read_link().map_err(|error| match error {
        // What is there without a name to look for is no link.
        Errno::EINVAL if is_empty => Errno::ENOENT,
        other => other,
    });
    let target = match followed? {
        Link::Path(target) => target,
        Link::Location(place) => {
            let path = place.path(&caller.context.root());
            path.unwrap_or_else(|_| b"(deleted)".to_vec())
        }
    };
    let length = target.len().min(size);
    UserSlice::new(args.x[2], length)?.write(0, &target[..length])?;
    Ok(length)
}

fn size(value: usize) -> core::result::Result<u64, Errno> {
    u64::try_from(value as i64).map_err(|_| Errno::EINVAL)
}

fn truncate(args: &Args) -> Result {
    let size = size(args.x[1])?;
    let caller = Caller::new()?;
    let place = caller.find(AT_FDCWD, args.x[0], 0)?;
    if place.is_directory() {
        return Err(Errno::EISDIR);
    }
    place.check_writable()?;
    permission::check(&*place.inode, permission::WRITE)?;
    operation::truncate(&place, size).map(|()| 0)
}

fn ftruncate(args: &Args) -> Result {
    let size = size(args.x[1])?;
    let file = super::file(args.int(0))?;
    let flags: OpenFlags = file.flags();
    if !flags.can_write() || file.inode().kind() != FileType::Regular {
        return Err(Errno::EINVAL);
    }
    operation::truncate(&file.location, size).map(|()| 0)
}
