//! Scheduling policies: `SCHED_OTHER` and its kin share by weight, `SCHED_FIFO`
//! and `SCHED_RR` go before them by priority.
//!
//! | policy | order | turn |
//! |---|---|---|
//! | `Fifo` | by priority, then by arrival | until it sleeps or yields |
//! | `RoundRobin` | as `Fifo` | [`ROUND_ROBIN_NS`], then behind its equals |
//! | `Other` | by virtual run time | a share of the latency |
//! | `Batch` | as `Other`, but preempts nobody when it wakes | as `Other` |
//! | `Idle` | as `Other`, with next to no weight | as `Other` |
//!
//! Read next: `throttle.rs`, how the first two leave something for the others.

use kernel_abi::Errno;

use super::weight::NICE_MIN;

/// The highest priority of a real-time policy; the lowest is 1.
pub const PRIORITY_MAX: u8 = 99;
/// How long a task of `SCHED_RR` runs while its equals wait.
pub const ROUND_ROBIN_NS: u64 = 100_000_000;

/// How a task is scheduled (sched(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Policy {
    /// `SCHED_OTHER`.
    Other = 0,
    /// `SCHED_FIFO`.
    Fifo = 1,
    /// `SCHED_RR`.
    RoundRobin = 2,
    /// `SCHED_BATCH`.
    Batch = 3,
    /// `SCHED_IDLE`.
    Idle = 5,
}

impl Policy {
    /// The policy with Linux's number; none for `SCHED_DEADLINE` (6).
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Policy::Other),
            1 => Some(Policy::Fifo),
            2 => Some(Policy::RoundRobin),
            3 => Some(Policy::Batch),
            5 => Some(Policy::Idle),
            _ => None,
        }
    }

    /// Whether it goes before those that share by weight.
    pub const fn is_real_time(self) -> bool {
        matches!(self, Policy::Fifo | Policy::RoundRobin)
    }

    /// The lowest and the highest priority it takes.
    pub const fn priorities(self) -> (u8, u8) {
        match self.is_real_time() {
            true => (1, PRIORITY_MAX),
            false => (0, 0),
        }
    }
}

/// What `sched_setscheduler(2)` and its kin set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes {
    /// How it is scheduled.
    pub policy: Policy,
    /// 1 to 99 with a real-time policy, else 0.
    pub priority: u8,
    /// -20 to 19; kept while the policy does not use it.
    pub nice: i8,
    /// Its children begin with an ordinary policy and no favour
    /// (`SCHED_RESET_ON_FORK`).
    pub resets_on_fork: bool,
}

impl Attributes {
    /// An ordinary task with this nice value.
    pub const fn ordinary(nice: i8) -> Self {
        Self { policy: Policy::Other, priority: 0, nice, resets_on_fork: false }
    }

    /// What a child begins with.
    pub fn of_child(self) -> Self {
        if !self.resets_on_fork {
            return self;
        }
        let is_real_time = self.policy.is_real_time();
        let policy = if is_real_time { Policy::Other } else { self.policy };
        let nice = if is_real_time { 0 } else { self.nice.max(0) };
        Self { policy, priority: 0, nice, resets_on_fork: false }
    }

    /// Whether policy and priority fit each other.
    ///
    /// # Errors
    /// `EINVAL` if they do not.
    pub fn check(self) -> Result<(), Errno> {
        let (least, most) = self.policy.priorities();
        match (least..=most).contains(&self.priority) {
            true => Ok(()),
            false => Err(Errno::EINVAL),
        }
    }

    /// Whether an unprivileged owner may go from `self` to `new`
    /// (sched(7), "Privileges and resource limits").
    ///
    /// # Errors
    /// `EPERM` if that needs `CAP_SYS_NICE`.
    pub fn check_change(self, new: Self, rights: Rights) -> Result<(), Errno> {
        let is_allowed = self.may_have_nice(new, rights)
            && self.may_have_priority(new, rights)
            && self.may_leave_idle(new, rights)
            && (new.resets_on_fork || !self.resets_on_fork);
        if is_allowed { Ok(()) } else { Err(Errno::EPERM) }
    }

    fn may_have_nice(self, new: Self, rights: Rights) -> bool {
        new.policy.is_real_time()
            || new.nice >= self.nice
            || rights.may_have_nice(new.nice)
    }

    /// With a limit of 0 it may keep its real-time policy and lower its
    /// priority, nothing else.
    fn may_have_priority(self, new: Self, rights: Rights) -> bool {
        if !new.policy.is_real_time() {
            return true;
        }
        let most = rights.real_time_priority;
        let keeps_policy = self.policy == new.policy || most != 0;
        let is_low =
            new.priority <= self.priority || u64::from(new.priority) <= most;
        keeps_policy && is_low
    }

    /// `SCHED_IDLE` is left only by who could have had its nice value.
    fn may_leave_idle(self, new: Self, rights: Rights) -> bool {
        self.policy != Policy::Idle
            || new.policy == Policy::Idle
            || rights.may_have_nice(self.nice)
    }
}

/// What `RLIMIT_NICE` and `RLIMIT_RTPRIO` of the task allow.
#[derive(Clone, Copy, Debug)]
pub struct Rights {
    /// `RLIMIT_NICE`: 20 less the best nice value.
    pub nice: u64,
    /// `RLIMIT_RTPRIO`: the highest priority.
    pub real_time_priority: u64,
}

impl Rights {
    /// Whether `RLIMIT_NICE` allows this nice value.
    pub fn may_have_nice(self, nice: i8) -> bool {
        let wanted = 20 - i64::from(nice.max(NICE_MIN));
        wanted.unsigned_abs() <= self.nice
    }
}
