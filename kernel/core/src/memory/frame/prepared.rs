//! Whether a frame's contents are fit for instruction fetch.
//!
//! They are after the caches were synchronised once, until somebody stores to
//! the frame. The mark is set when that is done, not before, so that whoever
//! sees it may map the frame at once; and only if nobody has stored meanwhile:
//!
//! ```text
//! prepare                            changed
//! -------                            -------
//! is it marked? done                 (the stores)
//! P1 note that it is made            C1 full barrier
//! P2 full barrier                    C2 is it made or marked?
//! synchronise (reads the bytes)      C3   take both away, count
//! P3 marked, if the note and the
//!    count are as they were
//! ```
//!
//! Of the two barriers one comes first: either the bytes are synchronised as
//! stored, or C2 sees the note, and P3 fails or its mark goes away again. Two
//! who prepare at once do not end each other's work: the first one's P3 takes
//! the note, and the count tells a note from one after a change.
//!
//! | bit of the word | what |
//! |---|---|
//! | 8 | marked |
//! | 9 | it is made |
//! | 10..27 | count of changes that took something away |

use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, SeqCst};
use crate::sync::{AtomicU32, fence};

#[cfg(all(test, loom))]
mod model;

const MARKED: u32 = 1 << 8;
const MAKING: u32 = 1 << 9;
const CHANGE: u32 = 1 << 10;
const CHANGES: u32 = (1 << 28) - CHANGE;

/// What a model can do without, to see that it is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// C1.
    Barrier,
    /// The count of changes.
    Count,
}

/// Calls `synchronise` unless that was done since the last change.
#[inline]
pub(super) fn prepare(word: &AtomicU32, synchronise: impl FnOnce()) {
    if word.load(Acquire) & MARKED != 0 {
        return;
    }
    let noted = word.fetch_or(MAKING, AcqRel) | MAKING;
    fence(SeqCst);
    synchronise();
    let marked = noted & !MAKING | MARKED;
    let _ = word.compare_exchange(noted, marked, AcqRel, Relaxed);
}

/// Somebody has stored to the frame. Cheap if nobody has prepared it.
#[inline(always)]
pub(super) fn changed(word: &AtomicU32) {
    changed_without(word, None);
}

#[inline(always)]
pub(super) fn changed_without(word: &AtomicU32, without: Option<Step>) {
    if without != Some(Step::Barrier) {
        fence(SeqCst);
    }
    if word.load(Relaxed) & (MARKED | MAKING) != 0 {
        take_away(word, without);
    }
}

#[cold]
fn take_away(word: &AtomicU32, without: Option<Step>) {
    let step = if without == Some(Step::Count) { 0 } else { CHANGE };
    let mut old = word.load(Relaxed);
    loop {
        let count = (old & CHANGES).wrapping_add(step) & CHANGES;
        let new = old & !(MARKED | MAKING | CHANGES) | count;
        match word.compare_exchange(old, new, AcqRel, Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}
