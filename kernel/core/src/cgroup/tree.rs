//! The groups of a hierarchy as a tree: names, numbers, who stands in whom.
//!
//! Read next: `cgroup/links.rs`, then `cgroup/state.rs`.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::Errno;

use super::attribute::AttributeTable;
use super::figures::Figures;
use super::links::Links;
use super::trail::Trail;
use crate::freezer::Hierarchy;

/// The slot of every hierarchy's root.
pub const ROOT: u32 = 0;

/// The mode of a directory of which nobody said more.
const DIRECTORY_MODE: u32 = 0o755;

/// A group's name for the kernel: its slot in the freezer, and a number that
/// is never used again, so that a file of a removed group is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Index of its slot in the freezer.
    pub slot: u32,
    /// Its number; that of its directory, too.
    pub id: u64,
}

/// The handle of every hierarchy's root.
pub const ROOT_HANDLE: Handle = Handle { slot: ROOT, id: 0 };

/// One group. What the freezer knows of it (which bits ask for freezing,
/// `freezer.kill_frozen`) and who is above it stand elsewhere, in its slot.
pub struct Group {
    pub(super) id: u64,
    pub(super) name: Box<[u8]>,
    /// Slots of the groups in it, in the order of their numbers.
    pub(super) children: Vec<u32>,
    /// `FROZEN` was reached.
    pub(super) is_frozen: bool,
    pub(super) leases: u32,
    /// It belongs to its parent's domain (cgroup v2).
    pub(super) is_threaded: bool,
    /// It became populated, and nobody has told since that it is not any more.
    pub(super) is_noted_populated: bool,
    /// Requests to freeze or thaw so far.
    pub(super) requests: u64,
    /// `cgroup.clone_children`
    pub clone_children: bool,
    /// For `freezer.stat`.
    pub figures: Figures,
    /// Whose its files are.
    pub attributes: AttributeTable,
    /// What the dead keep of it; made for the first of them.
    pub(super) trail: Option<Arc<Trail>>,
}

impl Group {
    fn new(id: u64, name: &[u8]) -> Box<Self> {
        Box::new(Self {
            id,
            name: name.into(),
            children: Vec::new(),
            is_frozen: false,
            leases: 0,
            is_threaded: false,
            is_noted_populated: false,
            requests: 0,
            clone_children: false,
            figures: Figures::default(),
            attributes: AttributeTable::new([0; 2], DIRECTORY_MODE),
            trail: None,
        })
    }

    /// The number of leases on it.
    pub fn leases(&self) -> u32 {
        self.leases
    }

    /// How often somebody asked to freeze or thaw it.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The last part of its path; empty for the root.
    pub fn name(&self) -> &[u8] {
        &self.name
    }
}

/// The groups of one hierarchy.
pub struct Tree {
    pub(super) hierarchy: Hierarchy,
    /// Who stands in whom, by slot.
    pub(super) links: &'static Links,
    /// By slot.
    pub(super) groups: Vec<Option<Box<Group>>>,
    pub(super) next_id: u64,
    pub(super) count: usize,
}

impl Tree {
    /// The root alone.
    pub fn new(hierarchy: Hierarchy, links: &'static Links) -> Self {
        let groups = alloc::vec![Some(Group::new(0, b""))];
        Self { hierarchy, links, groups, next_id: 1, count: 1 }
    }

    /// The number of groups, the root included.
    pub fn count(&self) -> usize {
        self.count
    }

    pub(super) fn at(&self, slot: u32) -> Option<&Group> {
        self.groups.get(slot as usize)?.as_deref()
    }

    /// A group that a link of the tree names: links lead to groups.
    pub(super) fn linked(&mut self, slot: u32) -> &mut Group {
        let place = self.groups.get_mut(slot as usize);
        place.and_then(Option::as_deref_mut).expect("a link leads to a group")
    }

    /// The group with this handle.
    ///
    /// # Errors
    /// `ENODEV` if it was removed.
    pub fn get(&self, handle: Handle) -> Result<&Group, Errno> {
        let group = self.at(handle.slot);
        group.filter(|group| group.id == handle.id).ok_or(Errno::ENODEV)
    }

    /// As [`Tree::get`], to change what can be changed freely.
    ///
    /// # Errors
    /// As there.
    pub fn get_mut(&mut self, handle: Handle) -> Result<&mut Group, Errno> {
        let group = self.groups.get_mut(handle.slot as usize);
        let group = group.and_then(Option::as_deref_mut);
        group.filter(|group| group.id == handle.id).ok_or(Errno::ENODEV)
    }

    /// The handle of the group in `slot`.
    pub fn handle(&self, slot: u32) -> Option<Handle> {
        Some(Handle { slot, id: self.at(slot)?.id })
    }

    /// The group `name` in `parent`.
    ///
    /// # Errors
    /// `ENOENT`; `ENODEV` if `parent` was removed.
    pub fn find(&self, parent: Handle, name: &[u8]) -> Result<Handle, Errno> {
        let children = self.get(parent)?.children.iter();
        let mut groups = children.filter_map(|slot| self.handle(*slot));
        let is_it = |handle: &Handle| {
            self.at(handle.slot).is_some_and(|group| &*group.name == name)
        };
        groups.find(is_it).ok_or(Errno::ENOENT)
    }

    /// Where a child with this number stands, or would stand, in `group`.
    fn place(&self, group: &Group, id: u64) -> usize {
        let is_before =
            |slot: &u32| self.at(*slot).is_some_and(|group| group.id < id);
        group.children.partition_point(is_before)
    }

    /// The group above; the root is its own.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn parent(&self, handle: Handle) -> Result<Handle, Errno> {
        self.get(handle)?;
        self.handle(self.links.parent(handle.slot)).ok_or(Errno::ENODEV)
    }

    /// The children whose numbers are at least `least`, in order, with their
    /// slots.
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn children(
        &self,
        handle: Handle,
        least: u64,
    ) -> Result<impl Iterator<Item = (u32, &Group)>, Errno> {
        let group = self.get(handle)?;
        let children = &group.children[self.place(group, least)..];
        let with_slot = |slot: &u32| Some((*slot, self.at(*slot)?));
        Ok(children.iter().filter_map(with_slot))
    }

    /// The number of a group, as its directory has it.
    pub fn number(group: &Group) -> u64 {
        group.id
    }

    /// The path from the root: `/`, `/a/b`.
    pub fn path(&self, slot: u32) -> Vec<u8> {
        let mut path = Vec::with_capacity(self.path_length(slot));
        self.copy_path(slot, &mut path);
        path
    }

    /// Puts the path into `path`, which is empty, if there is room without
    /// allocating; gives its length.
    pub fn copy_path(&self, slot: u32, path: &mut Vec<u8>) -> usize {
        let length = self.path_length(slot);
        if length <= path.capacity() {
            self.put_path(slot, path);
        }
        length
    }

    fn path_length(&self, slot: u32) -> usize {
        let (mut length, mut here) = (0, slot);
        while let Some(group) = self.at(here).filter(|_| here != ROOT) {
            length += group.name.len() + 1;
            here = self.links.parent(here);
        }
        length.max(1)
    }

    fn put_path(&self, slot: u32, reversed: &mut Vec<u8>) {
        let mut here = slot;
        while let Some(group) = self.at(here).filter(|_| here != ROOT) {
            reversed.extend(group.name.iter().rev());
            reversed.push(b'/');
            here = self.links.parent(here);
        }
        if reversed.is_empty() {
            reversed.push(b'/');
        }
        reversed.reverse();
    }

    /// What a task that ends in the group keeps of it; nothing of a root.
    pub fn trail(&mut self, slot: u32) -> Option<Arc<Trail>> {
        let group = self.at(slot).filter(|_| slot != ROOT)?;
        if let Some(trail) = &group.trail {
            return Some(trail.clone());
        }
        let trail = Arc::new(Trail::new(self.path(slot)));
        self.linked(slot).trail = Some(trail.clone());
        Some(trail)
    }

    /// The lowest group that both are in.
    pub fn common_ancestor(&self, one: u32, other: u32) -> u32 {
        let mut here = one;
        while here != ROOT && !self.is_within(here, other) {
            here = self.links.parent(here);
        }
        here
    }

    /// Whether `slot` is `top` or below it.
    pub fn is_within(&self, top: u32, slot: u32) -> bool {
        let mut here = slot;
        while here != top {
            match self.at(here) {
                Some(_) if here != ROOT => here = self.links.parent(here),
                _ => return false,
            }
        }
        true
    }

    /// The next group of the tree below `top`, those above before those
    /// below; `None` after the last. `into` says whether to look below `at`.
    pub(super) fn next(&self, top: u32, at: u32, into: bool) -> Option<u32> {
        if into && let Some(first) = self.at(at)?.children.first() {
            return Some(*first);
        }
        let mut here = at;
        while here != top {
            let group = self.at(here)?;
            let parent = self.at(self.links.parent(here))?;
            let later = self.place(parent, group.id + 1);
            if let Some(next) = parent.children.get(later) {
                return Some(*next);
            }
            here = self.links.parent(here);
        }
        None
    }

    /// `top` and all groups below it, those above before those below.
    pub fn subtree(&self, top: u32) -> impl Iterator<Item = u32> {
        let next = move |at: &u32| self.next(top, *at, true);
        core::iter::successors(Some(top), next)
    }

    /// Renames a group. Only its name can change, not its place
    /// (SPECIFICATION.md V10).
    ///
    /// # Errors
    /// `ENOENT`; `EIO` for another parent; `EEXIST`; `EINVAL` for a newline.
    pub fn rename(
        &mut self,
        parent: Handle,
        name: &[u8],
        new_parent: Handle,
        new_name: &[u8],
    ) -> Result<(), Errno> {
        let handle = self.find(parent, name)?;
        if parent != new_parent {
            return Err(Errno::EIO);
        }
        check_name(new_name)?;
        if self.find(parent, new_name).is_ok() {
            return Err(Errno::EEXIST);
        }
        self.linked(handle.slot).name = new_name.into();
        Ok(())
    }

    /// Puts a new group, in the free slot `slot`, below `parent`.
    pub(super) fn insert(
        &mut self,
        parent: Handle,
        name: &[u8],
        slot: u32,
    ) -> Handle {
        let id = self.next_id;
        self.next_id += 1;
        self.count += 1;
        if self.groups.len() <= slot as usize {
            self.groups.resize_with(slot as usize + 1, || None);
        }
        self.groups[slot as usize] = Some(Group::new(id, name));
        self.links.set(slot, self.hierarchy, parent.slot);
        // Numbers grow, so the last one is the greatest.
        self.linked(parent.slot).children.push(slot);
        Handle { slot, id }
    }

    /// Takes a group without children out.
    pub(super) fn take(&mut self, handle: Handle) {
        let taken = self.groups[handle.slot as usize].take();
        let Some(taken) = taken else { return };
        if let Some(trail) = &taken.trail {
            trail.end();
        }
        self.count -= 1;
        let above = self.linked(self.links.parent(handle.slot));
        above.children.retain(|slot| *slot != handle.slot);
    }
}

/// Fails for a name that a group cannot have, since paths stand in lines.
pub(super) fn check_name(name: &[u8]) -> Result<(), Errno> {
    match name.contains(&b'\n') {
        true => Err(Errno::EINVAL),
        false => Ok(()),
    }
}
