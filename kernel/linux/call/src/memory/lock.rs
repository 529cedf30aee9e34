//! Memory that is to stay: `mlock` and its relatives.
//!
//! Nothing is ever swapped. What is locked is brought in at once, is not
//! given back by advice, and is told of in `/proc`.

use kernel_abi::{Errno, syscall as number};

use super::bounds;
use super::populate::{Touch, populate, populate_all};
use crate::call::{Args, Handler, Numbered, Result};
use kernel_core::memory::region::HIGHEST;
use kernel_machine::mm::{AddressSpace, PAGE_SIZE, RegionFlags};
use kernel_process::current;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MLOCK, Handler::Plain(mlock)),
    (number::MLOCK2, Handler::Plain(mlock2)),
    (number::MUNLOCK, Handler::Plain(munlock)),
    (number::MLOCKALL, Handler::Plain(mlockall)),
    (number::MUNLOCKALL, Handler::Plain(munlockall)),
];

const NONE: RegionFlags = RegionFlags::empty();
const ANY: RegionFlags = RegionFlags::LOCKED.union(RegionFlags::LOCK_ON_FAULT);

/// The pages that a range touches: where they begin, and their bytes.
fn pages(args: &Args) -> core::result::Result<(usize, usize), Errno> {
    let [address, length, ..] = args.x;
    let start = address & !(PAGE_SIZE - 1);
    let end = address
        .checked_add(length)
        .and_then(|end| end.checked_next_multiple_of(PAGE_SIZE))
        .ok_or(Errno::EINVAL)?;
    if length == 0 {
        return Ok((start, 0));
    }
    match end <= HIGHEST {
        true => Ok((start, end - start)),
        false => Err(Errno::ENOMEM),
    }
}

fn mlock(args: &Args) -> Result {
    lock(args, RegionFlags::LOCKED)
}

fn mlock2(args: &Args) -> Result {
    const ON_FAULT: usize = 1;
    match args.x[2] {
        0 => lock(args, RegionFlags::LOCKED),
        ON_FAULT => lock(args, ANY),
        _ => Err(Errno::EINVAL),
    }
}

fn lock(args: &Args, marks: RegionFlags) -> Result {
    bounds::check_may_lock()?;
    let (start, length) = pages(args)?;
    let space = current().space()?;
    let most = bounds::most_locked_pages();
    space.mark(start, length, [marks, ANY - marks], most)?;
    if marks != ANY {
        bring_in(&space, start, length)?;
    }
    Ok(0)
}

/// What cannot be brought in is no memory.
fn bring_in(
    space: &AddressSpace,
    start: usize,
    length: usize,
) -> core::result::Result<(), Errno> {
    let brought = populate(space, start..start + length, Touch::AsAllowed);
    brought.map_err(|error| match error {
        Errno::ERESTARTSYS => error,
        _ => Errno::ENOMEM,
    })
}

fn munlock(args: &Args) -> Result {
    let (start, length) = pages(args)?;
    current().space()?.mark(start, length, [NONE, ANY], None)?;
    Ok(0)
}

fn mlockall(args: &Args) -> Result {
    const CURRENT: usize = 1;
    const FUTURE: usize = 2;
    const ON_FAULT: usize = 4;
    let flags = args.x[0];
    if flags & !(CURRENT | FUTURE | ON_FAULT) != 0
        || flags & (CURRENT | FUTURE) == 0
    {
        return Err(Errno::EINVAL);
    }
    let marks = match flags & ON_FAULT {
        0 => RegionFlags::LOCKED,
        _ => ANY,
    };
    bounds::check_may_lock()?;
    let space = current().space()?;
    let [is_present, is_future] = [CURRENT, FUTURE].map(|it| flags & it != 0);
    let most = bounds::most_locked_pages();
    space.mark_all([marks, ANY - marks], [is_present, is_future], most)?;
    if is_present && marks != ANY {
        bring_all_in(&space);
    }
    Ok(0)
}

/// Brings in all that is mapped; what cannot be, is not, as on Linux.
fn bring_all_in(space: &AddressSpace) {
    let mut end = 0;
    while let Some(region) = space.region_above(end) {
        end = region.range.end;
        if populate_all(space, region.range) == Err(Errno::EINTR) {
            return;
        }
    }
}

fn munlockall(_: &Args) -> Result {
    current().space()?.mark_all([NONE, ANY], [true, false], None)?;
    Ok(0)
}
