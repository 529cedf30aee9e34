//! One task's account with the fair policy.
//!
//! An entity is guarded by the lock of the run queue its task is on (or last
//! was on). Virtual run times of two queues do not compare, so an entity that
//! leaves a queue remembers that queue's `min_vruntime`, and is placed on the
//! next one by the difference. A real-time task runs by priority and its
//! virtual run time stands still. Read next: `run_queue.rs`.

use super::favour::{Favour, SHARE};
use super::policy::{Attributes, PRIORITY_MAX, Policy, ROUND_ROBIN_NS};
use super::weight::{self, INVERSE_BITS, NICE_0_WEIGHT};

/// In this time every runnable task runs once, while they are few.
pub const LATENCY_NS: u64 = 6_000_000;
/// No slice is shorter, however many tasks wait.
pub const MIN_SLICE_NS: u64 = 1_000_000;
/// A woken sleeper is placed at most this far ahead of the others.
pub const SLEEPER_BONUS_NS: u64 = LATENCY_NS;
/// A woken task preempts only when it is owed at least this much.
pub const WAKEUP_GRANULARITY_NS: u64 = 1_000_000;
/// Nobody carries more debt than this to another queue.
const MAX_DEBT_NS: u64 = 8 * LATENCY_NS;
/// What a thawed task is owed counts in these units, about two short slices.
const OWED_UNIT_NS: i64 = 1 << 21;
/// What it owes counts in these, about the way into the refrigerator.
const DEBT_UNIT_NS: i64 = 1 << 14;
/// Keys of real-time tasks whose turn it is not begin here, behind every
/// virtual run time.
pub(super) const HELD_BACK: u64 = 1 << 63;

/// How a task comes to a run queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// Slept and wakes on the queue it left.
    Woken,
    /// Slept and wakes on another queue than that which it left.
    WokenElsewhere,
    /// Stood still in the refrigerator, which is no sleep: what it owed or was
    /// owed, it still is.
    Thawed,
    /// Is new; or was queued, on another queue, where `leave` was called.
    Moved,
}

/// A sleep that ends on a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sleep {
    /// `min_vruntime` of the queue.
    pub(super) queue_min: u64,
    /// How many wait there.
    pub(super) waiting: usize,
    pub(super) now_ns: u64,
    /// Whether it is the queue that was left.
    pub(super) is_same_queue: bool,
}

/// Virtual run time, weight and total run time of one task.
#[derive(Clone, Copy, Debug)]
pub struct Entity {
    vruntime: u64,
    /// `min_vruntime` of the queue it left last.
    base: u64,
    /// Since when the running task has not been charged.
    charged_ns: u64,
    total_ns: u64,
    inverse: u64,
    weight: u32,
    attributes: Attributes,
}

impl Entity {
    /// Becomes as `other` is. Field by field: of a whole structure of this
    /// size the compiler makes a call of `memcpy`, and every switch has two.
    #[inline(always)]
    pub fn assign(&mut self, other: &Self) {
        let Self { vruntime, base, charged_ns, total_ns, .. } = *other;
        self.vruntime = vruntime;
        self.base = base;
        self.charged_ns = charged_ns;
        self.total_ns = total_ns;
        self.inverse = other.inverse;
        self.weight = other.weight;
        self.attributes = other.attributes;
    }

    /// A task that never ran, to be placed as `Arrival::Moved`. It starts a
    /// slice behind the others, or forking would be a way to get more than
    /// one share.
    pub fn new(nice: i8) -> Self {
        let mut entity = Entity::idle();
        entity.set_attributes(Attributes::ordinary(nice));
        entity.vruntime = entity.weighted(MIN_SLICE_NS);
        entity
    }

    /// The account of a child that this running task, charged up to now, makes
    /// on a queue whose `min_vruntime` is `queue_min`. What the task owes, the
    /// child owes too; of what it is owed, the child gets half.
    pub fn fork(&mut self, queue_min: u64) -> Self {
        let mut child = Entity::idle();
        child.set_attributes(self.attributes.of_child());
        let half = queue_min.saturating_sub(self.vruntime) / 2;
        self.vruntime += half;
        let debt = self.vruntime.saturating_sub(queue_min);
        child.base = SLEEPER_BONUS_NS;
        child.vruntime = match half {
            0 => child.base + debt + child.weighted(MIN_SLICE_NS),
            credit => child.base.saturating_sub(credit),
        };
        child
    }

    /// The account of a CPU's idle task, which is never placed or charged.
    pub const fn idle() -> Self {
        Entity {
            vruntime: 0,
            base: 0,
            charged_ns: 0,
            total_ns: 0,
            inverse: 0,
            weight: 0,
            attributes: Attributes::ordinary(0),
        }
    }

    /// Nanoseconds of nice-0 time; meaningful only within one queue.
    pub fn vruntime(&self) -> u64 {
        self.vruntime
    }

    /// `min_vruntime` of the queue it left last.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// The share of a processor, relative to 1024 for nice 0.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// -20 (most favoured) to 19.
    pub fn nice(&self) -> i8 {
        self.attributes.nice
    }

    /// Policy, priority, nice value.
    pub fn attributes(&self) -> Attributes {
        self.attributes
    }

    /// Whether it goes before those that share by weight.
    #[inline]
    pub fn is_real_time(&self) -> bool {
        self.attributes.priority != 0
    }

    /// Where it stands in the order of a queue, the least first.
    #[inline]
    pub(super) fn key(&self, real_time_is_held_back: bool) -> u64 {
        if !self.is_real_time() {
            return self.vruntime;
        }
        let rank = u64::from(PRIORITY_MAX - self.attributes.priority);
        if real_time_is_held_back { HELD_BACK + rank } else { rank }
    }

    /// Nanoseconds run so far, as of the last `charge`.
    pub fn total_ns(&self) -> u64 {
        self.total_ns
    }

    /// Nanoseconds run until `now_ns`, for a task that is running.
    pub fn total_ns_at(&self, now_ns: u64) -> u64 {
        self.total_ns + now_ns.saturating_sub(self.charged_ns)
    }

    /// Changes the nice level. A running task is charged first; a queued one
    /// is removed first and pushed again, since the queue sums weights.
    pub fn set_nice(&mut self, nice: i8) {
        self.set_attributes(Attributes { nice, ..self.attributes });
    }

    /// Changes policy, priority and nice level, as [`Entity::set_nice`].
    pub fn set_attributes(&mut self, new: Attributes) {
        let nice = weight::clamp_nice(i32::from(new.nice));
        self.attributes = Attributes { nice, ..new };
        (self.weight, self.inverse) = match new.policy {
            // The virtual clock of a real-time task stands still.
            Policy::Fifo | Policy::RoundRobin => (weight::REAL_TIME, 0),
            Policy::Idle => (weight::IDLE, weight::inverse(weight::IDLE)),
            Policy::Other | Policy::Batch => {
                (weight::of_nice(nice), weight::inverse_of_nice(nice))
            }
        };
    }

    /// It is owed no more than a sleeper may be, whatever passed meanwhile.
    #[inline]
    pub fn catch_up(&mut self, queue_min: u64) {
        let floor = queue_min.saturating_sub(SLEEPER_BONUS_NS);
        self.vruntime = self.vruntime.max(floor);
    }

    /// Others pay for work that this task does for them.
    pub fn earn(&mut self, queue_min: u64, work_ns: u64) {
        let floor = queue_min.saturating_sub(SLEEPER_BONUS_NS);
        let earned = self.vruntime.saturating_sub(work_ns);
        self.vruntime = earned.max(floor.min(self.vruntime));
    }

    /// The task starts to run: from `now_ns` on it pays.
    #[inline]
    pub fn start(&mut self, now_ns: u64) {
        self.charged_ns = now_ns;
    }

    /// Bills a running task for the time since `start` or the last `charge`.
    /// Nothing, if that was charged up to a later time: whoever calls may
    /// have read the clock before it waited for the queue's lock.
    #[inline]
    pub fn charge(&mut self, now_ns: u64) {
        let delta = now_ns.saturating_sub(self.charged_ns);
        self.charged_ns += delta;
        self.total_ns += delta;
        self.vruntime = self.vruntime.saturating_add(self.weighted(delta));
    }

    /// Real nanoseconds of this task in virtual ones.
    #[inline]
    fn weighted(&self, delta_ns: u64) -> u64 {
        if self.weight == NICE_0_WEIGHT {
            return delta_ns;
        }
        let product = u128::from(delta_ns) * u128::from(self.inverse);
        (product >> (INVERSE_BITS - NICE_0_WEIGHT.ilog2())) as u64
    }

    /// The task leaves a queue, to sleep or for another queue, whose
    /// `RunQueue::min_vruntime` is now `queue_min`.
    #[inline]
    pub fn leave(&mut self, queue_min: u64) {
        self.base = queue_min;
    }

    /// Sets the virtual run time for its arrival, without a sleep, at a queue
    /// whose `min_vruntime` is `queue_min`.
    #[inline]
    pub(super) fn place(&mut self, queue_min: u64) {
        self.arrive(queue_min, self.lag());
    }

    /// As [`Entity::place`], for a task that stood still in the refrigerator.
    /// What it owes and what it is owed stay in whole units, in favour of the
    /// others, or a thaw would be a gift. A CPU that runs takes those of equal
    /// claim fastest, whatever order a crowd comes in.
    #[inline]
    pub(super) fn thaw(&mut self, queue_min: u64) {
        let lag = self.lag();
        let unit = if lag < 0 { OWED_UNIT_NS } else { DEBT_UNIT_NS };
        self.arrive(queue_min, (lag + unit - 1) & -unit);
    }

    #[inline]
    fn arrive(&mut self, queue_min: u64, lag: i64) {
        const OWED_MAX: i64 = SLEEPER_BONUS_NS.cast_signed();
        const DEBT_MAX: i64 = MAX_DEBT_NS.cast_signed();
        let lag = lag.clamp(-OWED_MAX, DEBT_MAX);
        self.vruntime = queue_min.saturating_add_signed(lag);
        self.base = queue_min;
    }

    /// How far it is behind the others of the queue it left last (what it
    /// owes), or ahead of them: less than 0.
    #[inline]
    fn lag(&self) -> i64 {
        self.vruntime.cast_signed() - self.base.cast_signed()
    }

    /// Whether a sleep that ends on the queue that was left earned no less there
    /// than the part of its time that every sleeper earns.
    #[inline]
    pub(super) fn needs_no_favour(&self, queue_min: u64, now_ns: u64) -> bool {
        let slept = now_ns.saturating_sub(self.charged_ns);
        slept / SHARE <= queue_min.saturating_sub(self.base)
    }

    /// Sets the virtual run time at the end of a sleep. It earned what a task
    /// of its queue had meanwhile, and a part of the time it slept if `favour`
    /// has what that is more.
    pub(super) fn wake(&mut self, sleep: &Sleep, favour: &mut Favour) {
        let slept = sleep.now_ns.saturating_sub(self.charged_ns);
        let fair = match sleep.is_same_queue {
            true => sleep.queue_min.saturating_sub(self.base),
            false => slept / (sleep.waiting as u64 + 1),
        };
        let lag = self.lag();
        let most = -SLEEPER_BONUS_NS.cast_signed();
        let after = |earned: u64| (lag - earned.cast_signed()).max(most);
        let (plain, best) = (after(fair), after(fair.max(slept / SHARE)));
        let extra = (plain - best).max(0).cast_unsigned();
        let given = match extra {
            0 => 0,
            wanted => favour.take(wanted, sleep.now_ns),
        };
        let lag = plain - given.cast_signed();
        self.vruntime = sleep.queue_min.saturating_add_signed(lag);
        self.base = sleep.queue_min;
    }

    /// Restates what the task owes, or is owed, for a CPU of another speed:
    /// the same work takes another time there. Call between `leave` and
    /// `place`. Within a queue all times are those of one CPU, so this is the
    /// only place where speed matters to virtual time.
    pub fn convert(&mut self, from_capacity: u32, to_capacity: u32) {
        let scale = |ns: u64| {
            let work = u128::from(ns) * u128::from(from_capacity);
            (work / u128::from(to_capacity.max(1))) as u64
        };
        let debt = self.vruntime.saturating_sub(self.base);
        let credit = self.base.saturating_sub(self.vruntime);
        let owing = self.base.saturating_add(scale(debt));
        self.vruntime = owing.saturating_sub(scale(credit));
    }

    /// `sched_yield`: goes behind the task that would run next, and so, as
    /// each in turn does the same, behind all of equal claim.
    #[inline]
    pub fn yield_to(&mut self, next_vruntime: u64) {
        if next_vruntime < HELD_BACK {
            self.vruntime = self.vruntime.max(next_vruntime);
        }
    }

    /// Whether this running task, charged up to now, makes way for `woken`.
    #[inline]
    #[must_use]
    pub fn should_yield_to(&self, woken: &Entity) -> bool {
        let owed = self.vruntime.saturating_sub(woken.vruntime);
        owed > woken.weighted(WAKEUP_GRANULARITY_NS)
            && woken.attributes.policy != Policy::Batch
    }

    /// Real nanoseconds this task may run while `waiting` others with a sum
    /// of weights `load` wait.
    #[inline]
    #[must_use]
    pub fn slice_ns(&self, waiting: usize, load: u64) -> u64 {
        match self.attributes.policy {
            Policy::Fifo => return u64::MAX,
            Policy::RoundRobin => return ROUND_ROBIN_NS,
            Policy::Other | Policy::Batch | Policy::Idle => {}
        }
        let period = LATENCY_NS.max((waiting as u64 + 1) * MIN_SLICE_NS);
        let weight = u64::from(self.weight);
        (period * weight / (load + weight)).max(MIN_SLICE_NS)
    }
}
