//! Calls that tell or change what is known of a file: `stat`, `chmod`.

use kernel_abi::stat::Statfs;
use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};

use super::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, Caller, Checked,
    any_file, check_flags, file,
};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_files::inode::{Change, PERMISSION_MASK};
use kernel_files::operation;
use kernel_files::walk::AT_FDCWD;
use kernel_files::{FileType, Location, clock};
use kernel_machine::mm::user;
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::NEWFSTATAT, Handler::Plain(newfstatat)),
    (number::FSTAT, Handler::Plain(fstat)),
    (number::STATX, Handler::Plain(statx)),
    (number::STATFS, Handler::Plain(statfs)),
    (number::FSTATFS, Handler::Plain(fstatfs)),
    (number::FACCESSAT, Handler::Plain(faccessat)),
    (number::FACCESSAT2, Handler::Plain(faccessat2)),
    (number::FCHMOD, Handler::Plain(fchmod)),
    (number::FCHMODAT, Handler::Plain(fchmodat)),
    (number::FCHOWN, Handler::Plain(fchown)),
    (number::FCHOWNAT, Handler::Plain(fchownat)),
    (number::UTIMENSAT, Handler::Plain(utimensat)),
    (number::UMASK, Handler::Plain(umask)),
];

const AT_EACCESS: u32 = 0x200;
const W_OK: u32 = 2;
const UTIME_NOW: i64 = 0x3fff_ffff;
const UTIME_OMIT: i64 = 0x3fff_fffe;

fn newfstatat(args: &Args) -> Result {
    let flags = args.word(3);
    let known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
    check_flags(flags, known)?;
    let place = Caller::new()?.find(args.int(0), args.x[1], flags)?;
    let stat = place.inode.metadata().stat();
    user::write_value(args.x[2], &stat).map(|()| 0)
}

fn fstat(args: &Args) -> Result {
    let stat = any_file(args.int(0))?.metadata().stat();
    user::write_value(args.x[1], &stat).map(|()| 0)
}

fn statx(args: &Args) -> Result {
    /// `AT_STATX_FORCE_SYNC`, `AT_STATX_DONT_SYNC`: nothing is remote.
    const SYNC_TYPE: u32 = 0x6000;
    const RESERVED: u32 = 1 << 31;
    let flags = args.word(2);
    let known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
    check_flags(flags, known | SYNC_TYPE)?;
    if flags & SYNC_TYPE == SYNC_TYPE || args.word(3) & RESERVED != 0 {
        return Err(Errno::EINVAL);
    }
    let place = Caller::new()?.find(args.int(0), args.x[1], flags)?;
    let statx = place.inode.metadata().stat().to_statx();
    user::write_value(args.x[4], &statx).map(|()| 0)
}

fn give_statfs(place: &Location, address: usize) -> Result {
    /// `ST_VALID`: the flags mean something.
    const VALID: u64 = 0x20;
    let flags = VALID | u64::from(place.mount.flags().bits());
    let statfs = Statfs { flags, ..place.mount.filesystem.statfs() };
    user::write_value(address, &statfs).map(|()| 0)
}

fn statfs(args: &Args) -> Result {
    let place = Caller::new()?.find(AT_FDCWD, args.x[0], 0)?;
    give_statfs(&place, args.x[1])
}

fn fstatfs(args: &Args) -> Result {
    give_statfs(&any_file(args.int(0))?.location, args.x[1])
}

fn faccessat(args: &Args) -> Result {
    check_access(args, 0)
}

fn faccessat2(args: &Args) -> Result {
    let flags = args.word(3);
    check_flags(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
    check_access(args, flags)
}

/// Asks for the real user and group, or for those that use files: also on the
/// way to the file.
fn check_access(args: &Args, flags: u32) -> Result {
    let mode = args.word(2);
    check_flags(mode, 7)?;
    let credentials = current().process.credentials.lock().clone();
    let who = match flags & AT_EACCESS {
        0 => credentials.real_authority(),
        _ => credentials.maker(),
    };
    let place =
        Caller::new()?.find_as(who.clone(), args.int(0), args.x[1], flags)?;
    let metadata = place.inode.metadata();
    let is_of_disk = matches!(
        metadata.kind,
        FileType::Regular | FileType::Directory | FileType::Symlink
    );
    if mode & W_OK != 0 && is_of_disk {
        place.check_writable()?;
    }
    match who.grants(&metadata, mode) {
        true => Ok(0),
        false => Err(Errno::EACCES),
    }
}

fn change(place: &Location, change: &Change) -> Result {
    operation::change(place, change).map(|()| 0)
}

fn permissions(mode: u32) -> Change {
    let permissions = Some(mode & PERMISSION_MASK);
    Change { permissions, ..Change::default() }
}

fn fchmod(args: &Args) -> Result {
    change(&file(args.int(0))?.location, &permissions(args.word(1)))
}

fn fchmodat(args: &Args) -> Result {
    let place = Caller::new()?.find(args.int(0), args.x[1], 0)?;
    change(&place, &permissions(args.word(2)))
}

/// An owner of -1 stays.
fn owners(user: u32, group: u32) -> Change {
    let given = |id: u32| (id != u32::MAX).then_some(id);
    let (uid, gid) = (given(user), given(group));
    Change { uid, gid, is_chown: true, ..Change::default() }
}

fn fchown(args: &Args) -> Result {
    let owners = owners(args.word(1), args.word(2));
    change(&file(args.int(0))?.location, &owners)
}

fn fchownat(args: &Args) -> Result {
    let flags = args.word(4);
    check_flags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
    let place = Caller::new()?.find(args.int(0), args.x[1], flags)?;
    change(&place, &owners(args.word(2), args.word(3)))
}

/// One of the two times of `utimensat`.
fn given_time(time: Timespec) -> Checked<Option<u64>> {
    match time.nsec {
        UTIME_NOW => Ok(Some(clock::now_ns())),
        UTIME_OMIT => Ok(None),
        _ => time.to_ns().map(Some),
    }
}

fn utimensat(args: &Args) -> Result {
    let flags = args.word(3);
    check_flags(flags, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)?;
    let now = Timespec { sec: 0, nsec: UTIME_NOW };
    let [accessed, modified] = match args.x[2] {
        0 => [now; 2],
        address => user::read_value(address)?,
    };
    let times = Change {
        accessed: given_time(accessed)?,
        modified: given_time(modified)?,
        is_touch: [accessed, modified].iter().all(|it| it.nsec == UTIME_NOW),
        ..Change::default()
    };
    if times.accessed.or(times.modified).is_none() {
        return Ok(0);
    }
    let place = match args.x[1] {
        0 if args.int(0) != AT_FDCWD => file(args.int(0))?.location.clone(),
        address => Caller::new()?.find(args.int(0), address, flags)?,
    };
    change(&place, &times)
}

fn umask(args: &Args) -> Result {
    let old = current().fs()?.set_umask(args.word(0));
    Ok(old as usize)
}
