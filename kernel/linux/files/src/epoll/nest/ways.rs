//! How many ways lead from the outermost sets to a file.
//!
//! As on Linux a file may stand in any number of outermost sets, and has no more
//! than so many ways through nested ones ([`MOST_WAYS`]). A set counts as the
//! files that it may have. Unlike Linux's, a look goes every way anew, so those
//! that lead where another has led already are counted over all files, too.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::super::set::Epoll;
use crate::open_file::OpenFile;

/// Sets on a way from the outermost to the innermost one.
pub(super) const DEEPEST: usize = 5;

/// Ways to one file, by the number of sets around the set that it is in (Linux
/// `path_limits`).
const MOST_WAYS: [usize; DEEPEST] = [usize::MAX, 500, 100, 50, 10];

/// Ways that a look at one set goes beyond one to each place.
const MOST_DETOURS: usize = 1 << 16;

/// Fails if `file` in `set` would have too many ways that begin at `tops`, or
/// files in it. Nothing is nested meanwhile.
///
/// # Errors
/// `EINVAL`.
pub(super) fn check(
    tops: Vec<Arc<Epoll>>,
    set: &Epoll,
    file: &Arc<OpenFile>,
) -> Result<(), Errno> {
    // Each look begins at one of them; most often all together are few.
    if detours(&tops, set, file)? <= MOST_DETOURS {
        return Ok(());
    }
    for top in tops {
        if detours(&[top], set, file)? > MOST_DETOURS {
            return Err(Errno::EINVAL);
        }
    }
    Ok(())
}

/// A set, and the ways to it.
type Reached = (Arc<Epoll>, usize);

/// The number of ways beyond one to each place. Goes down level by level, to
/// each set once on each.
fn detours(
    tops: &[Arc<Epoll>],
    outer: &Epoll,
    new: &Arc<OpenFile>,
) -> Result<usize, Errno> {
    let is_set = new.downcast::<Epoll>().is_ok();
    let mut detours = 0_usize;
    let mut level: Vec<Reached> =
        tops.iter().map(|top| (top.clone(), 1)).collect();
    for most in MOST_WAYS {
        let mut inner: BTreeMap<usize, Reached> = BTreeMap::new();
        let mut files: BTreeMap<usize, usize> = BTreeMap::new();
        for (set, ways) in &level {
            let is_outer = core::ptr::eq(&**set, outer);
            let added = is_outer.then(|| new.clone());
            for file in set.open_files().into_iter().chain(added) {
                let key = Arc::as_ptr(&file).addr();
                detours = detours.saturating_add(ways - 1);
                let it = file.downcast::<Epoll>().ok();
                if let Some(it) = it.and_then(|it| it.this.upgrade()) {
                    let reached = inner.entry(key).or_insert((it, 0));
                    reached.1 = reached.1.saturating_add(*ways);
                } else if is_set || Arc::ptr_eq(&file, new) {
                    // Others have as many as before.
                    let all = files.entry(key).or_default();
                    *all = all.saturating_add(*ways);
                }
            }
        }
        let sets = level.iter().map(|(_, ways)| ways);
        if sets.chain(files.values()).any(|ways| *ways > most) {
            return Err(Errno::EINVAL);
        }
        level = inner.into_values().collect();
    }
    Ok(detours)
}
