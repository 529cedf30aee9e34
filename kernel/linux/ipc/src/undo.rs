//! What a process has done to semaphores with `SEM_UNDO`: each set knows how
//! much, the list knows in which sets. The list hangs on a thread, or on
//! several that share it, and is dropped when the last of them ends: then all
//! is undone.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::ipc::semaphore::Actor;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_process::undo::Undo;

use crate::caller::process_id;

/// What has something to undo.
pub(crate) trait Undoes: Send + Sync {
    /// Undoes what the owner of a list has done.
    fn undo(&self, actor: Actor);
}

/// Entries of sets that are gone are looked for when so many have come.
const LEAST_CLEANED: usize = 32;

/// The sets in which something is to be undone.
pub(crate) struct UndoList {
    /// Names it in the sets.
    pub(crate) id: u64,
    sets: SpinLock<Sets>,
}

struct Sets {
    /// By address.
    all: Vec<Weak<dyn Undoes>>,
    /// With so many entries, those of sets that are gone are dropped.
    cleaned_at: usize,
}

impl UndoList {
    /// An empty list.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let sets = Sets { all: Vec::new(), cleaned_at: LEAST_CLEANED };
        let id = NEXT.fetch_add(1, Relaxed);
        Self { id, sets: SpinLock::with_rank(Rank::Freezer, sets) }
    }

    /// Notes that something is to be undone in `set`.
    pub(crate) fn note(&self, set: &Arc<dyn Undoes>) {
        let address = Arc::as_ptr(set).cast::<()>().addr();
        let mut sets = self.sets.lock();
        if sets.all.len() >= sets.cleaned_at {
            sets.all.retain(|set| set.strong_count() > 0);
            sets.cleaned_at = LEAST_CLEANED.max(2 * sets.all.len());
        }
        let place = |it: &Weak<dyn Undoes>| it.as_ptr().cast::<()>().addr();
        if let Err(at) = sets.all.binary_search_by_key(&address, place) {
            sets.all.insert(at, Arc::downgrade(set));
        }
    }
}

impl Drop for UndoList {
    fn drop(&mut self) {
        let sets = core::mem::take(&mut self.sets.get_mut().all);
        let actor = Actor { process: process_id(), list: self.id };
        for set in sets.iter().filter_map(Weak::upgrade) {
            set.undo(actor);
        }
    }
}

/// What is to be undone when the running thread ends, or the last of those
/// that share it.
pub(crate) fn own() -> Arc<Undo> {
    kernel_process::current().undo()
}
