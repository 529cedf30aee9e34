//! Directories of the RAM file system.
//!
//! Each entry has a position that never changes and is never used again, so
//! a program can remove entries while it reads the directory.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use crate::inode::FIRST_ENTRY;
use kernel_machine::sync::SpinLock;

type Name = Arc<[u8]>;

struct Names<T> {
    by_name: BTreeMap<Name, (u64, Arc<T>)>,
    by_position: BTreeMap<u64, Name>,
    next_position: u64,
    /// Set once it has no name: nothing can be put into it.
    is_retired: bool,
}

impl<T> Names<T> {
    fn insert(&mut self, name: &[u8], node: Arc<T>) -> Option<Arc<T>> {
        let name: Name = name.into();
        let position = self.next_position;
        self.next_position += 1;
        self.by_position.insert(position, name.clone());
        let (old, replaced) = self.by_name.insert(name, (position, node))?;
        self.by_position.remove(&old);
        Some(replaced)
    }

    fn remove(&mut self, name: &[u8]) -> Option<Arc<T>> {
        let (position, node) = self.by_name.remove(name)?;
        self.by_position.remove(&position);
        Some(node)
    }
}

/// Nodes by name.
pub(super) struct Directory<T> {
    names: SpinLock<Names<T>>,
}

impl<T> Directory<T> {
    pub(super) fn new() -> Self {
        let names = Names {
            by_name: BTreeMap::new(),
            by_position: BTreeMap::new(),
            next_position: FIRST_ENTRY,
            is_retired: false,
        };
        Self { names: SpinLock::new(names) }
    }

    pub(super) fn get(&self, name: &[u8]) -> Result<Arc<T>, Errno> {
        let names = self.names.lock();
        let found = names.by_name.get(name).map(|(_, node)| node.clone());
        found.ok_or(Errno::ENOENT)
    }

    /// Fails if `name` cannot be added.
    pub(super) fn check_free(&self, name: &[u8]) -> Result<(), Errno> {
        let names = self.names.lock();
        if names.is_retired {
            return Err(Errno::ENOENT);
        }
        match names.by_name.contains_key(name) {
            true => Err(Errno::EEXIST),
            false => Ok(()),
        }
    }

    /// Adds or replaces a name. What was there lives until the caller drops
    /// it, outside the lock.
    pub(super) fn insert(&self, name: &[u8], node: Arc<T>) -> Option<Arc<T>> {
        self.names.lock().insert(name, node)
    }

    pub(super) fn remove(&self, name: &[u8]) -> Option<Arc<T>> {
        self.names.lock().remove(name)
    }

    /// Gives the node `name` the name `new_name` instead, in one step.
    pub(super) fn rename(&self, name: &[u8], new_name: &[u8], node: Arc<T>) {
        let mut names = self.names.lock();
        names.remove(name);
        let replaced = names.insert(new_name, node);
        drop(names);
        drop(replaced);
    }

    fn check_empty(&self) -> Result<(), Errno> {
        match self.names.lock().by_name.is_empty() {
            true => Ok(()),
            false => Err(Errno::ENOTEMPTY),
        }
    }

    /// Makes an empty directory one that stays empty.
    pub(super) fn retire(&self) -> Result<(), Errno> {
        self.check_empty()?;
        self.names.lock().is_retired = true;
        Ok(())
    }

    pub(super) fn take_all(&self) -> Vec<Arc<T>> {
        let names = core::mem::take(&mut self.names.lock().by_name);
        names.into_values().map(|(_, node)| node).collect()
    }

    /// A name under which the node that `is_meant` stands here.
    pub(super) fn name_of(
        &self,
        is_meant: impl Fn(&T) -> bool,
    ) -> Option<Name> {
        let names = self.names.lock();
        let mut all = names.by_name.iter();
        let found = all.find(|(_, (_, node))| is_meant(node));
        found.map(|(name, _)| name.clone())
    }

    /// Gives each name, its node, and the position after it, until `visit`
    /// says false.
    pub(super) fn visit(
        &self,
        position: u64,
        mut visit: impl FnMut(&[u8], &T, u64) -> bool,
    ) {
        let names = self.names.lock();
        for (position, name) in names.by_position.range(position..) {
            let Some((_, node)) = names.by_name.get(name) else {
                continue;
            };
            if !visit(name, node, position + 1) {
                return;
            }
        }
    }
}
