//! How much data a process may have (`RLIMIT_DATA`): private memory that it
//! may write, but for stacks. Who has no such limit pays nothing for it; for
//! whom has, the mappings are counted. And how much it may lock
//! (`RLIMIT_MEMLOCK`), unless it has the capability to: mappings are counted when
//! more are to be locked.

use core::ops::Range;

use kernel_abi::Errno;

use kernel_machine::mm::{AddressSpace, PAGE_SIZE};
use kernel_process::{current, limits};

type Checked = core::result::Result<(), Errno>;

/// Fails if the process may not have so many bytes of data more.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn check_data(more: usize) -> Checked {
    let Some(most) = most() else { return Ok(()) };
    let space = current().space()?;
    check(most, space.data_pages(0..usize::MAX, true), pages(more))
}

/// Fails if the process may not write to private memory in a range that it
/// could not write to before.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn check_protect(address: usize, length: usize) -> Checked {
    let Some(most) = most() else { return Ok(()) };
    let space = current().space()?;
    let range = address..address.saturating_add(length);
    let more = space.data_pages(range, false);
    check(most, space.data_pages(0..usize::MAX, true), more)
}

/// Fails if a mapping that counts may not become so many bytes longer.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn check_growth(address: usize, more: usize) -> Checked {
    if most().is_none() {
        return Ok(());
    }
    let space = current().space()?;
    let first: Range<usize> = address..address.saturating_add(PAGE_SIZE);
    match space.data_pages(first, true) {
        0 => Ok(()),
        _ => check_data(more),
    }
}

/// Fails if the break may not be at `end`: the heap, and all data with it.
///
/// # Errors
/// `ENOMEM`.
pub(super) fn check_break(space: &AddressSpace, end: usize) -> Checked {
    let Some(most) = most() else { return Ok(()) };
    let heap = end.saturating_sub(space.heap_start());
    if pages(heap) > most {
        return Err(Errno::ENOMEM);
    }
    check_data(end.saturating_sub(space.set_break(0)))
}

/// Pages that the process may lock; `None` for any.
pub(super) fn most_locked_pages() -> Option<usize> {
    let most = current().process.most_locked()?;
    Some(usize::try_from(most).unwrap_or(usize::MAX) / PAGE_SIZE)
}

/// Fails if the process may lock nothing.
///
/// # Errors
/// `EPERM`.
pub(super) fn check_may_lock() -> Checked {
    let current = current();
    current.process.check_may_lock()?;
    let space = current.space()?;
    current.process.limit_growth(&space);
    Ok(())
}

/// Pages of data that the process may have; `None` for any.
fn most() -> Option<usize> {
    if !limits::is_memory_limited() {
        return None;
    }
    let most = current().process.limits.lock().data()?;
    Some(usize::try_from(most).unwrap_or(usize::MAX) / PAGE_SIZE)
}

fn pages(bytes: usize) -> usize {
    bytes.div_ceil(PAGE_SIZE)
}

fn check(most: usize, there: usize, more: usize) -> Checked {
    match there.saturating_add(more) > most {
        true => Err(Errno::ENOMEM),
        false => Ok(()),
    }
}
