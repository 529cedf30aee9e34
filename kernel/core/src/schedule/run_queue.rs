//! The queue of runnable tasks of one CPU: a binary heap by virtual run time.
//!
//! A heap rather than a tree: on the switch path it is an array of four
//! words per task with no node to allocate and no pointer to follow, and an
//! idle CPU that pulls work takes a leaf for next to nothing. The price, a
//! linear act, is paid when a queued task's nice level or affinity changes, and
//! once for a crowd that is thawed. The running task is not in the heap.
//!
//! Real-time tasks are in the same heap: their keys are less than every virtual
//! run time, or, while they are held back (`throttle.rs`), more.

use alloc::collections::TryReserveError;

use super::entity::{Arrival, Entity, HELD_BACK, Sleep};
use super::favour::Favour;
use super::throttle::{Throttle, Turn};
pub use heap::Company;
use heap::{Heap, Queued};

mod heap;

/// Where `min_vruntime` starts: high enough that nobody underflows.
const START: u64 = 1 << 40;

/// Runnable tasks, ordered by claim. Guarded by the run queue's lock.
pub struct RunQueue<T> {
    heap: Heap<T>,
    load: u64,
    min_vruntime: u64,
    /// Of who comes last to a place behind its equals.
    last: i64,
    /// Of who comes last to a place before its equals.
    first: i64,
    favour: Favour,
    throttle: Throttle,
}

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RunQueue<T> {
    /// An empty queue without room; see [`RunQueue::try_reserve`].
    pub const fn new() -> Self {
        RunQueue {
            heap: Heap::new(),
            load: 0,
            min_vruntime: START,
            last: 0,
            first: 0,
            favour: Favour::new(),
            throttle: Throttle::new(),
        }
    }

    /// Makes room for `capacity` tasks in all, so that no `push` below that
    /// number allocates. Called when a task is created.
    ///
    /// # Errors
    /// The allocator's, with the queue unchanged.
    pub fn try_reserve(
        &mut self,
        capacity: usize,
    ) -> Result<(), TryReserveError> {
        self.heap.try_reserve(capacity)
    }

    /// How many tasks fit without allocating.
    pub fn capacity(&self) -> usize {
        self.heap.capacity()
    }

    /// Number of tasks that wait, the running one not counted.
    #[inline]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Sum of the weights of the waiting tasks.
    #[inline]
    pub fn load(&self) -> u64 {
        self.load
    }

    /// The virtual clock of the queue; never goes back.
    #[inline]
    pub fn min_vruntime(&self) -> u64 {
        self.min_vruntime
    }

    /// The key of the task with the best claim: its virtual run time, if it
    /// is no real-time task.
    #[inline]
    pub fn next_key(&self) -> Option<u64> {
        self.heap.first().map(|queued| queued.key)
    }

    /// Whether a task that waits goes before `running`, charged up to now;
    /// at equal claims, before a fair one, and before a real-time one that
    /// `gives_way`.
    #[inline]
    pub fn goes_before(&self, running: &Entity, gives_way: bool) -> bool {
        let own = running.key(self.throttle.is_on());
        let gives_way = gives_way || !running.is_real_time();
        self.next_key()
            .is_some_and(|next| next < own || gives_way && next == own)
    }

    /// Whether `woken`, which comes to wait here, takes the CPU from
    /// `running`, charged up to now.
    #[inline]
    pub fn preempts(&self, woken: &Entity, running: &Entity) -> bool {
        if woken.is_real_time() || running.is_real_time() {
            let held_back = self.throttle.is_on();
            return woken.key(held_back) < running.key(held_back);
        }
        running.should_yield_to(woken)
    }

    /// The task with the best claim.
    pub fn peek(&self) -> Option<&T> {
        self.heap.first().map(|queued| &queued.item)
    }

    /// Every waiting task, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.heap.iter().map(|queued| &queued.item)
    }

    /// Moves the virtual clock on for a running task that was just charged.
    /// Called before a woken task is placed: a task that ran alone for long
    /// must not count as far ahead of it.
    #[inline]
    pub fn advance(&mut self, running: &Entity) {
        let mut least = running.vruntime();
        if let Some(next) = self.next_key() {
            least = least.min(next);
        }
        self.min_vruntime = self.min_vruntime.max(least);
    }

    /// Sets the virtual run time of a task for its arrival here at `now_ns`.
    #[inline]
    pub fn place(&mut self, entity: &mut Entity, how: Arrival, now_ns: u64) {
        match how {
            Arrival::Woken
                if self.heap.is_empty()
                    || entity.needs_no_favour(self.min_vruntime, now_ns) =>
            {
                entity.catch_up(self.min_vruntime);
            }
            Arrival::Woken | Arrival::WokenElsewhere => {
                self.place_sleeper(entity, how, now_ns);
            }
            Arrival::Moved => entity.place(self.min_vruntime),
            Arrival::Thawed => entity.thaw(self.min_vruntime),
        }
    }

    #[inline(never)]
    fn place_sleeper(
        &mut self,
        entity: &mut Entity,
        how: Arrival,
        now_ns: u64,
    ) {
        let sleep = Sleep {
            queue_min: self.min_vruntime,
            waiting: self.heap.len(),
            now_ns,
            is_same_queue: how == Arrival::Woken,
        };
        entity.wake(&sleep, &mut self.favour);
    }

    /// Adds a task that was placed, or ran until now. Does not allocate
    /// within the reserved capacity.
    #[inline]
    pub fn push(&mut self, item: T, entity: &Entity) {
        self.push_one_of(item, entity, Company::Alone);
    }

    /// As [`RunQueue::push`]; a crowd is put in order when the first of it is
    /// taken.
    #[inline(always)]
    pub fn push_one_of(&mut self, item: T, entity: &Entity, company: Company) {
        let queued = self.queued(item, entity);
        self.load += u64::from(queued.weight);
        self.heap.push(queued, company);
    }

    fn queued(&mut self, item: T, entity: &Entity) -> Queued<T> {
        self.last += 1;
        Queued {
            key: entity.key(self.throttle.is_on()),
            sequence: self.last,
            weight: entity.weight(),
            is_real_time: entity.is_real_time(),
            item,
        }
    }

    /// Takes the task with the best claim, to run it.
    #[inline]
    #[must_use]
    pub fn pop(&mut self) -> Option<T> {
        let queued = self.heap.pop()?;
        self.load -= u64::from(queued.weight);
        self.note(queued.key);
        Some(queued.item)
    }

    /// A task with this key is taken to run.
    #[inline]
    fn note(&mut self, key: u64) {
        if key < HELD_BACK {
            self.min_vruntime = self.min_vruntime.max(key);
        }
    }

    /// For a task that was charged and could go on running: gives the one to
    /// run now, which is `item` itself unless another [goes
    /// before](RunQueue::goes_before) it. A real-time task that does not give
    /// way waits before its equals.
    #[inline]
    #[must_use]
    pub fn exchange(&mut self, item: T, entity: &Entity, gives_way: bool) -> T {
        if !self.goes_before(entity, gives_way) {
            return item;
        }
        self.replace(item, entity, gives_way)
    }

    /// As [`RunQueue::exchange`], where it is known that another task goes
    /// before.
    #[inline]
    #[must_use]
    pub fn replace(&mut self, item: T, entity: &Entity, gives_way: bool) -> T {
        let mut queued = self.queued(item, entity);
        if queued.is_real_time && !gives_way {
            self.first -= 1;
            queued.sequence = self.first;
        }
        self.load += u64::from(queued.weight);
        let queued = self.heap.replace(queued);
        self.load -= u64::from(queued.weight);
        self.note(queued.key);
        queued.item
    }

    /// A real-time task ran from `since_ns` to `now_ns` and leaves the CPU.
    pub fn bill_real_time(&mut self, since_ns: u64, now_ns: u64) {
        self.throttle.bill(since_ns, now_ns);
    }

    /// Whether a tick must [look](RunQueue::look_at_real_time) whose turn it
    /// is.
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.throttle.is_on()
    }

    /// Looks whether real-time tasks have had their part of the time, or have
    /// one again; `since_ns` says since when one runs. True if who runs should
    /// be chosen anew.
    #[must_use]
    pub fn look_at_real_time(
        &mut self,
        now_ns: u64,
        since_ns: Option<u64>,
    ) -> bool {
        let others_wait = self.heap.iter().any(|queued| !queued.is_real_time);
        match self.throttle.look(now_ns, since_ns, others_wait) {
            Turn::Same => return false,
            Turn::Others => self.rekey(|rank| rank + HELD_BACK),
            Turn::RealTime => self.rekey(|key| key - HELD_BACK),
        }
        true
    }

    /// Gives real-time tasks other keys; a linear act, once a period.
    #[cold]
    fn rekey(&mut self, change: impl Fn(u64) -> u64) {
        self.heap.change(|queued| {
            if queued.is_real_time {
                queued.key = change(queued.key);
            }
        });
    }

    /// Takes a task that `may_run` elsewhere, for a CPU that has nothing to
    /// do: a real-time task, or else one with a poor claim.
    #[must_use]
    pub fn steal_last(
        &mut self,
        mut may_run: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let first = self.heap.first()?;
        if first.is_real_time && may_run(&first.item) {
            let queued = self.heap.pop()?;
            self.load -= u64::from(queued.weight);
            return Some(queued.item);
        }
        self.take(|heap| heap.last(|queued| may_run(&queued.item)))
    }

    /// Takes out the first task found that `matches`; a linear search.
    pub fn remove(&mut self, mut matches: impl FnMut(&T) -> bool) -> Option<T> {
        self.take(|heap| heap.find(|queued| matches(&queued.item)))
    }

    fn take(
        &mut self,
        choose: impl FnOnce(&Heap<T>) -> Option<usize>,
    ) -> Option<T> {
        let at = choose(&self.heap)?;
        let queued = self.heap.take_at(at);
        self.load -= u64::from(queued.weight);
        Some(queued.item)
    }
}
