//! A freezer of tasks that takes notes, and a tree with short words for it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use kernel_abi::Errno;

use crate::cgroup::{Engine, Handle, Links, ROOT_HANDLE, Slots, State, Tree};
use crate::freezer::Hierarchy;

/// Bits and members by slot.
#[derive(Default)]
pub struct Fake {
    pub bits: RefCell<BTreeMap<u32, u32>>,
    /// Groups in which a fatal signal ends frozen tasks, and those that want
    /// their release agent.
    pub killing: RefCell<BTreeSet<u32>>,
    pub asking: RefCell<BTreeSet<u32>>,
    /// All members, and those that are awake.
    pub members: RefCell<BTreeMap<u32, (u32, u32)>>,
    /// Groups asked about since the last look.
    pub asked: Cell<u32>,
    /// Groups whose members were counted since the last look.
    pub counted: Cell<u32>,
    pub clock_ns: Cell<u64>,
    /// Groups that were told of since the last look.
    pub told: RefCell<Vec<u32>>,
}

fn put(set: &RefCell<BTreeSet<u32>>, group: u32, is_in: bool) {
    match is_in {
        true => set.borrow_mut().insert(group),
        false => set.borrow_mut().remove(&group),
    };
}

impl Engine for Fake {
    fn bits(&self, group: u32) -> u32 {
        self.bits.borrow().get(&group).copied().unwrap_or(0)
    }

    fn kills_frozen(&self, group: u32) -> bool {
        self.killing.borrow().contains(&group)
    }

    fn set_kill_frozen(&self, group: u32, kills: bool) {
        put(&self.killing, group, kills);
    }

    fn notifies_release(&self, group: u32) -> bool {
        self.asking.borrow().contains(&group)
    }

    fn set_notify_on_release(&self, group: u32, asks: bool) {
        put(&self.asking, group, asks);
    }

    fn freeze(&self, group: u32, bits: u32) -> u32 {
        *self.bits.borrow_mut().entry(group).or_default() |= bits;
        self.count(group).1
    }

    fn thaw(&self, group: u32, bits: u32) {
        *self.bits.borrow_mut().entry(group).or_default() &= !bits;
    }

    fn quiet_since_ns(&self, group: u32) -> Option<u64> {
        self.asked.set(self.asked.get() + 1);
        (self.count(group).1 == 0).then(|| self.clock_ns.get())
    }

    fn members(&self, group: u32) -> u32 {
        self.counted.set(self.counted.get() + 1);
        self.count(group).0
    }

    fn now_ns(&self) -> u64 {
        self.clock_ns.get()
    }

    fn frozen_changed(&self, group: u32) {
        self.told.borrow_mut().push(group);
    }
}

impl Fake {
    fn count(&self, group: u32) -> (u32, u32) {
        self.members.borrow().get(&group).copied().unwrap_or((0, 0))
    }

    /// The number of groups with any bit: what `system_freezing_cnt` counts.
    pub fn conditions(&self) -> usize {
        self.bits.borrow().values().filter(|bits| **bits != 0).count()
    }
}

pub struct World {
    pub tree: Tree,
    pub slots: Slots,
    pub fake: Fake,
}

impl World {
    pub fn new() -> Self {
        Self::of(Hierarchy::V1)
    }

    pub fn of(hierarchy: Hierarchy) -> Self {
        let links = Box::leak(Box::new(Links::new()));
        Self {
            tree: Tree::new(hierarchy, links),
            slots: Slots::new(),
            fake: Fake::default(),
        }
    }

    pub fn make(&mut self, parent: Handle, name: &str) -> Handle {
        self.try_make(parent, name).unwrap()
    }

    pub fn try_make(
        &mut self,
        parent: Handle,
        name: &str,
    ) -> Result<Handle, Errno> {
        let slot = self.slots.allocate().unwrap();
        self.tree.make(parent, name.as_bytes(), slot, &self.fake)
    }

    /// A chain of groups below the root.
    pub fn chain(&mut self, names: &[&str]) -> Vec<Handle> {
        let mut parent = ROOT_HANDLE;
        let mut chain = Vec::new();
        for name in names {
            parent = self.make(parent, name);
            chain.push(parent);
        }
        chain
    }

    pub fn remove(&mut self, parent: Handle, name: &str) -> Result<(), Errno> {
        let slot = self.tree.remove(parent, name.as_bytes(), &self.fake)?;
        self.slots.free(slot);
        Ok(())
    }

    pub fn freeze(&mut self, group: Handle) {
        self.tree.request(group, true, &self.fake).unwrap();
    }

    pub fn thaw(&mut self, group: Handle) {
        self.tree.request(group, false, &self.fake).unwrap();
    }

    pub fn state(&mut self, group: Handle) -> State {
        self.tree.state(group, &self.fake).unwrap()
    }

    /// `self_freezing` and `parent_freezing`.
    pub fn requests(&self, group: Handle) -> [bool; 2] {
        self.tree.requests(group, &self.fake).unwrap()
    }

    /// So many tasks are in the group, and so many of them awake.
    pub fn tasks(&self, group: Handle, all: u32, awake: u32) {
        self.fake.members.borrow_mut().insert(group.slot, (all, awake));
    }

    /// A task joins, as the kernel's attach does it.
    pub fn join(&mut self, group: Handle, awake: u32) {
        self.tree.joined(group.slot, &self.fake);
        let mut members = self.fake.members.borrow_mut();
        let count = members.entry(group.slot).or_default();
        *count = (count.0 + 1, count.1 + awake);
    }

    pub fn figures(&self, group: Handle) -> String {
        let group = self.tree.get(group).unwrap();
        group.figures.show(self.fake.clock_ns.get()).to_string()
    }
}
