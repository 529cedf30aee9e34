//! Calls of `inotify(7)`.

use kernel_abi::{Errno, syscall as number};
use kernel_core::inotify::{
    DO_NOT_FOLLOW, MASK_ADD, MASK_CREATE, ONLY_DIRECTORY,
};

use super::{AT_SYMLINK_NOFOLLOW, Caller, check_flags, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::inotify::Inotify;
use kernel_files::table::OnExec;
use kernel_files::walk::AT_FDCWD;
use kernel_files::{OpenFlags, anonymous, permission};
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::INOTIFY_INIT1, Handler::Plain(inotify_init1)),
    (number::INOTIFY_ADD_WATCH, Handler::Plain(inotify_add_watch)),
    (number::INOTIFY_RM_WATCH, Handler::Plain(inotify_rm_watch)),
];

const FLAGS: OpenFlags =
    OpenFlags::CLOSE_ON_EXEC.union(OpenFlags::NON_BLOCKING);

fn inotify_init1(args: &Args) -> Result {
    check_flags(args.word(0), FLAGS.bits())?;
    let flags = OpenFlags::from_bits_retain(args.word(0));
    let on_exec = flags.contains(OpenFlags::CLOSE_ON_EXEC);
    let file = anonymous::open("inotify", Inotify::new()?, flags)?;
    current().files()?.insert(0, file, OnExec::close_if(on_exec))
}

fn inotify_add_watch(args: &Args) -> Result {
    let mask = args.word(2);
    let set = file(args.int(0))?;
    if mask & MASK_ADD != 0 && mask & MASK_CREATE != 0 {
        return Err(Errno::EINVAL);
    }
    let links = match mask & DO_NOT_FOLLOW {
        0 => 0,
        _ => AT_SYMLINK_NOFOLLOW,
    };
    let place = Caller::new()?.find(AT_FDCWD, args.x[1], links)?;
    if mask & ONLY_DIRECTORY != 0 && !place.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    permission::check(&*place.inode, permission::READ)?;
    let inotify = set.downcast::<Inotify>()?;
    Ok(inotify.watch(place.inode.id(), mask)? as usize)
}

fn inotify_rm_watch(args: &Args) -> Result {
    let set = file(args.int(0))?;
    set.downcast::<Inotify>()?.end_watch(args.int(1)).map(|()| 0)
}
