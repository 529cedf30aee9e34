//! A binary heap of claims, the best first.
//!
//! A crowd that is thawed comes to an idle CPU before any of it is taken, and
//! may come in the worst order, where each would move past all others. So it is
//! put in order at once, when the first is taken; until then only the best
//! claim is known.

#[cfg(test)]
mod tests;

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::mem::replace;

/// A task that waits.
pub(super) struct Queued<T> {
    /// `Entity::key`.
    pub(super) key: u64,
    /// Order of arrival; equal claims are served in turn.
    pub(super) sequence: i64,
    pub(super) weight: u32,
    pub(super) is_real_time: bool,
    pub(super) item: T,
}

impl<T> Queued<T> {
    #[inline]
    fn before(&self, other: &Queued<T>) -> bool {
        (self.key, self.sequence) < (other.key, other.sequence)
    }
}

/// Whether a task comes to a queue as one of many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Company {
    /// Soon a task is taken.
    Alone,
    /// Many come, thawed together, before one is taken.
    Crowd,
}

/// Tasks that wait.
pub(super) struct Heap<T> {
    places: Vec<Queued<T>>,
    /// The best claim is first, and the others are in no order.
    is_unordered: bool,
}

impl<T> Heap<T> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), is_unordered: false }
    }

    /// Makes room for `capacity` in all.
    pub(super) fn try_reserve(
        &mut self,
        capacity: usize,
    ) -> Result<(), TryReserveError> {
        let missing = capacity.saturating_sub(self.places.len());
        self.places.try_reserve(missing)
    }

    pub(super) fn capacity(&self) -> usize {
        self.places.capacity()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The best claim.
    #[inline]
    pub(super) fn first(&self) -> Option<&Queued<T>> {
        self.places.first()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Queued<T>> {
        self.places.iter()
    }

    #[inline(always)]
    pub(super) fn push(&mut self, queued: Queued<T>, company: Company) {
        let last = self.places.len();
        self.places.push(queued);
        if company == Company::Alone {
            // The best claim comes to the first place also where the others
            // are in no order: it goes before each of them.
            self.sift_up(last);
            return;
        }
        if self.places[last].before(&self.places[0]) {
            self.places.swap(last, 0);
        }
        self.is_unordered = true;
    }

    /// Takes the best claim.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Queued<T>> {
        if self.places.is_empty() {
            return None;
        }
        Some(self.take_at(0))
    }

    /// Takes the best claim, and puts `queued` in; there is one.
    #[inline]
    pub(super) fn replace(&mut self, queued: Queued<T>) -> Queued<T> {
        if self.is_unordered {
            self.order_all();
        }
        let first = replace(&mut self.places[0], queued);
        self.sift_down(0);
        first
    }

    /// The place of the first found that `matches`; a linear search.
    pub(super) fn find(
        &self,
        matches: impl FnMut(&Queued<T>) -> bool,
    ) -> Option<usize> {
        self.places.iter().position(matches)
    }

    /// The place of one that `matches`, with a poor claim; of a crowd that is
    /// not in order yet, of who came last.
    pub(super) fn last(
        &self,
        matches: impl FnMut(&Queued<T>) -> bool,
    ) -> Option<usize> {
        self.places.iter().rposition(matches)
    }

    /// Takes out who [`Heap::find`] or [`Heap::last`] found.
    pub(super) fn take_at(&mut self, at: usize) -> Queued<T> {
        if self.is_unordered {
            if at != 0 {
                return self.places.swap_remove(at);
            }
            // The best claim stays where it is.
            self.order_all();
        }
        let queued = self.places.swap_remove(at);
        if at < self.places.len() && !self.sift_up(at) {
            self.sift_down(at);
        }
        queued
    }

    /// Changes claims; a linear act.
    pub(super) fn change(&mut self, change: impl FnMut(&mut Queued<T>)) {
        self.places.iter_mut().for_each(change);
        self.order_all();
    }

    /// A linear act: once for a crowd, unless the best of it is taken while
    /// more come.
    #[cold]
    #[inline(never)]
    fn order_all(&mut self) {
        self.is_unordered = false;
        for at in (0..self.places.len() / 2).rev() {
            self.sift_down(at);
        }
    }

    /// Returns whether the task moved.
    fn sift_up(&mut self, start: usize) -> bool {
        let mut at = start;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.places[at].before(&self.places[parent]) {
                break;
            }
            self.places.swap(at, parent);
            at = parent;
        }
        at != start
    }

    fn sift_down(&mut self, mut at: usize) {
        let len = self.places.len();
        loop {
            let mut child = 2 * at + 1;
            if child >= len {
                return;
            }
            let right = child + 1;
            if right < len && self.places[right].before(&self.places[child]) {
                child = right;
            }
            if !self.places[child].before(&self.places[at]) {
                return;
            }
            self.places.swap(at, child);
            at = child;
        }
    }
}
