//! Freezer groups, as the protocols see them: some bits and two counters.
//!
//! The tree of groups, its names and files are the cgroup's; here a group is
//! a number. Slots are never freed, so a task can look up its groups without
//! a lock at any time (Linux needs RCU for this). The number of a group that
//! was removed may be given to another; a counter change that is still under
//! way then reaches the wrong group, and is undone by its own second half.
//!
//! Read next: `sweep.rs`.

use super::host::{Host, Request, Step, barrier};
use super::record::Phase;
use super::state::{FREEZING_BITS, Freezer, KILL_FROZEN};
use crate::sync::Ordering;

impl Freezer {
    /// Which of [`FREEZING_BITS`] are raised in `group`.
    pub fn group_requests(&self, group: u32) -> u32 {
        self.group_bits(group) & FREEZING_BITS
    }

    /// Whether a fatal signal ends a frozen member of `group` at once.
    pub fn kills_frozen(&self, group: u32) -> bool {
        self.group_bits(group) & KILL_FROZEN != 0
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
        self.group_requests(group) != 0
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
        if !self.group_freezing(group) {
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
