//! Calls about memory: `mmap` and its relatives. What a program says and asks
//! of memory that it has: `memory/advice.rs`, `memory/lock.rs`.

use core::ops::Range;

use kernel_abi::{Errno, syscall as number};
use kernel_core::capability::Capability;
use kernel_core::memory::region::LOWEST;

use super::call::{Args, Handler, Numbered, Result};
use kernel_files::inode::DeviceNumber;
use kernel_files::{FileType, OpenFlags};
use kernel_machine::mm::{
    AddressSpace, MapRequest, Move, PAGE_SIZE, Placement, Protection, Sharing,
};
use kernel_process::oom::with_memory;
use kernel_process::{authority, current, current_files, limits, personality};

pub(super) mod advice;
mod bounds;
pub(super) mod lock;
mod populate;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MMAP, Handler::Plain(|args| with_memory(|| mmap(args)))),
    (number::MUNMAP, Handler::Plain(munmap)),
    (number::MPROTECT, Handler::Plain(mprotect)),
    (number::BRK, Handler::Plain(brk)),
    (number::MREMAP, Handler::Plain(mremap)),
    (number::REMAP_FILE_PAGES, Handler::Plain(remap_file_pages)),
    (number::MEMBARRIER, Handler::Plain(membarrier)),
];

const MAP_SHARED: usize = 1;
const MAP_PRIVATE: usize = 2;
const MAP_SHARED_VALIDATE: usize = 3;
const MAP_TYPE: usize = 0xf;
const MAP_FIXED: usize = 0x10;
const MAP_ANONYMOUS: usize = 0x20;
const MAP_GROWSDOWN: usize = 0x100;
const MAP_LOCKED: usize = 0x2000;
const MAP_POPULATE: usize = 0x8000;
const MAP_NONBLOCK: usize = 0x1_0000;
const MAP_FIXED_NOREPLACE: usize = 0x10_0000;
/// What may stand beside `MAP_SHARED_VALIDATE`; of the rest some are hints
/// (`MAP_STACK`, `MAP_NORESERVE`, `MAP_DENYWRITE`, `MAP_EXECUTABLE`).
const KNOWN: usize = 0xf
    | MAP_FIXED
    | MAP_ANONYMOUS
    | MAP_GROWSDOWN
    | 0x800
    | 0x1000
    | MAP_LOCKED
    | 0x4000
    | MAP_POPULATE
    | MAP_NONBLOCK
    | 0x2_0000
    | MAP_FIXED_NOREPLACE;

fn mmap(args: &Args) -> Result {
    let [address, length, protection, flags, file, offset] = args.x;
    if !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if flags & MAP_ANONYMOUS == 0 {
        // What is no file is told before all else.
        let open = current_files()?.get(file)?;
        if open.flags().contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
    }
    let sharing = match flags & MAP_TYPE {
        MAP_PRIVATE => Sharing::Private,
        MAP_SHARED_VALIDATE if flags & !KNOWN != 0 => {
            return Err(Errno::EOPNOTSUPP);
        }
        MAP_SHARED | MAP_SHARED_VALIDATE => Sharing::Shared,
        _ => return Err(Errno::EINVAL),
    };
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    let is_stack = flags & MAP_GROWSDOWN != 0;
    if is_stack && (sharing == Sharing::Shared || flags & MAP_ANONYMOUS == 0) {
        return Err(Errno::EINVAL);
    }
    if flags & MAP_LOCKED != 0 {
        bounds::check_may_lock()?;
    }
    let mut request = MapRequest {
        placement: placement(address, flags)?,
        sharing,
        is_stack,
        is_locked: flags & MAP_LOCKED != 0,
        ..MapRequest::anonymous(length, known_protection(protection))
    };
    if flags & MAP_ANONYMOUS == 0 {
        back_by_file(&mut request, file, offset / PAGE_SIZE)?;
    }
    let space = current().space()?;
    let start = map(&space, request)?;
    let is_asked =
        flags & (MAP_POPULATE | MAP_LOCKED) != 0 && flags & MAP_NONBLOCK == 0;
    if is_asked || space.locks_new() {
        populate::populate_new(&space, start, length);
    }
    Ok(start)
}

/// Maps `request` in the caller's space, if the process may have so much.
///
/// # Errors
/// `ENOMEM`; `EAGAIN` if it would be locked and that is too much; those of the
/// mapping.
pub(super) fn map(space: &AddressSpace, mut request: MapRequest) -> Result {
    if let Some(most) = most_pages() {
        let place = match request.placement {
            Placement::Fixed(start) => {
                let end = start.saturating_add(request.length);
                start..end.checked_next_multiple_of(PAGE_SIZE).unwrap_or(end)
            }
            _ => 0..0,
        };
        check_room(most, request.length, place)?;
    }
    if request.is_locked || space.locks_future() {
        request.most_locked = bounds::most_locked_pages();
    }
    if is_data(&request) {
        bounds::check_data(request.length)?;
    }
    space.map(request)
}

/// Whether memory to be mapped counts as data: what only the process may write,
/// but for stacks.
fn is_data(request: &MapRequest) -> bool {
    request.sharing == Sharing::Private
        && request.protection.contains(Protection::WRITE)
        && !request.is_stack
}

/// How many pages the process may have mapped (`RLIMIT_AS`); `None` for any.
fn most_pages() -> Option<u64> {
    if !limits::is_memory_limited() {
        return None;
    }
    let most = current().process.limits.lock().address_space()?;
    Some(most / PAGE_SIZE as u64)
}

/// Fails if the process may not map so many bytes more; what is mapped at
/// `place` goes for it.
///
/// # Errors
/// `ENOMEM`.
fn check_room(
    most: u64,
    more: usize,
    place: Range<usize>,
) -> core::result::Result<(), Errno> {
    let pages = current().space()?.mapped_pages_outside(place) as u64;
    match pages.saturating_add(more.div_ceil(PAGE_SIZE) as u64) > most {
        true => Err(Errno::ENOMEM),
        false => Ok(()),
    }
}

fn placement(
    address: usize,
    flags: usize,
) -> core::result::Result<Placement, Errno> {
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) == 0 {
        return Ok(Placement::Hint(address));
    }
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if address == 0
        || address < LOWEST && !authority::has(Capability::SYS_RAWIO)
    {
        return Err(Errno::EPERM);
    }
    Ok(match flags & MAP_FIXED_NOREPLACE {
        0 => Placement::Fixed(address),
        _ => Placement::FixedNoReplace(address),
    })
}

/// What `mmap` is asked for; it passes over what it does not know.
fn known_protection(bits: usize) -> Protection {
    implied(Protection::from_bits_truncate((bits & 0xff) as u8))
}

fn to_protection(bits: usize) -> core::result::Result<Protection, Errno> {
    /// `PROT_SEM`, `PROT_BTI`, `PROT_MTE` are hints here.
    const HINTS: usize = 0x38;
    let bits = u8::try_from(bits & !HINTS).map_err(|_| Errno::EINVAL)?;
    Protection::from_bits(bits).map(implied).ok_or(Errno::EINVAL)
}

/// What may be read may be executed, if the thread wants it so.
fn implied(protection: Protection) -> Protection {
    let wants_execute = personality::READ_IMPLIES_EXEC;
    match protection.contains(Protection::READ)
        && current().personality.get() & wants_execute != 0
    {
        true => protection | Protection::EXECUTE,
        false => protection,
    }
}

/// `/dev/zero`: mapped, it is memory without a file.
const ZEROS: FileType = FileType::Character(DeviceNumber::new(1, 5));

/// Files are mapped by their own pages.
fn back_by_file(
    request: &mut MapRequest,
    file: usize,
    first: usize,
) -> core::result::Result<(), Errno> {
    let open = current_files()?.get(file)?;
    if !open.flags().can_read() {
        return Err(Errno::EACCES);
    }
    if open.inode().kind() == ZEROS {
        let is_shared = request.sharing == Sharing::Shared;
        request.may_write = !is_shared || open.flags().can_write();
        let writes = request.protection.contains(Protection::WRITE);
        return match writes && !request.may_write {
            true => Err(Errno::EACCES),
            false => Ok(()),
        };
    }
    check_end(first, request.length)?;
    let pages = match request.sharing {
        Sharing::Private => open.inode().pages().ok_or(Errno::ENODEV)?,
        Sharing::Shared => {
            request.may_write = open.flags().can_write();
            let writes = request.protection.contains(Protection::WRITE);
            if writes && !request.may_write {
                return Err(Errno::EACCES);
            }
            open.inode().shared_pages(request.may_write)?
        }
    };
    request.source = Some((pages, first));
    Ok(())
}

/// Fails unless a file can have all these bytes from page `first` on.
///
/// # Errors
/// `EOVERFLOW`.
fn check_end(first: usize, length: usize) -> core::result::Result<(), Errno> {
    const MOST: usize = i64::MAX as usize / PAGE_SIZE;
    match first.checked_add(length.div_ceil(PAGE_SIZE)) {
        Some(end) if end <= MOST => Ok(()),
        _ => Err(Errno::EOVERFLOW),
    }
}

fn munmap(args: &Args) -> Result {
    current().space()?.unmap(args.x[0], args.x[1])?;
    Ok(0)
}

fn mprotect(args: &Args) -> Result {
    let protection = to_protection(args.x[2])?;
    if protection.contains(Protection::WRITE) {
        bounds::check_protect(args.x[0], args.x[1])?;
    }
    current().space()?.protect(args.x[0], args.x[1], protection)?;
    Ok(0)
}

fn brk(args: &Args) -> Result {
    let (space, wanted) = (current().space()?, args.x[0]);
    if let Some(most) = most_pages() {
        let now = space.set_break(0);
        let more = wanted.saturating_sub(now);
        if more > 0 && check_room(most, more, 0..0).is_err() {
            return Ok(now);
        }
    }
    let now = space.set_break(0);
    if wanted > now && bounds::check_break(&space, wanted).is_err() {
        return Ok(now);
    }
    let most = match space.locks_future() {
        true => bounds::most_locked_pages(),
        false => None,
    };
    let result = with_memory(|| match space.set_break_within(wanted, most) {
        end if end < wanted => Err(Errno::ENOMEM),
        end => Ok(end),
    });
    // The break stays where it is, if it cannot be there.
    Ok(result.unwrap_or_else(|_| space.set_break(0)))
}

fn mremap(args: &Args) -> Result {
    const MAY_MOVE: usize = 1;
    const FIXED: usize = 2;
    let [address, old, new, flags, to, _] = args.x;
    let target = match flags {
        0 => Move::No,
        MAY_MOVE => Move::Anywhere,
        flags if flags == MAY_MOVE | FIXED => Move::To(to),
        _ => return Err(Errno::EINVAL),
    };
    if let Some(most) = most_pages().filter(|_| new > old) {
        check_room(most, new - old, 0..0)?;
    }
    if new > old {
        bounds::check_growth(address, new - old)?;
    }
    let most = if new > old { bounds::most_locked_pages() } else { None };
    current().space()?.remap(address, [old, new], target, most)
}

/// Shows other pages of a shared file in a part of its mapping.
fn remap_file_pages(args: &Args) -> Result {
    let [address, length, protection, first, _, _] = args.x;
    let start = address & !(PAGE_SIZE - 1);
    let length = length & !(PAGE_SIZE - 1);
    let fits = first.checked_add(length / PAGE_SIZE).is_some();
    if protection != 0 || length == 0 || !fits {
        return Err(Errno::EINVAL);
    }
    check_end(first, length)?;
    current().space()?.show_pages(start, length, first).map(|()| 0)
}

/// `MEMBARRIER_CMD_QUERY`: no command is supported.
fn membarrier(args: &Args) -> Result {
    if args.x[0] == 0 { Ok(0) } else { Err(Errno::EINVAL) }
}
