//! States: requests, their way down the tree, and `FROZEN`.
//!
//! Read next: `cgroup/populated.rs`, then `cgroup/request.rs`.

use kernel_abi::Errno;

use super::tree::{Handle, ROOT, Tree, check_name};
use crate::freezer::{
    Hierarchy, LEASE_FREEZING, PARENT_FREEZING, SELF_FREEZING,
};

/// What `freezer.state` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody asks for freezing.
    Thawed,
    /// Somebody does, and not all stand still yet.
    Freezing,
    /// All stand still.
    Frozen,
}

impl State {
    /// The line that is read.
    pub const fn line(self) -> &'static str {
        match self {
            Self::Thawed => "THAWED\n",
            Self::Freezing => "FREEZING\n",
            Self::Frozen => "FROZEN\n",
        }
    }
}

/// The freezer of tasks, as a tree of groups sees it. Groups are slots. What
/// it keeps of a group, nobody else does.
pub trait Engine {
    /// The bits of a group that are raised; none for a root.
    fn bits(&self, group: u32) -> u32;
    /// Raises bits of a group and asks its awake members to freeze; the
    /// number of requests.
    fn freeze(&self, group: u32, bits: u32) -> u32;
    /// Clears bits of a group and wakes the members that nothing holds.
    fn thaw(&self, group: u32, bits: u32);
    /// Whether a fatal signal ends a frozen member at once.
    fn kills_frozen(&self, group: u32) -> bool;
    /// Says whether it does.
    fn set_kill_frozen(&self, group: u32, kills: bool);
    /// Whether the release agent is wanted when the group runs empty.
    fn notifies_release(&self, group: u32) -> bool;
    /// Says whether it is; one that was wanted already is not any more.
    fn set_notify_on_release(&self, group: u32, asks: bool);
    /// Since when none of the group's own members is awake; `None` if one
    /// is.
    fn quiet_since_ns(&self, group: u32) -> Option<u64>;
    /// The number of the group's own members.
    fn members(&self, group: u32) -> u32;
    /// The clock.
    fn now_ns(&self) -> u64;
    /// Whether the group reads as frozen has changed just now; or it will not,
    /// although that was asked for.
    fn frozen_changed(&self, group: u32);
}

impl Tree {
    /// Makes the group `name` in `parent`, in the free slot `slot`. Under a
    /// freezing parent it is frozen from the start (SPECIFICATION.md V2). In
    /// cgroup v2 a fatal signal ends a frozen task.
    ///
    /// # Errors
    /// `EEXIST`; `EINVAL` for a newline; `ENODEV` if `parent` was removed.
    /// Nothing is said of the slot then.
    pub fn make(
        &mut self,
        parent: Handle,
        name: &[u8],
        slot: u32,
        engine: &impl Engine,
    ) -> Result<Handle, Errno> {
        check_name(name)?;
        let clone_children = self.get(parent)?.clone_children;
        if self.find(parent, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        let is_v1 = self.hierarchy == Hierarchy::V1;
        let handle = self.insert(parent, name, slot);
        self.linked(slot).clone_children = clone_children;
        let notifies = is_v1 && engine.notifies_release(parent.slot);
        engine.set_notify_on_release(slot, notifies);
        engine.set_kill_frozen(slot, !is_v1);
        if engine.bits(parent.slot) != 0 {
            self.set(slot, PARENT_FREEZING, engine);
            let now_ns = engine.now_ns();
            let group = self.linked(slot);
            group.figures.reached(now_ns);
            group.is_frozen = true;
        }
        Ok(handle)
    }

    /// Removes the group `name` from `parent` and gives its slot, which is
    /// free now (SPECIFICATION.md V10).
    ///
    /// # Errors
    /// `ENOENT`; `EBUSY` if it has tasks, frozen or not, or groups.
    pub fn remove(
        &mut self,
        parent: Handle,
        name: &[u8],
        engine: &impl Engine,
    ) -> Result<u32, Errno> {
        let handle = self.find(parent, name)?;
        let group = self.get(handle)?;
        if !group.children.is_empty() || engine.members(handle.slot) != 0 {
            return Err(Errno::EBUSY);
        }
        self.take(handle);
        engine.set_notify_on_release(handle.slot, false);
        let bits = engine.bits(handle.slot);
        if bits != 0 {
            engine.thaw(handle.slot, bits);
        }
        Ok(handle.slot)
    }

    /// The group's own request: `FROZEN` or `THAWED`. Returns at once
    /// (SPECIFICATION.md V4); groups below follow (SPECIFICATION.md V6, V7).
    ///
    /// # Errors
    /// `ENODEV`; `EINVAL` for the root, which never freezes.
    pub fn request(
        &mut self,
        handle: Handle,
        freezes: bool,
        engine: &impl Engine,
    ) -> Result<(), Errno> {
        if handle.slot == ROOT {
            return Err(Errno::EINVAL);
        }
        self.get_mut(handle)?.requests += 1;
        let before = engine.bits(handle.slot);
        self.change(handle.slot, SELF_FREEZING, freezes, engine);
        let after = engine.bits(handle.slot);
        if before != after && (before == 0) == (after == 0) {
            // Somebody else holds it as it is: there is nothing to wait for.
            engine.frozen_changed(handle.slot);
        }
        Ok(())
    }

    /// Takes back a request that came too late, the `requests`-th: unless
    /// somebody has made another since.
    pub fn roll_back(
        &mut self,
        handle: Handle,
        requests: u64,
        engine: &impl Engine,
    ) {
        if self.get(handle).is_ok_and(|group| group.requests == requests) {
            self.change(handle.slot, SELF_FREEZING, false, engine);
        }
    }

    /// Somebody holds one lease more on the group. Leases count.
    ///
    /// # Errors
    /// As [`Tree::request`].
    pub fn add_lease(
        &mut self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<(), Errno> {
        if handle.slot == ROOT {
            return Err(Errno::EINVAL);
        }
        self.get_mut(handle)?.leases += 1;
        self.change(handle.slot, LEASE_FREEZING, true, engine);
        Ok(())
    }

    /// A lease is given back; without effect if the group is gone.
    pub fn drop_lease(&mut self, handle: Handle, engine: &impl Engine) {
        let Ok(group) = self.get_mut(handle) else { return };
        group.leases = group.leases.saturating_sub(1);
        if group.leases == 0 {
            self.change(handle.slot, LEASE_FREEZING, false, engine);
        }
    }

    /// Whether the group itself asks for freezing (`self_freezing`), and
    /// whether an ancestor does (`parent_freezing`).
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn requests(
        &self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<[bool; 2], Errno> {
        self.get(handle)?;
        let bits = engine.bits(handle.slot);
        Ok([bits & SELF_FREEZING != 0, bits & PARENT_FREEZING != 0])
    }

    /// The state. Finds out whether `FROZEN` is reached (SPECIFICATION.md V4, V5).
    ///
    /// # Errors
    /// `ENODEV`.
    pub fn state(
        &mut self,
        handle: Handle,
        engine: &impl Engine,
    ) -> Result<State, Errno> {
        let group = self.get(handle)?;
        if group.is_frozen {
            return Ok(State::Frozen);
        }
        if engine.bits(handle.slot) == 0 {
            return Ok(State::Thawed);
        }
        Ok(match self.refresh(handle.slot, engine) {
            true => State::Frozen,
            false => State::Freezing,
        })
    }

    /// A task joins the group: `FROZEN` must be found anew, here and above
    /// (SPECIFICATION.md V8). The caller then moves the task, and asks it.
    pub fn joined(&mut self, slot: u32, engine: &impl Engine) {
        let mut here = slot;
        while here != ROOT {
            let group = self.linked(here);
            if group.is_frozen {
                group.is_frozen = false;
                group.figures.left(engine.now_ns());
                engine.frozen_changed(here);
            }
            here = self.links.parent(here);
        }
    }

    /// Whether the release agent is to be started for a group in which the
    /// last task or group has ended.
    pub fn is_released(&self, slot: u32, engine: &impl Engine) -> bool {
        self.at(slot).is_some_and(|group| {
            slot != ROOT
                && engine.notifies_release(slot)
                && group.children.is_empty()
                && engine.members(slot) == 0
        })
    }

    /// Sets or clears a bit of a group, and lets those below follow.
    fn change(
        &mut self,
        slot: u32,
        bit: u32,
        freezes: bool,
        engine: &impl Engine,
    ) {
        if !freezes && engine.bits(slot) == bit {
            // What is thawed now is asked a last time, for the figures.
            self.refresh(slot, engine);
        }
        let mut into = match freezes {
            true => self.set(slot, bit, engine),
            false => self.clear(slot, bit, engine),
        };
        let mut at = slot;
        while let Some(next) = self.next(slot, at, into) {
            into = match freezes {
                true => self.set(next, PARENT_FREEZING, engine),
                false => self.clear(next, PARENT_FREEZING, engine),
            };
            at = next;
        }
    }

    /// Sets a bit of one group. True if it was not freezing before, so that
    /// the groups below must follow.
    fn set(&mut self, slot: u32, bit: u32, engine: &impl Engine) -> bool {
        let before = engine.bits(slot);
        if before & bit != 0 {
            return false;
        }
        if before == 0 {
            self.linked(slot).figures.asked(engine.now_ns());
        }
        let signalled = engine.freeze(slot, bit);
        if before == 0 {
            let members = engine.members(slot);
            self.linked(slot).figures.sent(signalled, members);
        }
        before == 0
    }

    /// Clears a bit of one group. True if it is not freezing any more.
    fn clear(&mut self, slot: u32, bit: u32, engine: &impl Engine) -> bool {
        let before = engine.bits(slot);
        if before & bit == 0 {
            return false;
        }
        let is_thawed = before & !bit == 0;
        let mut was_frozen = false;
        if is_thawed {
            let group = self.linked(slot);
            was_frozen = core::mem::take(&mut group.is_frozen);
            group.figures.left(engine.now_ns());
        }
        engine.thaw(slot, bit);
        if was_frozen {
            engine.frozen_changed(slot);
        }
        is_thawed
    }

    /// Finds the groups that are frozen, from the bottom up; whether `top`
    /// is one of them. Costs a step for each group, none for each task.
    fn refresh(&mut self, top: u32, engine: &impl Engine) -> bool {
        let mut at = self.lowest(top);
        loop {
            self.refresh_one(at, engine);
            if at == top {
                return self.linked(top).is_frozen;
            }
            at = match self.next(top, at, false) {
                Some(next) if self.is_sibling(next, at) => self.lowest(next),
                _ => self.links.parent(at),
            };
        }
    }

    /// The group may be frozen now, for its last awake task has parked: finds
    /// out about it, and about those above as far as it can matter to them.
    pub fn settle(&mut self, slot: u32, engine: &impl Engine) {
        let mut here = slot;
        while here != ROOT {
            self.refresh_one(here, engine);
            if !self.at(here).is_some_and(|group| group.is_frozen) {
                return;
            }
            here = self.links.parent(here);
        }
    }

    fn is_sibling(&self, one: u32, other: u32) -> bool {
        self.links.parent(one) == self.links.parent(other)
    }

    /// The first group without children on the way down from `slot`.
    fn lowest(&self, slot: u32) -> u32 {
        let first = |slot: &u32| self.at(*slot)?.children.first();
        core::iter::successors(Some(&slot), |slot| first(slot))
            .last()
            .copied()
            .unwrap_or(slot)
    }

    /// Finds out about one group, whose children are known.
    fn refresh_one(&mut self, slot: u32, engine: &impl Engine) {
        let Some(group) = self.at(slot) else { return };
        if group.is_frozen || engine.bits(slot) == 0 {
            return;
        }
        let Some(mut since_ns) = engine.quiet_since_ns(slot) else { return };
        for child in &group.children {
            match self.at(*child) {
                Some(child) if child.is_frozen => {
                    since_ns = since_ns.max(child.figures.frozen_at_ns());
                }
                _ => return,
            }
        }
        let group = self.linked(slot);
        group.figures.reached(since_ns);
        group.is_frozen = true;
        engine.frozen_changed(slot);
    }
}
