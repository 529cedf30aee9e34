//! Freezer groups, as the protocols see them: some bits and two counters.
//!
//! The tree of groups, its names and files are the cgroup's; here a group is
//! a number. Slots are never freed, so a task can look up its groups without
//! a lock at any time (Linux needs RCU for this). The number of a group that
//! was removed may be given to another; a counter change that is still under
//! way then reaches the wrong group, and is undone by its own second half.
//!
//! Read next: `sweep.rs`.

use super::Freezer;
use super::count::barrier;
use super::host::{Host, Phase, Request, Step};
use super::task::{Flags, Groups, Word};
use crate::sync::{AtomicU32, Ordering, const_new};

/// The group's own `freezer.state` asks for freezing.
pub const SELF_FREEZING: u32 = 1;
/// An ancestor asks for it.
pub const PARENT_FREEZING: u32 = 2;
/// Somebody holds a lease on it.
pub const LEASE_FREEZING: u32 = 4;
/// Any of them.
pub const FREEZING_BITS: u32 = SELF_FREEZING | PARENT_FREEZING | LEASE_FREEZING;
/// A fatal signal ends a frozen member at once.
const KILL_FROZEN: u32 = 8;

/// A group's hot part.
pub(super) struct GroupSlot {
    /// [`FREEZING_BITS`] and `KILL_FROZEN`. Written under the cgroup's lock.
    pub(super) bits: AtomicU32,
    /// Members that are awake.
    pub(super) awake: AtomicU32,
    /// All members.
    pub(super) members: AtomicU32,
}

impl GroupSlot {
    const_new! {
        pub(super) fn new() -> Self {
            Self {
                bits: AtomicU32::new(0),
                awake: AtomicU32::new(0),
                members: AtomicU32::new(0),
            }
        }
    }
}

impl Freezer {
    pub(super) fn group_bits(&self, group: u32) -> u32 {
        self.groups[group as usize].bits.load(Ordering::Acquire)
    }

    /// Whether a group holds a task with this word.
    pub(super) fn groups_hold(&self, word: Word) -> bool {
        if word.groups() == Groups::ROOT || word.has(Flags::KILLED) {
            return false;
        }
        word.groups().each().any(|group| {
            let bits = self.group_bits(group);
            let lets_die = word.has(Flags::DYING) && bits & KILL_FROZEN != 0;
            bits & FREEZING_BITS != 0 && !lets_die
        })
    }

    /// How many tasks are in `group` itself.
    pub fn group_members(&self, group: u32) -> u32 {
        self.groups[group as usize].members.load(Ordering::Acquire)
    }

    /// Whether none of the group's own members is awake.
    pub fn group_quiet(&self, group: u32) -> bool {
        self.groups[group as usize].awake.load(Ordering::Acquire) == 0
    }

    /// Whether `group` or an ancestor asks for freezing.
    pub fn group_freezing(&self, group: u32) -> bool {
        self.group_bits(group) & FREEZING_BITS != 0
    }

    /// Whether `group` is freezing and none of its own members is awake.
    /// Descendants are the caller's matter.
    pub fn group_frozen(&self, group: u32) -> bool {
        self.group_freezing(group) && self.group_quiet(group)
    }

    /// Raises bits of `group` and asks its awake members to freeze. Returns
    /// at once; [`Host::group_quiet`] tells when the last has parked. The
    /// number of requests sent.
    ///
    /// Locks: the caller holds the cgroup's lock.
    pub fn freeze_group<H: Host>(
        &self,
        host: &H,
        group: u32,
        bits: u32,
    ) -> u32 {
        let slot = &self.groups[group as usize];
        if self.group_bits(group) & FREEZING_BITS == 0 {
            self.system_freezing_cnt.fetch_add(1, Ordering::Relaxed);
        }
        slot.bits.fetch_or(bits, Ordering::Relaxed);
        barrier::<H>(Step::RaiseBarrier);
        let mut signalled = 0;
        if slot.awake.load(Ordering::Acquire) == 0 {
            return signalled;
        }
        host.for_each_awake(Phase::Kernel, |task| {
            if task.as_ref().groups().contains(group) {
                let request = self.freeze_task(task.as_ref());
                signalled += u32::from(request != Request::NotRequested);
                host.deliver(task, request);
            }
        });
        signalled
    }

    /// Clears bits of `group`; its frozen members wake if nothing else holds
    /// them. Locks as [`Freezer::freeze_group`].
    pub fn thaw_group<H: Host>(&self, host: &H, group: u32, bits: u32) {
        let slot = &self.groups[group as usize];
        let before = slot.bits.fetch_and(!bits, Ordering::Release);
        if before & FREEZING_BITS == 0 || self.group_freezing(group) {
            return;
        }
        self.system_freezing_cnt.fetch_sub(1, Ordering::Release);
        self.wake_members(host, group);
    }

    /// Says whether a fatal signal ends a frozen member of `group` at once.
    /// Locks as [`Freezer::freeze_group`].
    pub fn set_kill_frozen<H: Host>(&self, host: &H, group: u32, kills: bool) {
        let bits = &self.groups[group as usize].bits;
        match kills {
            true => bits.fetch_or(KILL_FROZEN, Ordering::Release),
            false => bits.fetch_and(!KILL_FROZEN, Ordering::Release),
        };
        if kills {
            self.wake_members(host, group);
        }
    }

    /// Wakes frozen members that nothing holds. A group without members costs
    /// one load: a tree has many of them.
    fn wake_members<H: Host>(&self, host: &H, group: u32) {
        if self.group_members(group) == 0 {
            return;
        }
        host.wake_refrigerated(|task| {
            task.as_ref().groups().contains(group)
                && !self.freezing(task.as_ref())
        });
    }
}
