//! What a process has done to semaphores with `SEM_UNDO`: each set knows how
//! much, the list knows in which sets. The list hangs on a thread, or on
//! several that share it, and is dropped when the last of them ends: then all
//! is undone.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use kernel_core::ipc::semaphore::Actor;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_process::undo::Undo;
use kernel_task::sleep::give_way_and_go_on;

use crate::caller::process_id;
use crate::registry::PIECE;

/// What has something to undo.
pub(crate) trait Undoes: Send + Sync {
    /// Undoes what the owner of a list has done.
    fn undo(&self, actor: Actor);
}

/// The sets in which something is to be undone.
pub(crate) struct UndoList {
    /// Names it in the sets.
    pub(crate) id: u64,
    sets: SpinLock<Sets>,
}

struct Sets {
    /// By address.
    all: BTreeMap<usize, Weak<dyn Undoes>>,
    /// The entry that was looked at last: each new one has the next two looked
    /// at, so that those of sets that are gone are few.
    seen: usize,
}

impl Sets {
    /// Takes the next entry out if its set is gone.
    fn clean(&mut self) -> Option<Weak<dyn Undoes>> {
        let mut next = self.all.range(self.seen + 1..);
        let Some((address, set)) = next.next() else {
            self.seen = 0;
            return None;
        };
        self.seen = *address;
        match set.strong_count() {
            0 => self.all.remove(&self.seen),
            _ => None,
        }
    }
}

impl UndoList {
    /// An empty list.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let sets = Sets { all: BTreeMap::new(), seen: 0 };
        let id = NEXT.fetch_add(1, Relaxed);
        Self { id, sets: SpinLock::with_rank(Rank::Freezer, sets) }
    }

    /// Notes that something is to be undone in `set`.
    ///
    /// # Locks
    /// Takes the list's.
    pub(crate) fn note(&self, set: &Arc<dyn Undoes>) {
        let address = Arc::as_ptr(set).cast::<()>().addr();
        let mut sets = self.sets.lock();
        if sets.all.contains_key(&address) {
            return;
        }
        let gone = [sets.clean(), sets.clean()];
        sets.all.insert(address, Arc::downgrade(set));
        drop(sets);
        drop(gone);
    }
}

impl Drop for UndoList {
    fn drop(&mut self) {
        let sets = core::mem::take(&mut self.sets.get_mut().all);
        let actor = Actor { process: process_id(), list: self.id };
        let sets = sets.values().filter_map(Weak::upgrade);
        for (at, set) in (1..).zip(sets) {
            set.undo(actor);
            drop(set);
            if at % PIECE == 0 {
                give_way_and_go_on();
            }
        }
    }
}

/// What is to be undone when the running thread ends, or the last of those
/// that share it.
pub(crate) fn own() -> Arc<Undo> {
    kernel_process::current().undo()
}
