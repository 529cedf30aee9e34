//! Sets that stand in other sets.
//!
//! Looking at a set looks at all files in it and in the sets in it, on every way
//! that leads there, and an event goes all these ways up. So no set stands in
//! itself, none is more than five deep, and no file has too many ways: a look
//! and an event end, and soon. Read next: `nest/ways.rs`.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::set::Epoll;
use crate::open_file::OpenFile;
use kernel_task::Mutex;

mod ways;

use ways::DEEPEST;

/// Steps of a search for circles and depth.
const MOST_STEPS: usize = 500;

/// Held while a set is put into another one, and a file into a set that stands
/// in others.
static NESTING: Mutex<()> = Mutex::new(());

/// Puts `inner`, which `file` is, into `outer` by `add`.
///
/// # Errors
/// `ELOOP` if it would stand in itself, or too deep; `EINVAL` if there are too
/// many ways; those of `add`.
pub(super) fn put(
    outer: &Epoll,
    inner: &Epoll,
    file: &Arc<OpenFile>,
    add: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), Errno> {
    let _nesting = NESTING.lock();
    let mut steps = MOST_STEPS;
    let below = levels_below(inner, outer, DEEPEST, &mut steps)?;
    let above = levels_above(outer, DEEPEST, &mut steps)?;
    if above + below > DEEPEST {
        return Err(Errno::ELOOP);
    }
    // Nobody puts a file into it meanwhile that is not counted.
    let mut places = inner.outer.lock();
    places.retain(|it| it.strong_count() != 0);
    if places.len() >= MOST_STEPS {
        return Err(Errno::EINVAL);
    }
    ways::check(tops(outer), outer, file)?;
    add()?;
    places.push(outer.this.clone());
    Ok(())
}

/// Puts `file`, which is no set, into `set` by `add`.
///
/// # Errors
/// `EINVAL` if there are too many ways to it; those of `add`.
pub(super) fn put_file(
    set: &Epoll,
    file: &Arc<OpenFile>,
    add: impl FnOnce() -> Result<(), Errno>,
) -> Result<(), Errno> {
    {
        // While this is held, it is put into no other set.
        let mut places = set.outer.lock();
        places.retain(|it| it.strong_count() != 0);
        if places.is_empty() {
            return add();
        }
    }
    let _nesting = NESTING.lock();
    ways::check(tops(set), set, file)?;
    add()
}

/// The outermost sets in which `set` stands, or itself. [`NESTING`] is held.
fn tops(set: &Epoll) -> Vec<Arc<Epoll>> {
    let mut known = Vec::from_iter(set.this.upgrade());
    let mut tops = Vec::new();
    let mut at = 0;
    while let Some(set) = known.get(at).cloned() {
        let above = outer_sets(&set);
        if above.is_empty() {
            tops.push(set);
        }
        for outer in above {
            if !known.iter().any(|it| Arc::ptr_eq(it, &outer)) {
                known.push(outer);
            }
        }
        at += 1;
    }
    tops
}

/// The sets in which `set` stands, each as often as it was put there.
fn outer_sets(set: &Epoll) -> Vec<Arc<Epoll>> {
    let outer = set.outer.lock().clone();
    let outer = outer.iter().filter_map(Weak::upgrade);
    outer.filter(|outer| stands_in(set, outer)).collect()
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
    for outer in outer_sets(set) {
        highest = highest.max(levels_above(&outer, most - 1, steps)?);
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
