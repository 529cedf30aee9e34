//! What programs say of their memory, and ask of it: `madvise`, `mincore`,
//! `msync`.

use kernel_abi::{Errno, syscall as number};

use super::populate::{Touch, populate};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_machine::mm::user::UserSlice;
use kernel_machine::mm::{PAGE_SIZE, RegionFlags};
use kernel_process::current;
use kernel_task::sleep::give_way;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MADVISE, Handler::Plain(madvise)),
    (number::MINCORE, Handler::Plain(mincore)),
    (number::MSYNC, Handler::Plain(msync)),
];

/// The length of a range from `address`, which is page-aligned, in whole
/// pages.
pub(super) fn whole_pages(
    address: usize,
    length: usize,
) -> core::result::Result<usize, Errno> {
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let rounded = length.checked_next_multiple_of(PAGE_SIZE);
    rounded.ok_or(Errno::EINVAL)
}

fn madvise(args: &Args) -> Result {
    const NORMAL: usize = 0;
    const WILLNEED: usize = 3;
    const DONTNEED: usize = 4;
    const FREE: usize = 8;
    const DONTFORK: usize = 10;
    const DOFORK: usize = 11;
    const DONTDUMP: usize = 16;
    const DODUMP: usize = 17;
    const WIPEONFORK: usize = 18;
    const KEEPONFORK: usize = 19;
    const COLD: usize = 20;
    const PAGEOUT: usize = 21;
    const POPULATE_READ: usize = 22;
    const POPULATE_WRITE: usize = 23;
    const DONTNEED_LOCKED: usize = 24;
    const NONE: RegionFlags = RegionFlags::empty();
    let [address, length, advice, ..] = args.x;
    // What is not done is not known: huge pages, sameness, holes in files.
    if !matches!(
        advice,
        NORMAL..=DONTNEED
            | FREE
            | DONTFORK
            | DOFORK
            | DONTDUMP..=DONTNEED_LOCKED
    ) {
        return Err(Errno::EINVAL);
    }
    let length = whole_pages(address, length)?;
    let end = address.checked_add(length).ok_or(Errno::EINVAL)?;
    let space = current().space()?;
    let mark = |set, clear| space.mark(address, length, [set, clear], None);
    let discard = |forbids, is_own_only| {
        space.discard(address, length, forbids, is_own_only)
    };
    match advice {
        DONTFORK => mark(RegionFlags::NO_FORK, NONE),
        DOFORK => mark(NONE, RegionFlags::NO_FORK),
        DONTDUMP => mark(RegionFlags::NO_DUMP, NONE),
        DODUMP => mark(NONE, RegionFlags::NO_DUMP),
        WIPEONFORK => mark(RegionFlags::WIPE_ON_FORK, NONE),
        KEEPONFORK => mark(NONE, RegionFlags::WIPE_ON_FORK),
        DONTNEED => discard(RegionFlags::LOCKED, false),
        DONTNEED_LOCKED => discard(NONE, false),
        FREE => discard(RegionFlags::LOCKED, true),
        POPULATE_READ => populate(&space, address..end, Touch::Read),
        POPULATE_WRITE => populate(&space, address..end, Touch::Write),
        COLD | PAGEOUT => space
            .check_range(address, length, RegionFlags::LOCKED)
            .map_err(|error| match error {
                Errno::EBUSY => Errno::EINVAL,
                other => other,
            }),
        NORMAL..=WILLNEED => space.check_range(address, length, NONE),
        _ => Err(Errno::EINVAL),
    }
    .map(|()| 0)
}

/// Tells page by page what is in memory.
fn mincore(args: &Args) -> Result {
    let [address, length, vector, ..] = args.x;
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    let rounded = length.checked_next_multiple_of(PAGE_SIZE);
    let end = rounded.and_then(|length| address.checked_add(length));
    let end = end
        .filter(|end| *end <= kernel_core::memory::region::HIGHEST)
        .ok_or(Errno::ENOMEM)?;
    let pages = (end - address) / PAGE_SIZE;
    let answer = UserSlice::new(vector, pages)?;
    let space = current().space()?;
    let mut piece = [0; 512];
    let mut done = 0;
    while done < pages {
        let start = address + done * PAGE_SIZE;
        let count = space.presence(start..end, &mut piece)?;
        answer.write(done, &piece[..count])?;
        done += count;
        give_way()?;
    }
    Ok(0)
}

/// Nothing is ever written out, so there is nothing to do for a range that
/// makes sense.
fn msync(args: &Args) -> Result {
    const ASYNC: usize = 1;
    const INVALIDATE: usize = 2;
    const SYNC: usize = 4;
    let [address, length, flags, ..] = args.x;
    let is_both = flags & ASYNC != 0 && flags & SYNC != 0;
    if flags & !(ASYNC | INVALIDATE | SYNC) != 0
        || is_both
        || !address.is_multiple_of(PAGE_SIZE)
    {
        return Err(Errno::EINVAL);
    }
    let rounded = length.checked_next_multiple_of(PAGE_SIZE);
    let length = rounded.ok_or(Errno::ENOMEM)?;
    let forbids = match flags & INVALIDATE {
        0 => RegionFlags::empty(),
        _ => RegionFlags::LOCKED,
    };
    let checked = current().space()?.check_range(address, length, forbids);
    checked.map(|()| 0).map_err(|error| match error {
        Errno::EINVAL => Errno::ENOMEM,
        other => other,
    })
}
