//! Whether the tree of names changes while somebody walks in it.
//!
//! A walk that must stay below a directory goes up by `..` only as far as that
//! directory. If another one on its way is moved out meanwhile, it would go
//! past. So whoever goes up looks whether anything moved since it began:
//!
//! ```text
//!  who moves                        who walks
//!  ---------                        ---------
//!                                   since := done
//!  under way += 1                   goes down
//!  moves, under the node's lock     goes up: reads the node's parent
//!  done += 1          (Done)        under way, or done is not since:
//!  under way -= 1                       it may be outside
//! ```
//!
//! The lock under which a parent is written and read makes whoever reads the
//! new one see that the move is under way, or that it is done. What `since`
//! counts was there before. Model `a_walk_sees_what_moves`.

use crate::sync::{AtomicU32, Ordering, const_new};

#[cfg(all(test, loom))]
mod model;

/// The steps that make it right; the model fails without either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    UnderWay,
    Done,
}

/// Counts moves of names and mounts.
pub struct Changes {
    under_way: AtomicU32,
    done: AtomicU32,
}

impl Changes {
    const_new! {
        /// Nothing has moved.
        pub fn new() -> Self {
            Self { under_way: AtomicU32::new(0), done: AtomicU32::new(0) }
        }
    }

    /// How many there were; for [`Changes::any_since`].
    pub fn count(&self) -> u32 {
        self.done.load(Ordering::Acquire)
    }

    /// True if anything moved since there were so many, or is being moved.
    pub fn any_since(&self, count: u32) -> bool {
        self.under_way.load(Ordering::Acquire) != 0
            || self.done.load(Ordering::Relaxed) != count
    }

    /// Does a change.
    pub fn make<T>(&self, change: impl FnOnce() -> T) -> T {
        self.make_without(change, None)
    }

    fn make_without<T>(
        &self,
        change: impl FnOnce() -> T,
        without: Option<Step>,
    ) -> T {
        if without != Some(Step::UnderWay) {
            self.under_way.fetch_add(1, Ordering::Relaxed);
        }
        let result = change();
        if without != Some(Step::Done) {
            self.done.fetch_add(1, Ordering::Release);
        }
        if without != Some(Step::UnderWay) {
            self.under_way.fetch_sub(1, Ordering::Release);
        }
        result
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}
