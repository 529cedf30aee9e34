//! The list of the tasks in the refrigerator, and a walk through it a piece
//! at a time: who wakes them holds the list's lock, with interrupts masked, for
//! a piece only.
//!
//! Between two pieces tasks come and go. A task stays at its place from when
//! it comes until it leaves; a place that was left stays free until another
//! task takes it, and nobody is moved there:
//!
//! ```text
//!  list          walk                     others
//!  a b c d e     [lock] visits a, b
//!  a - c d e                              b leaves
//!  a f c d e                              f comes
//!  a f c d e     [lock] visits c, d
//!  a f c d e     [lock] visits e
//! ```
//!
//! So a walk from the first place to the last finds everybody who was there
//! when it began and has not left. Whoever comes later had the lock after it,
//! and sees the flags as they were then. If the last one took the place that
//! was left, as is usual with arrays, `e` would sleep on. Model
//! `a_walk_in_pieces_wakes_all`.
//!
//! While no place is taken again the walk goes in the order in which the tasks
//! came, which is about that of their virtual run times: a CPU that runs takes
//! them fastest in it. Places are given back when nobody is there any more;
//! until then a walk passes as many as the largest crowd had.
//!
//! Read next: `group.rs`, who walks.

#[cfg(all(test, loom))]
mod model;
#[cfg(test)]
mod tests;

use alloc::collections::TryReserveError;
use alloc::vec::Vec;
use core::mem::replace;

/// So many places at a time.
pub const PIECE: usize = 16;

/// What `next` of the last free place holds.
const NONE: u32 = u32::MAX;

enum Place<T> {
    Taken(T),
    /// Nobody's; the free place to be taken after it.
    Free {
        next: u32,
    },
}

/// Who is in the refrigerator, each at a place of its own.
///
/// Locks: one, of the owner's, guards it.
pub struct Places<T> {
    places: Vec<Place<T>>,
    /// The free place that is taken next.
    free: u32,
    taken: usize,
}

impl<T> Places<T> {
    /// Nobody, and no room.
    pub const fn new() -> Self {
        Self { places: Vec::new(), free: NONE, taken: 0 }
    }

    /// Makes room for `count` in all, so that no [`Places::enter`] below that
    /// number allocates.
    ///
    /// # Errors
    /// The allocator's.
    pub fn reserve(&mut self, count: usize) -> Result<(), TryReserveError> {
        let more = count.saturating_sub(self.places.len());
        self.places.try_reserve(more)
    }

    /// Takes a place, and gives it.
    pub fn enter(&mut self, who: T) -> u32 {
        self.taken += 1;
        let place = self.free;
        let Some(free) = self.places.get_mut(place as usize) else {
            self.places.push(Place::Taken(who));
            return self.places.len() as u32 - 1;
        };
        if let Place::Free { next } = replace(free, Place::Taken(who)) {
            self.free = next;
        }
        place
    }

    /// Who was at `place` leaves it; `None` if nobody was.
    pub fn leave(&mut self, place: u32) -> Option<T> {
        let at = self.places.get_mut(place as usize)?;
        let left = replace(at, Place::Free { next: self.free });
        self.free = place;
        let Place::Taken(who) = left else {
            // It was free, and has its old successor again.
            *at = left;
            return None;
        };
        self.taken -= 1;
        if self.taken == 0 {
            self.places.clear();
            self.free = NONE;
        }
        Some(who)
    }
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// How far a walk has come.
pub struct Walk {
    /// Whoever was there when the walk began, and stands before this place,
    /// was visited.
    next: usize,
    is_over: bool,
}

impl Walk {
    /// At the first place.
    pub const fn new() -> Self {
        Self { next: 0, is_over: false }
    }

    /// Whether nobody is still to come.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Who stands in the next piece of `list`.
    ///
    /// Locks: the list's is held, and released before the next call.
    pub fn next_piece<'a, T>(
        &mut self,
        list: &'a Places<T>,
    ) -> impl Iterator<Item = &'a T> {
        self.next_piece_of(PIECE, list)
    }

    /// As [`Walk::next_piece`], with pieces of `length`.
    pub(super) fn next_piece_of<'a, T>(
        &mut self,
        length: usize,
        list: &'a Places<T>,
    ) -> impl Iterator<Item = &'a T> {
        let rest = list.places.get(self.next..).unwrap_or(&[]);
        let piece = &rest[..length.min(rest.len())];
        self.next += length;
        self.is_over = piece.len() == rest.len();
        piece.iter().filter_map(|place| match place {
            Place::Taken(who) => Some(who),
            Place::Free { .. } => None,
        })
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}
