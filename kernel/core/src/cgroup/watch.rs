//! How many watch groups. Most groups have no watcher, and a change should
//! then cost no more than a look:
//!
//! ```text
//!  who watches                         who changes
//!  -----------                         -----------
//!  watches += 1                        change the state
//!  full barrier  (WatcherBarrier)      full barrier  (ChangeBarrier)
//!  read the state                      read watches: none? tell nobody
//! ```
//!
//! Dekker's pattern: either the watcher reads the new state, or it is told of
//! it. Model `a_watcher_sees_a_change_or_is_told`.

use crate::sync::{AtomicU32, Ordering, const_new, fence};

#[cfg(all(test, loom))]
mod model;

/// The steps that make it right; the model fails without either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    WatcherBarrier,
    ChangeBarrier,
}

/// The number of watchers.
pub struct Watches(AtomicU32);

impl Watches {
    const_new! {
        /// Nobody watches.
        pub fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Somebody watches from here on, and looks at the state after this. It
    /// can be told already.
    pub fn begin(&self) {
        self.begin_without(None);
    }

    fn begin_without(&self, without: Option<Step>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        barrier(Step::WatcherBarrier, without);
    }

    /// That many of them have ended.
    pub fn end(&self, count: u32) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    /// Whether somebody must be told of the change that the caller has made.
    pub fn is_watched(&self) -> bool {
        self.is_watched_without(None)
    }

    fn is_watched_without(&self, without: Option<Step>) -> bool {
        barrier(Step::ChangeBarrier, without);
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl Default for Watches {
    fn default() -> Self {
        Self::new()
    }
}

/// A full barrier, which a model may leave out.
#[inline(always)]
fn barrier(step: Step, without: Option<Step>) {
    if without != Some(step) {
        fence(Ordering::SeqCst);
    }
}
