//! What the freezer keeps in each task: one atomic word.
//!
//! The low half holds Linux's `PF_*` flags, the high half the task's freezer
//! groups, one of each hierarchy. They share one word so that one atomic step
//! reads all: whoever changes one knows which counters the task stood in at
//! that moment, even while another CPU moves the task to another group.
//!
//! ```text
//!  63       48 47       32 31                                   0
//! +-----------+-----------+--------------------------------------+
//! | v2 group  | v1 group  | SUSPEND_TASK SKIP ... FROZEN NOFREEZE |
//! +-----------+-----------+--------------------------------------+
//! ```
//!
//! Read next: `record.rs`; `count.rs` changes the word.

use bitflags::bitflags;

use crate::sync::{AtomicU64, Ordering, const_new};

bitflags! {
    /// Linux's per-task flags that concern the freezer, with its values
    /// (include/linux/sched.h).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// `PF_EXITING`: the task has begun to exit and takes no signal.
        const EXITING = 0x4;
        /// `PF_WQ_WORKER`: runs the works of a workqueue.
        const WQ_WORKER = 0x20;
        /// `PF_NOFREEZE`: never frozen. Kernel threads are born with it.
        const NOFREEZE = 0x8000;
        /// `PF_FROZEN`: in the refrigerator. Only the task itself writes it.
        const FROZEN = 0x1_0000;
        /// `PF_KTHREAD`: a kernel thread.
        const KTHREAD = 0x20_0000;
        /// `TIF_MEMDIE`: chosen by the out-of-memory killer; must run to die.
        /// Linux keeps it elsewhere, so `/proc/PID/stat` does not show it.
        const OOM_VICTIM = 0x100_0000;
        /// A fatal signal is on its way. Groups with `kill_frozen` let it
        /// run to its end. `/proc` does not show it either.
        const DYING = 0x200_0000;
        /// `cgroup.kill` ends it: no group holds it any more. `/proc`
        /// does not show it.
        const KILLED = 0x400_0000;
        /// Its tracer asks it to trap: no group of cgroup v2 holds it until it
        /// has. `/proc` does not show it.
        const TRAPPING = 0x800_0000;
        /// `PF_FREEZER_SKIP`: asleep where it counts as frozen.
        const SKIP = 0x4000_0000;
        /// `PF_SUSPEND_TASK`: the task that is freezing the others.
        const SUSPEND_TASK = 0x8000_0000;
    }
}

/// A task with any of these does not count as awake: it cannot be frozen, or
/// stands already where a freeze wants it.
const UNCOUNTED: Flags = Flags::NOFREEZE
    .union(Flags::FROZEN)
    .union(Flags::SKIP)
    .union(Flags::SUSPEND_TASK);

/// It is to die, for whatever reason.
pub(super) const ENDING: Flags =
    Flags::OOM_VICTIM.union(Flags::DYING).union(Flags::KILLED);

/// What `/proc/PID/stat` does not show.
const HIDDEN: Flags = ENDING.union(Flags::TRAPPING);

/// A hierarchy of groups. A task stands in one group of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hierarchy {
    /// That of cgroup v1's freezer.
    V1,
    /// That of cgroup v2.
    V2,
}

impl Hierarchy {
    const fn shift(self) -> u32 {
        match self {
            Self::V1 => 0,
            Self::V2 => 16,
        }
    }
}

/// A task's groups, one of each hierarchy. Group 0 is the root of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(u32);

impl Groups {
    /// The root of each hierarchy.
    pub const ROOT: Self = Self(0);

    /// The group in a hierarchy.
    #[inline]
    pub const fn of(self, hierarchy: Hierarchy) -> u32 {
        self.0 >> hierarchy.shift() & 0xffff
    }

    /// The same with another group in one hierarchy.
    #[must_use]
    pub const fn with(self, hierarchy: Hierarchy, group: u32) -> Self {
        let shift = hierarchy.shift();
        Self(self.0 & !(0xffff << shift) | (group & 0xffff) << shift)
    }

    /// The groups that are not a root.
    #[inline]
    pub(super) fn each(self) -> impl Iterator<Item = (Hierarchy, u32)> {
        let both = [Hierarchy::V1, Hierarchy::V2];
        both.into_iter()
            .map(move |it| (it, self.of(it)))
            .filter(|(_, group)| *group != 0)
    }

    /// Whether one of them is `group`, which is not 0.
    pub(super) fn contains(self, group: u32) -> bool {
        self.each().any(|(_, it)| it == group)
    }
}

/// A value of the word: flags and groups read in one step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(super) u64);

impl Word {
    pub(super) fn new(flags: Flags, groups: Groups) -> Self {
        Self(u64::from(flags.bits()) | u64::from(groups.0) << 32)
    }

    pub(super) fn flags(self) -> Flags {
        Flags::from_bits_retain(self.0 as u32)
    }

    pub(super) fn has(self, flag: Flags) -> bool {
        self.flags().intersects(flag)
    }

    pub(super) fn groups(self) -> Groups {
        Groups((self.0 >> 32) as u32)
    }

    /// In the refrigerator, or asleep where it counts as frozen.
    pub(super) fn stands_still(self) -> bool {
        self.has(Flags::FROZEN | Flags::SKIP)
    }

    pub(super) fn is_awake(self) -> bool {
        !self.has(UNCOUNTED)
    }
}

/// The freezer's part of a task. Embed one in every task.
///
/// Flags are written by the task itself, except that the out-of-memory
/// killer marks its victim and that the parent fills in its child's.
pub struct TaskFreezer {
    pub(super) word: AtomicU64,
}

impl TaskFreezer {
    const_new! {
        /// A task that is not born yet: no flag but `NOFREEZE`, root group.
        /// Nobody counts it until [`Freezer::born`](super::Freezer::born).
        pub fn new() -> Self {
            Self { word: AtomicU64::new(Flags::NOFREEZE.bits() as u64) }
        }
    }

    pub(super) fn load(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    /// The flags of this moment.
    pub fn flags(&self) -> Flags {
        self.load().flags()
    }

    /// The flags as field 9 of `/proc/PID/stat` shows them.
    pub fn stat_flags(&self) -> u32 {
        self.flags().difference(HIDDEN).bits()
    }

    /// The task's groups.
    pub fn groups(&self) -> Groups {
        self.load().groups()
    }

    /// It was asked to trap and has not yet.
    pub fn is_trapping(&self) -> bool {
        self.load().has(Flags::TRAPPING)
    }

    /// In the refrigerator (Linux `frozen`).
    pub fn frozen(&self) -> bool {
        self.load().has(Flags::FROZEN)
    }

    /// Whether the task does nothing until it is woken: it is in the
    /// refrigerator, or asleep where it counts as frozen (Linux `frozen`,
    /// `freezer_should_skip`).
    ///
    /// This is a hint, for reports. Who must not miss a waker asks the counts,
    /// which carry the barriers.
    pub fn stands_still(&self) -> bool {
        self.load().stands_still()
    }
}

impl Default for TaskFreezer {
    fn default() -> Self {
        Self::new()
    }
}
