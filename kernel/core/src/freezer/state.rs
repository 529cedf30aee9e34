//! The freezer's state: the flags of a system-wide freeze, the counters of
//! awake tasks, and the groups' bits and counters. The protocols over it are
//! in the files beside this one.
//!
//! Read next: `count.rs`.

use super::task::{Flags, Word};
use crate::sync::{
    AtomicBool, AtomicU32, GROUP_SLOTS, Ordering, array_of, const_new,
};

/// How long a phase may take unless `/sys/power/pm_freeze_timeout` says
/// otherwise.
pub const DEFAULT_FREEZE_TIMEOUT_MS: u32 = 20_000;

/// The group's own `freezer.state` asks for freezing.
pub const SELF_FREEZING: u32 = 1;
/// An ancestor asks for it.
pub const PARENT_FREEZING: u32 = 2;
/// Somebody holds a lease on it.
pub const LEASE_FREEZING: u32 = 4;
/// Any of them.
pub const FREEZING_BITS: u32 = SELF_FREEZING | PARENT_FREEZING | LEASE_FREEZING;
/// A fatal signal ends a frozen member at once.
pub(super) const KILL_FROZEN: u32 = 8;

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

/// The freezer's state: one for the whole system.
///
/// The first four fields are read at every freeze point and written only by
/// a freeze or thaw; the counters change with every sleep and wake, so they
/// stand on cache lines of their own.
pub struct Freezer {
    /// How many reasons to freeze are in effect: one if `pm_freezing`, and
    /// one for each group with a freezing bit. Zero is the fast path.
    pub(super) system_freezing_cnt: AtomicU32,
    /// User tasks freeze. Written under the system transition mutex.
    pub(super) pm_freezing: AtomicBool,
    /// Kernel threads freeze too. Written under the same mutex.
    pub(super) pm_nosig_freezing: AtomicBool,
    /// Freezable workqueues hold their works back. Same mutex.
    pub(super) workqueue_freezing: AtomicBool,
    /// How long a phase may take, in milliseconds.
    pub freeze_timeout_ms: FreezeTimeout,
    /// User tasks that are awake.
    pub(super) users: Counter,
    /// Freezable kernel threads that are awake, and active freezable works.
    pub(super) kernel: Counter,
    /// Active freezable works alone, for the report.
    pub(super) works: AtomicU32,
    /// Freezer groups; the root group, 0, never freezes.
    pub(super) groups: [GroupSlot; GROUP_SLOTS],
}

/// How long a phase may take, in milliseconds. Kept as its difference from
/// the default, so that a new freezer, with its thousands of groups, is all
/// zeros and takes no room in the kernel's image.
pub struct FreezeTimeout(AtomicU32);

impl FreezeTimeout {
    /// The milliseconds.
    pub fn load(&self, order: Ordering) -> u32 {
        self.0.load(order) ^ DEFAULT_FREEZE_TIMEOUT_MS
    }

    /// Sets the milliseconds.
    pub fn store(&self, timeout_ms: u32, order: Ordering) {
        self.0.store(timeout_ms ^ DEFAULT_FREEZE_TIMEOUT_MS, order);
    }
}

/// A counter on its own cache line.
#[repr(align(64))]
pub(super) struct Counter(pub(super) AtomicU32);

impl Freezer {
    const_new! {
        /// A freezer with nothing frozen and nobody counted.
        pub fn new() -> Self {
            Self {
                system_freezing_cnt: AtomicU32::new(0),
                pm_freezing: AtomicBool::new(false),
                pm_nosig_freezing: AtomicBool::new(false),
                workqueue_freezing: AtomicBool::new(false),
                freeze_timeout_ms: FreezeTimeout(AtomicU32::new(0)),
                users: Counter(AtomicU32::new(0)),
                kernel: Counter(AtomicU32::new(0)),
                works: AtomicU32::new(0),
                groups: array_of!(GROUP_SLOTS, GroupSlot::new()),
            }
        }
    }

    /// The system-wide counter in which a task with this word stands.
    #[inline]
    pub(super) fn awake(&self, word: Word) -> &AtomicU32 {
        match word.has(Flags::KTHREAD) {
            true => &self.kernel.0,
            false => &self.users.0,
        }
    }

    /// What is asked of `group`.
    pub(super) fn group_bits(&self, group: u32) -> u32 {
        self.groups[group as usize].bits.load(Ordering::Acquire)
    }
}

impl Default for Freezer {
    fn default() -> Self {
        Self::new()
    }
}
