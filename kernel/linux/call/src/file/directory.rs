//! Calls about directories: listing them, and where a process stands.

use alloc::vec;

use kernel_abi::stat::Dirent;
use kernel_abi::{Errno, syscall as number};

use super::{Caller, Checked, any_file, file};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_core::capability::Capability;
use kernel_files::inode::{DirectoryEntry, FIRST_ENTRY};
use kernel_files::walk::AT_FDCWD;
use kernel_files::{FileType, Location, OpenFile, permission};
use kernel_machine::mm::user::UserSlice;
use kernel_process::authority;
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::GETDENTS64, Handler::Plain(getdents64)),
    (number::GETCWD, Handler::Plain(getcwd)),
    (number::CHDIR, Handler::Plain(chdir)),
    (number::FCHDIR, Handler::Plain(fchdir)),
    (number::CHROOT, Handler::Plain(chroot)),
];

/// Most bytes of entries in one call.
const MOST: usize = 32 * 1024;

/// Entries on their way to a program.
struct Listing {
    bytes: alloc::vec::Vec<u8>,
    used: usize,
    /// Where the next call goes on.
    next: u64,
    is_full: bool,
}

impl Listing {
    fn add(&mut self, entry: &DirectoryEntry<'_>) -> bool {
        let dirent = Dirent {
            ino: entry.number,
            next_offset: entry.next,
            kind: entry.entry_type,
            name: entry.name,
        };
        match dirent.encode(&mut self.bytes[self.used..]) {
            Some(size) => {
                self.used += size;
                self.next = entry.next;
            }
            None => self.is_full = true,
        }
        !self.is_full
    }

    /// Adds `.` or `..`, at position 0 and 1.
    fn add_dots(&mut self, file: &OpenFile) {
        let inode = file.inode();
        let up = inode.parent().unwrap_or_else(|| inode.clone());
        for (place, dots) in [(0, inode), (1, &up)] {
            let entry = DirectoryEntry {
                name: &b".."[..place as usize + 1],
                number: dots.id().number,
                entry_type: FileType::Directory.entry_type(),
                next: place + 1,
            };
            if self.next == place && !self.add(&entry) {
                return;
            }
        }
    }
}

fn getdents64(args: &Args) -> Result {
    let file = file(args.int(0))?;
    if file.inode().kind() != FileType::Directory {
        return Err(Errno::ENOTDIR);
    }
    let size = args.x[2].min(MOST);
    let slice = UserSlice::new(args.x[1], size)?;
    file.with_offset(|offset| {
        let bytes = vec![0; size];
        let next = *offset;
        let mut list = Listing { bytes, used: 0, next, is_full: false };
        list.add_dots(&file);
        if !list.is_full {
            let start = list.next.max(FIRST_ENTRY);
            file.inode().read_directory(start, &mut |entry| list.add(entry))?;
        }
        if list.is_full && list.used == 0 {
            return Err(Errno::EINVAL);
        }
        slice.write(0, &list.bytes[..list.used])?;
        *offset = list.next;
        Ok(list.used)
    })
}

fn getcwd(args: &Args) -> Result {
    let context = current().fs()?;
    let mut path = context.directory().full_path(&context.root())?;
    path.push(0);
    if path.len() > args.x[1] {
        return Err(Errno::ERANGE);
    }
    UserSlice::new(args.x[0], path.len())?.write(0, &path)?;
    Ok(path.len())
}

fn directory(place: Location) -> Checked<Location> {
    if place.is_directory() { Ok(place) } else { Err(Errno::ENOTDIR) }
}

fn chdir(args: &Args) -> Result {
    let caller = Caller::new()?;
    let place = directory(caller.find(AT_FDCWD, args.x[0], 0)?)?;
    permission::check(&*place.inode, permission::EXECUTE)?;
    caller.context.set_directory(place);
    Ok(0)
}

fn fchdir(args: &Args) -> Result {
    let place = directory(any_file(args.int(0))?.location.clone())?;
    permission::check(&*place.inode, permission::EXECUTE)?;
    current().fs()?.set_directory(place);
    Ok(0)
}

fn chroot(args: &Args) -> Result {
    let caller = Caller::new()?;
    let place = directory(caller.find(AT_FDCWD, args.x[0], 0)?)?;
    permission::check(&*place.inode, permission::EXECUTE)?;
    authority::check(Capability::SYS_CHROOT)?;
    caller.context.set_root(place);
    Ok(0)
}
