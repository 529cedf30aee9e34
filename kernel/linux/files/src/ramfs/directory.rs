//! Directories of the RAM file system.
//!
//! Each entry has a position that never changes and is never used again, so
//! a program can remove entries while it reads the directory.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::node::Node;
use crate::inode::{Entry, FIRST_ENTRY, Inode, Replace};
use kernel_machine::sync::SpinLock;

type Name = Arc<[u8]>;

struct Names {
    by_name: BTreeMap<Name, (u64, Arc<Node>)>,
    by_position: BTreeMap<u64, Name>,
    next_position: u64,
    /// Set once it has no name: nothing can be put into it.
    is_retired: bool,
}

impl Names {
    fn insert(&mut self, name: &[u8], node: Arc<Node>) -> Option<Arc<Node>> {
        let name: Name = name.into();
        let position = self.next_position;
        self.next_position += 1;
        self.by_position.insert(position, name.clone());
        let (old, replaced) = self.by_name.insert(name, (position, node))?;
        self.by_position.remove(&old);
        Some(replaced)
    }

    fn remove(&mut self, name: &[u8]) -> Option<Arc<Node>> {
        let (position, node) = self.by_name.remove(name)?;
        self.by_position.remove(&position);
        Some(node)
    }
}

/// Nodes by name.
pub(super) struct Directory {
    names: SpinLock<Names>,
}

impl Directory {
    pub(super) fn new() -> Self {
        let names = Names {
            by_name: BTreeMap::new(),
            by_position: BTreeMap::new(),
            next_position: FIRST_ENTRY,
            is_retired: false,
        };
        Self { names: SpinLock::new(names) }
    }

    pub(super) fn get(&self, name: &[u8]) -> Result<Arc<Node>, Errno> {
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
    pub(super) fn insert(
        &self,
        name: &[u8],
        node: Arc<Node>,
    ) -> Option<Arc<Node>> {
        self.names.lock().insert(name, node)
    }

    pub(super) fn remove(&self, name: &[u8]) -> Option<Arc<Node>> {
        self.names.lock().remove(name)
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

    pub(super) fn take_all(&self) -> Vec<Arc<Node>> {
        let names = core::mem::take(&mut self.names.lock().by_name);
        names.into_values().map(|(_, node)| node).collect()
    }

    /// A name under which the node `number` stands here.
    pub(super) fn name_of(&self, number: u64) -> Option<Arc<[u8]>> {
        let names = self.names.lock();
        let mut all = names.by_name.iter();
        let found = all.find(|(_, (_, node))| node.number() == number);
        found.map(|(name, _)| name.clone())
    }

    pub(super) fn visit(
        &self,
        position: u64,
        visit: &mut dyn FnMut(&Entry<'_>) -> bool,
    ) {
        let names = self.names.lock();
        for (position, name) in names.by_position.range(position..) {
            let Some((_, node)) = names.by_name.get(name) else {
                continue;
            };
            let entry = Entry {
                name,
                number: node.number(),
                entry_type: node.kind().entry_type(),
                next: position + 1,
            };
            if !visit(&entry) {
                return;
            }
        }
    }
}

/// Moves a name, or exchanges two (Linux `rename(2)`). The caller holds the
/// file system's lock for changes.
///
/// Between two directories the new name appears before the old one goes, so
/// a concurrent lookup finds at least one of them.
pub(super) fn rename(
    from: &Arc<Node>,
    name: &[u8],
    to: &Arc<Node>,
    new_name: &[u8],
    replace: Replace,
) -> Result<(), Errno> {
    let node = from.directory()?.get(name)?;
    let target = to.directory()?.get(new_name).ok();
    match (&target, replace) {
        (Some(_), Replace::No) => return Err(Errno::EEXIST),
        (None, Replace::Exchange) => return Err(Errno::ENOENT),
        (Some(target), _) if Arc::ptr_eq(target, &node) => return Ok(()),
        _ => {}
    }
    check_not_inside(&node, to)?;
    match target {
        Some(target) if replace == Replace::Exchange => {
            check_not_inside(&target, from)?;
            place(to, new_name, &node)?;
            place(from, name, &target)?;
            moved(from, to, &node);
            moved(to, from, &target);
        }
        Some(target) => {
            check_replaceable(&node, &target)?;
            shift(from, name, to, new_name, &node)?;
            if target.is_directory() {
                to.names_changed(-1);
            }
            target.unlinked();
            moved(from, to, &node);
        }
        None => {
            to.directory()?.check_free(new_name)?;
            shift(from, name, to, new_name, &node)?;
            moved(from, to, &node);
        }
    }
    Ok(())
}

/// A directory cannot move into itself or what is below it.
fn check_not_inside(node: &Arc<Node>, place: &Arc<Node>) -> Result<(), Errno> {
    let mut above = place.clone();
    loop {
        if Arc::ptr_eq(&above, node) {
            return Err(Errno::EINVAL);
        }
        match above.parent_node() {
            Some(parent) if !Arc::ptr_eq(&parent, &above) => above = parent,
            _ => return Ok(()),
        }
    }
}

fn check_replaceable(node: &Node, target: &Node) -> Result<(), Errno> {
    match (node.is_directory(), target.is_directory()) {
        (true, true) => target.directory()?.retire(),
        (true, false) => Err(Errno::ENOTDIR),
        (false, true) => Err(Errno::EISDIR),
        (false, false) => Ok(()),
    }
}

fn place(to: &Node, name: &[u8], node: &Arc<Node>) -> Result<(), Errno> {
    to.directory()?.insert(name, node.clone());
    Ok(())
}

fn shift(
    from: &Arc<Node>,
    name: &[u8],
    to: &Arc<Node>,
    new_name: &[u8],
    node: &Arc<Node>,
) -> Result<(), Errno> {
    if Arc::ptr_eq(from, to) {
        let mut names = from.directory()?.names.lock();
        names.remove(name);
        let replaced = names.insert(new_name, node.clone());
        drop(names);
        drop(replaced);
        return Ok(());
    }
    place(to, new_name, node)?;
    from.directory()?.remove(name);
    Ok(())
}

/// Notes in all three nodes that `node` moved.
fn moved(from: &Arc<Node>, to: &Arc<Node>, node: &Arc<Node>) {
    let is_directory = i32::from(node.is_directory());
    from.names_changed(-is_directory);
    to.names_changed(is_directory);
    node.linked(to, 0);
}
