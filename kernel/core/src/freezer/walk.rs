//! A walk through the tasks in the refrigerator, a piece at a time: who wakes
//! them holds the list's lock, with interrupts masked, for a piece only.
//!
//! Between two pieces the list changes. Tasks come to its end. A task that
//! leaves gives its place to the last one, so a walk from the first to the last
//! would miss that one. This walk goes from the last to the first:
//!
//! ```text
//!  list          walk                     others
//!  a b c d e     [lock] visits d, e
//!  a e c d                                b leaves: e takes its place
//!  a e c d f                              f comes
//!  a e c d f     [lock] visits e, c
//!  a e c d f     [lock] visits a
//! ```
//!
//! Whoever takes a place in the part that is still to come was the last of the
//! list: it was visited, or stood in that part before. Whoever comes after the
//! walk has begun had the lock after it, and sees the flags as they were when
//! it began. Model `a_walk_in_pieces_wakes_all`.
//!
//! Read next: `group.rs`, who walks.

#[cfg(all(test, loom))]
mod model;

/// So many tasks at a time.
pub const PIECE: usize = 16;

/// How far a walk has come.
pub struct Walk {
    /// What stands before this index is still to come.
    before: usize,
}

impl Walk {
    /// At the end of the list.
    pub const fn new() -> Self {
        Self { before: usize::MAX }
    }

    /// Whether nothing is still to come.
    pub fn is_over(&self) -> bool {
        self.before == 0
    }

    /// The next piece of `list`; empty when the list is.
    ///
    /// Locks: the list's is held, and released before the next call.
    pub fn next_piece<'a, T>(&mut self, list: &'a [T]) -> &'a [T] {
        self.next_piece_of(PIECE, list)
    }

    /// As [`Walk::next_piece`], with pieces of `length`.
    pub(super) fn next_piece_of<'a, T>(
        &mut self,
        length: usize,
        list: &'a [T],
    ) -> &'a [T] {
        let end = self.before.min(list.len());
        let begin = end.saturating_sub(length);
        self.before = begin;
        &list[begin..end]
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}
