//! Freezer groups, as the protocols see them: two bits and a counter.
//!
//! The tree of groups, its names and files are the cgroup's; here a group is
//! a number. Slots are never freed, so a task can look up its group without
//! a lock at any time (Linux needs RCU for this).
//!
//! Read next: `sweep.rs`.

use super::Freezer;
use super::count::barrier;
use super::host::{Host, Phase, Step};
use crate::sync::{AtomicU32, Ordering, const_new};

/// The group's own `freezer.state` asks for freezing.
pub const SELF_FREEZING: u32 = 1;
/// An ancestor asks for it.
pub const PARENT_FREEZING: u32 = 2;
/// Either of them.
pub(super) const FREEZING_BITS: u32 = SELF_FREEZING | PARENT_FREEZING;

/// A group's hot part.
pub(super) struct GroupSlot {
    /// `SELF_FREEZING`, `PARENT_FREEZING`. Written under the cgroup's mutex.
    pub(super) bits: AtomicU32,
    /// Members that are awake.
    pub(super) awake: AtomicU32,
}

impl GroupSlot {
    const_new! {
        pub(super) fn new() -> Self {
            Self { bits: AtomicU32::new(0), awake: AtomicU32::new(0) }
        }
    }
}

impl Freezer {
    pub(super) fn group_bits(&self, group: u32) -> u32 {
        self.groups[group as usize].bits.load(Ordering::Acquire)
    }

    /// Whether `group` or an ancestor asks for freezing.
    pub fn group_freezing(&self, group: u32) -> bool {
        self.group_bits(group) & FREEZING_BITS != 0
    }

    /// Whether `group` is freezing and none of its own members is awake.
    /// Descendants are the caller's matter.
    pub fn group_frozen(&self, group: u32) -> bool {
        let slot = &self.groups[group as usize];
        self.group_freezing(group) && slot.awake.load(Ordering::Acquire) == 0
    }

    /// Raises bits of `group` and asks its awake members to freeze. Returns
    /// at once; [`Host::group_quiet`] tells when the last has parked.
    ///
    /// Locks: the caller holds the cgroup's mutex.
    pub fn freeze_group<H: Host>(&self, host: &H, group: u32, bits: u32) {
        let slot = &self.groups[group as usize];
        if self.group_bits(group) & FREEZING_BITS == 0 {
            self.system_freezing_cnt.fetch_add(1, Ordering::Relaxed);
        }
        slot.bits.fetch_or(bits, Ordering::Relaxed);
        barrier::<H>(Step::RaiseBarrier);
        if slot.awake.load(Ordering::Acquire) == 0 {
            return;
        }
        host.for_each_awake(Phase::Kernel, |task| {
            if task.as_ref().group() == group {
                host.deliver(task, self.freeze_task(task.as_ref()));
            }
        });
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
        host.wake_refrigerated(|task| {
            task.as_ref().group() == group && !self.freezing(task.as_ref())
        });
    }
}
