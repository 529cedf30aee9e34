#![doc = include_str!("freezer/README.md")]

mod console;
mod count;
mod gate;
mod group;
mod helper;
mod host;
pub mod kthread;
mod life;
#[cfg(all(test, loom))]
mod model;
pub mod power;
pub mod stats;
mod sweep;
mod task;
#[cfg(all(test, not(loom)))]
mod tests;
mod transition;
pub mod wakeup;
pub mod work;

pub use console::{Line, Seconds};
pub use gate::KthreadStop;
pub use group::{
    FREEZING_BITS, LEASE_FREEZING, PARENT_FREEZING, SELF_FREEZING,
};
pub use helper::{Depth, Helpers};
pub use host::{Delivery, Host, Phase, Request, Step, System};
pub use sweep::{Outcome, Record};
pub use task::{Flags, Groups, Hierarchy, TaskFreezer};

use crate::sync::{
    AtomicBool, AtomicU32, GROUP_SLOTS, Ordering, array_of, const_new,
};
use group::GroupSlot;
use task::Word;

/// How long a phase may take unless `/sys/power/pm_freeze_timeout` says
/// otherwise.
pub const DEFAULT_FREEZE_TIMEOUT_MS: u32 = 20_000;

/// The freezer's state: one for the whole system.
///
/// The first four fields are read at every freeze point and written only by
/// a freeze or thaw; the counters change with every sleep and wake, so they
/// stand on cache lines of their own.
pub struct Freezer {
    /// How many reasons to freeze are in effect: one if `pm_freezing`, and
    /// one for each group with a freezing bit. Zero is the fast path.
    system_freezing_cnt: AtomicU32,
    /// User tasks freeze. Written under the system transition mutex.
    pm_freezing: AtomicBool,
    /// Kernel threads freeze too. Written under the same mutex.
    pm_nosig_freezing: AtomicBool,
    /// Freezable workqueues hold their works back. Same mutex.
    workqueue_freezing: AtomicBool,
    /// How long a phase may take, in milliseconds.
    pub freeze_timeout_ms: FreezeTimeout,
    /// Programs that the kernel itself starts.
    pub helpers: Helpers,
    /// User tasks that are awake.
    users: Counter,
    /// Freezable kernel threads that are awake, and active freezable works.
    kernel: Counter,
    /// Active freezable works alone, for the report.
    works: AtomicU32,
    /// Freezer groups; the root group, 0, never freezes.
    groups: [GroupSlot; GROUP_SLOTS],
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
struct Counter(AtomicU32);

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
                helpers: Helpers::new(),
                users: Counter(AtomicU32::new(0)),
                kernel: Counter(AtomicU32::new(0)),
                works: AtomicU32::new(0),
                groups: array_of!(GROUP_SLOTS, GroupSlot::new()),
            }
        }
    }

    /// The system-wide counter in which a task with this word stands.
    #[inline]
    fn awake(&self, word: Word) -> &AtomicU32 {
        match word.has(Flags::KTHREAD) {
            true => &self.kernel.0,
            false => &self.users.0,
        }
    }
}

impl Default for Freezer {
    fn default() -> Self {
        Self::new()
    }
}
