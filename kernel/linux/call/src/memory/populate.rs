//! Pages are brought in before the program touches them.

use core::ops::Range;

use kernel_abi::Errno;
use kernel_machine::arch::trap::{Access, Fault};
use kernel_machine::mm::{
    AddressSpace, FaultError, PAGE_SIZE, Protection, RegionFlags, Sharing,
};
use kernel_process::oom;
use kernel_task::sleep::{give_way, give_way_until_killed};

/// Pages between two looks whether somebody waits for this call.
const PIECE: usize = 64;

/// How pages are touched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// As the region allows: a store to private memory, so that the pages are
    /// the process's own.
    AsAllowed,
    /// By a load.
    Read,
    /// By a store.
    Write,
}

/// Brings in what is mapped of `range`, which is page-aligned.
///
/// # Errors
/// `ENOMEM` where nothing is mapped, or memory is short; `EINVAL` where the
/// region forbids it; `EFAULT` past the end of a file; `ERESTARTSYS` by a
/// signal.
pub fn populate(
    space: &AddressSpace,
    range: Range<usize>,
    touch: Touch,
) -> Result<(), Errno> {
    populate_by(space, range, touch, give_way)
}

/// As [`populate`], for a call that cannot begin anew: only the task's end
/// cuts it short.
///
/// # Errors
/// As there, but `EINTR` if the task is to end, and no `ERESTARTSYS`.
pub fn populate_all(
    space: &AddressSpace,
    range: Range<usize>,
) -> Result<(), Errno> {
    populate_by(space, range, Touch::AsAllowed, give_way_until_killed)
}

fn populate_by(
    space: &AddressSpace,
    range: Range<usize>,
    touch: Touch,
    pause: fn() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut at = range.start;
    while at < range.end {
        let region = space.region_above(at).ok_or(Errno::ENOMEM)?;
        if region.range.start > at {
            return Err(Errno::ENOMEM);
        }
        let has = |right| region.protection.contains(right);
        let is_private = region.sharing == Sharing::Private;
        let access = match touch {
            Touch::Read => Access::Read,
            Touch::Write => Access::Write,
            Touch::AsAllowed if is_private && has(Protection::WRITE) => {
                Access::Write
            }
            Touch::AsAllowed => Access::Read,
        };
        let end = region.range.end.min(range.end);
        while at < end {
            bring(space, at, access)?;
            at += PAGE_SIZE;
            if (at / PAGE_SIZE).is_multiple_of(PIECE) {
                pause()?;
            }
        }
    }
    Ok(())
}

fn bring(
    space: &AddressSpace,
    address: usize,
    access: Access,
) -> Result<(), Errno> {
    let fault = Fault { address, access, is_permission: false };
    loop {
        match space.fault(&fault) {
            Ok(()) => return Ok(()),
            Err(FaultError::OutOfMemory) => oom::out_of_memory()?,
            Err(FaultError::Unmapped) => return Err(Errno::ENOMEM),
            Err(FaultError::Denied) => return Err(Errno::EINVAL),
            Err(FaultError::PastEnd) => return Err(Errno::EFAULT),
        }
    }
}

/// Brings in what has just been mapped, as far as that goes: what fails is
/// found out by the touch of the program.
pub fn populate_new(space: &AddressSpace, start: usize, length: usize) {
    let end = start.saturating_add(length.next_multiple_of(PAGE_SIZE));
    let may = |region: &kernel_machine::mm::RegionInfo| {
        !region.protection.is_empty()
            && !region.flags.contains(RegionFlags::LOCK_ON_FAULT)
    };
    if space.region_above(start).is_some_and(|region| may(&region)) {
        let _ = populate_all(space, start..end);
    }
}
