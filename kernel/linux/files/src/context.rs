//! Where a process stands in the tree of names.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::location::Location;
use kernel_machine::sync::{Rank, SpinLock};

#[derive(Clone)]
struct Places {
    root: Location,
    directory: Location,
}

impl Places {
    // The old place is dropped by the caller, outside the lock.
    fn replace_root(&mut self, root: Location) -> Location {
        core::mem::replace(&mut self.root, root)
    }

    fn replace_directory(&mut self, directory: Location) -> Location {
        core::mem::replace(&mut self.directory, directory)
    }
}

/// Root, working directory and umask of a process, shared by its threads.
pub struct FsContext {
    places: SpinLock<Places>,
    umask: AtomicU32,
    /// How many threads have it.
    users: AtomicU32,
}

/// A thread's part in a context: counts as long as the thread has it, unlike
/// the references of who just looks.
pub struct FsShare(Arc<FsContext>);

impl FsShare {
    /// One more thread has `context`. Only who has it already, or made it,
    /// gives it on.
    pub fn of(context: Arc<FsContext>) -> Self {
        context.users.fetch_add(1, Relaxed);
        Self(context)
    }

    /// The context.
    pub fn context(&self) -> &Arc<FsContext> {
        &self.0
    }

    /// True if other threads have it, too.
    pub fn has_others(&self) -> bool {
        self.0.users.load(Relaxed) > 1
    }
}

impl Drop for FsShare {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Relaxed);
    }
}

impl FsContext {
    /// The context of the first process.
    pub fn new(root: Location) -> Arc<Self> {
        let places = Places { directory: root.clone(), root };
        Arc::new(Self::with(places, 0o022))
    }

    fn with(places: Places, umask: u32) -> Self {
        Self {
            places: SpinLock::with_rank(Rank::Process, places),
            umask: AtomicU32::new(umask),
            users: AtomicU32::new(0),
        }
    }

    /// A copy for a child.
    pub fn fork(&self) -> Arc<Self> {
        let places = self.places.lock().clone();
        Arc::new(Self::with(places, self.umask()))
    }

    /// Where absolute names begin.
    pub fn root(&self) -> Location {
        self.places.lock().root.clone()
    }

    /// Where relative names begin.
    pub fn directory(&self) -> Location {
        self.places.lock().directory.clone()
    }

    /// Makes absolute names begin at `root`.
    pub fn set_root(&self, root: Location) {
        let old = self.places.lock().replace_root(root);
        drop(old);
    }

    /// Makes relative names begin at `directory`.
    pub fn set_directory(&self, directory: Location) {
        let old = self.places.lock().replace_directory(directory);
        drop(old);
    }

    /// Permissions that new files do not get.
    pub fn umask(&self) -> u32 {
        self.umask.load(Relaxed)
    }

    /// Sets the umask; gives the one before.
    pub fn set_umask(&self, umask: u32) -> u32 {
        self.umask.swap(umask & 0o777, Relaxed)
    }
}
