//! Calls about memory: `mmap` and its relatives.

use core::ops::Range;

use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::{
    MapRequest, Move, PAGE_SIZE, Placement, Protection, STACK_TOP, Sharing,
};
use kernel_process::oom::with_memory;
use kernel_process::{current, current_files};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MMAP, Handler::Plain(|args| with_memory(|| mmap(args)))),
    (number::MUNMAP, Handler::Plain(munmap)),
    (number::MPROTECT, Handler::Plain(mprotect)),
    (number::BRK, Handler::Plain(brk)),
    (number::MADVISE, Handler::Plain(madvise)),
    (number::MSYNC, Handler::Plain(check_range)),
    (number::MLOCK, Handler::Plain(check_range)),
    (number::MUNLOCK, Handler::Plain(check_range)),
    (number::MLOCKALL, Handler::Plain(|_| Ok(0))),
    (number::MUNLOCKALL, Handler::Plain(|_| Ok(0))),
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
const MAP_FIXED_NOREPLACE: usize = 0x10_0000;

fn mmap(args: &Args) -> Result {
    let [address, length, protection, flags, file, offset] = args.x;
    let sharing = match flags & MAP_TYPE {
        MAP_PRIVATE => Sharing::Private,
        MAP_SHARED | MAP_SHARED_VALIDATE => Sharing::Shared,
        _ => return Err(Errno::EINVAL),
    };
    if length == 0 || !offset.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let mut request = MapRequest {
        placement: placement(address, flags)?,
        sharing,
        is_stack: flags & MAP_GROWSDOWN != 0,
        ..MapRequest::anonymous(length, to_protection(protection)?)
    };
    if flags & MAP_ANONYMOUS == 0 {
        back_by_file(&mut request, file, offset / PAGE_SIZE)?;
    }
    map(request)
}

/// Maps `request`, if the process may have so much.
///
/// # Errors
/// `ENOMEM`; those of the mapping.
pub(super) fn map(request: MapRequest) -> Result {
    if let Some(most) = most_pages() {
        let place = match request.placement {
            Placement::Fixed(start) => {
                start..start.saturating_add(request.length)
            }
            _ => 0..0,
        };
        check_room(most, request.length, place)?;
    }
    current().space()?.map(request)
}

/// How many pages the process may have mapped (`RLIMIT_AS`); `None` for any.
fn most_pages() -> Option<u64> {
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
    let space = current().space()?;
    let (mut at, mut gone) = (place.start, 0);
    while at < place.end
        && let Some(region) = space.region_above(at)
    {
        let start = region.range.start.max(at);
        let end = region.range.end.min(place.end);
        gone += end.saturating_sub(start);
        at = region.range.end;
    }
    let pages = space.mapped_pages() as u64 - (gone / PAGE_SIZE) as u64;
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
    if address == 0 {
        return Err(Errno::EPERM);
    }
    Ok(match flags & MAP_FIXED_NOREPLACE {
        0 => Placement::Fixed(address),
        _ => Placement::FixedNoReplace(address),
    })
}

fn to_protection(bits: usize) -> core::result::Result<Protection, Errno> {
    /// `PROT_BTI`, `PROT_MTE` are hints here.
    const HINTS: usize = 0x30;
    let bits = u8::try_from(bits & !HINTS).map_err(|_| Errno::EINVAL)?;
    Protection::from_bits(bits).ok_or(Errno::EINVAL)
}

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

fn munmap(args: &Args) -> Result {
    current().space()?.unmap(args.x[0], args.x[1])?;
    Ok(0)
}

fn mprotect(args: &Args) -> Result {
    let protection = to_protection(args.x[2])?;
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
    let result = with_memory(|| match space.set_break(wanted) {
        end if end < wanted => Err(Errno::ENOMEM),
        end => Ok(end),
    });
    // The break stays where it is, if it cannot be there.
    Ok(result.unwrap_or_else(|_| space.set_break(0)))
}

/// Advice is not taken, except that it is checked.
fn madvise(args: &Args) -> Result {
    /// `MADV_NORMAL` to `MADV_DONTNEED`.
    const DONTNEED: usize = 4;
    /// `MADV_FREE` to `MADV_HUGEPAGE` and later hints.
    const HINTS: core::ops::RangeInclusive<usize> = 8..=21;
    check_range(args)?;
    match args.x[2] {
        DONTNEED => {
            current().space()?.discard(args.x[0], args.x[1])?;
            Ok(0)
        }
        0..DONTNEED => Ok(0),
        advice if HINTS.contains(&advice) => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// Nothing is ever written out or swapped, so `msync`, `mlock` and `munlock`
/// have nothing to do for a range that makes sense.
fn check_range(args: &Args) -> Result {
    let [address, length, ..] = args.x;
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    match address.checked_add(length) {
        Some(end) if end <= STACK_TOP + PAGE_SIZE => Ok(0),
        _ => Err(Errno::ENOMEM),
    }
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
    current().space()?.remap(address, [old, new], target)
}

/// `remap_file_pages(2)`: maps other pages of the same object, as Linux does
/// since 4.0, by a mapping of its own.
fn remap_file_pages(args: &Args) -> Result {
    let [address, length, protection, page, _, _] = args.x;
    let start = address - address % PAGE_SIZE;
    let length = length - length % PAGE_SIZE;
    let end = start.checked_add(length).filter(|end| *end > start);
    let end = end.filter(|_| protection == 0).ok_or(Errno::EINVAL)?;
    let space = current().space()?;
    let region = space.region_above(start).ok_or(Errno::EINVAL)?;
    let is_inside = region.range.start <= start && end <= region.range.end;
    if !is_inside || region.sharing != Sharing::Shared {
        return Err(Errno::EINVAL);
    }
    let source = region.source.ok_or(Errno::EINVAL)?;
    space.map(MapRequest {
        placement: Placement::Fixed(start),
        sharing: Sharing::Shared,
        source: Some((source, page)),
        may_write: region.protection.contains(Protection::WRITE),
        ..MapRequest::anonymous(length, region.protection)
    })?;
    Ok(0)
}

/// `MEMBARRIER_CMD_QUERY`: no command is supported.
fn membarrier(args: &Args) -> Result {
    if args.x[0] == 0 { Ok(0) } else { Err(Errno::EINVAL) }
}
