//! Sets that stand in other sets.
//!
//! Looking at a set looks at all sets in it, on every way that leads there. So
//! no set stands in itself, none is more than five deep, and there are not too
//! many ways: a look ends, and soon.

use alloc::sync::{Arc, Weak};

use kernel_abi::Errno;

use super::set::Epoll;
use crate::open_file::OpenFile;
use kernel_task::Mutex;

/// Sets on a way from the outermost to the innermost one.
const DEEPEST: usize = 5;

/// Steps of a search; the ways below a set are no more (Linux's limit of ways
/// of two steps is 500).
const MOST_STEPS: usize = 500;

/// Held while a set is put into another one.
static NESTING: Mutex<()> = Mutex::new(());

/// Puts `inner` into `outer` by `add`.
///
/// # Errors
/// `ELOOP` if it would stand in itself, or too deep; `EINVAL` if there are too
/// many ways; those of `add`.
pub(super) fn put<T>(
    outer: &Epoll,
    inner: &Epoll,
    add: impl FnOnce() -> Result<T, Errno>,
) -> Result<T, Errno> {
    let _nesting = NESTING.lock();
    let mut steps = MOST_STEPS;
    let below = levels_below(inner, outer, DEEPEST, &mut steps)?;
    let above = levels_above(outer, DEEPEST, &mut steps)?;
    if above + below > DEEPEST {
        return Err(Errno::ELOOP);
    }
    let mut places = inner.outer.lock();
    places.retain(|it| it.strong_count() != 0);
    if places.len() >= MOST_STEPS {
        return Err(Errno::EINVAL);
    }
    let added = add()?;
    places.push(outer.this.clone());
    Ok(added)
}

fn step(steps: &mut usize) -> Result<(), Errno> {
    *steps = steps.checked_sub(1).ok_or(Errno::EINVAL)?;
    Ok(())
}

/// Sets on the longest way from `set` down, which `forbidden` is not on.
fn levels_below(
    set: &Epoll,
    forbidden: &Epoll,
    most: usize,
    steps: &mut usize,
) -> Result<usize, Errno> {
    if most == 0 || core::ptr::eq(set, forbidden) {
        return Err(Errno::ELOOP);
    }
    step(steps)?;
    let mut deepest = 0;
    for file in set.inner_sets() {
        let inner = file.downcast::<Epoll>()?;
        let levels = levels_below(inner, forbidden, most - 1, steps)?;
        deepest = deepest.max(levels);
    }
    Ok(deepest + 1)
}

/// Sets on the longest way from `set` up.
fn levels_above(
    set: &Epoll,
    most: usize,
    steps: &mut usize,
) -> Result<usize, Errno> {
    if most == 0 {
        return Err(Errno::ELOOP);
    }
    step(steps)?;
    let mut highest = 0;
    let outer = set.outer.lock().clone();
    for outer in outer.iter().filter_map(Weak::upgrade) {
        if stands_in(set, &outer) {
            highest = highest.max(levels_above(&outer, most - 1, steps)?);
        }
    }
    Ok(highest + 1)
}

/// Whether it still does.
fn stands_in(set: &Epoll, outer: &Epoll) -> bool {
    let is_it = |file: &Arc<OpenFile>| {
        file.downcast::<Epoll>().is_ok_and(|it| core::ptr::eq(it, set))
    };
    outer.inner_sets().iter().any(is_it)
}
