//! `mount` and `umount2`.

use alloc::string::String;
use alloc::vec::Vec;

use kernel_abi::{Errno, syscall as number};
use kernel_process::authority;

use super::{AT_SYMLINK_NOFOLLOW, Caller, Checked, check_flags, path};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_files::mount::{self, MountFlags, Unmount};
use kernel_files::walk::{AT_FDCWD, LastLink};
use kernel_machine::mm::user;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MOUNT, Handler::Plain(mount)),
    (number::UMOUNT2, Handler::Plain(umount2)),
];

const MAGIC: u32 = 0xc0ed_0000;
const MAGIC_MASK: u32 = 0xffff_0000;
const MS_MOVE: u32 = 8192;
/// `MS_UNBINDABLE`, `MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED`: how mounts spread
/// between name spaces, of which there is one.
const SPREADING: u32 = 0xf << 17;
/// Longest options.
const OPTIONS_MAX: usize = 4096;

const MNT_FORCE: u32 = 1;
const MNT_DETACH: u32 = 2;
const UMOUNT_NOFOLLOW: u32 = 8;

/// A string that may be missing.
fn optional(address: usize) -> Checked<Vec<u8>> {
    match address {
        0 => Ok(Vec::new()),
        address => user::read_cstr(address, OPTIONS_MAX),
    }
}

fn mount(args: &Args) -> Result {
    let [source, target, kind, _, options, _] = args.x;
    authority::check(Capability::SYS_ADMIN)?;
    let word = args.word(3);
    let word =
        if word & MAGIC_MASK == MAGIC { word & !MAGIC_MASK } else { word };
    let flags = MountFlags::from_bits_retain(word);
    let source = optional(source)?;
    let caller = Caller::new()?;
    let target = path(target)?;
    let place = caller.asker().find(AT_FDCWD, &target, LastLink::Follow)?;
    if word & MS_MOVE != 0 {
        return Err(Errno::EINVAL);
    }
    if flags.contains(MountFlags::REMOUNT) {
        let options = optional(options)?;
        return mount::remount(&place, flags, &options).map(|()| 0);
    }
    if flags.contains(MountFlags::BIND) {
        let from = caller.asker().find(AT_FDCWD, &source, LastLink::Follow)?;
        return mount::bind(&from, flags, place).map(|()| 0);
    }
    if word & SPREADING != 0 {
        return Ok(0);
    }
    let kind = user::read_cstr(kind, OPTIONS_MAX)?;
    let make = mount::find_type(&kind)?;
    if !place.is_directory() {
        return Err(Errno::ENOTDIR);
    }
    let filesystem = make(&source, &optional(options)?)?;
    let source = match source.is_empty() {
        true => String::from("none"),
        false => String::from_utf8_lossy(&source).into_owned(),
    };
    mount::mount(filesystem, &source, flags, place).map(|()| 0)
}

fn umount2(args: &Args) -> Result {
    let flags = args.word(1);
    check_flags(flags, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW)?;
    authority::check(Capability::SYS_ADMIN)?;
    let how = match flags & MNT_DETACH {
        0 => Unmount::IfIdle,
        _ => Unmount::Detach,
    };
    let links = match flags & UMOUNT_NOFOLLOW {
        0 => 0,
        _ => AT_SYMLINK_NOFOLLOW,
    };
    let place = Caller::new()?.find(AT_FDCWD, args.x[0], links)?;
    mount::unmount(place, how).map(|()| 0)
}
