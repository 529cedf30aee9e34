//! Long work on an address space is done in pieces, with no lock held between.
//!
//! What happens between two pieces is the task layer's business: the task may
//! freeze there, and others get the CPU (SPECIFICATION.md Y9).

use crate::sync::Hook;
use crate::sync::rank::debug_check_no_locks_held;

/// Entries of page tables, or as much work, in one piece: a quarter of a
/// millisecond, if each is a page that goes.
pub(super) const PIECE: usize = 512;

/// Called between two pieces, by a task that holds no lock.
pub static PAUSE: Hook<fn()> = Hook::new();

/// One piece is done, and the next can wait.
pub(super) fn pause() {
    debug_check_no_locks_held();
    if let Some(pause) = PAUSE.get() {
        pause();
    }
}
