//! The queue of runnable tasks of one CPU: a binary heap by virtual run time.
//!
//! A heap rather than a tree: on the switch path it is an array of three
//! words per task with no node to allocate and no pointer to follow, and an
//! idle CPU that pulls work takes a leaf for next to nothing. The price, a
//! linear search, is paid only when a queued task's nice level or affinity
//! changes. The running task is not in the heap.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

use super::entity::Entity;

/// Where `min_vruntime` starts: high enough that nobody underflows.
const START: u64 = 1 << 40;

struct Queued<T> {
    vruntime: u64,
    /// Order of arrival; equal claims are served in turn.
    sequence: u64,
    weight: u32,
    item: T,
}

impl<T> Queued<T> {
    #[inline]
    fn before(&self, other: &Queued<T>) -> bool {
        (self.vruntime, self.sequence) < (other.vruntime, other.sequence)
    }
}

/// Runnable tasks, ordered by claim. Guarded by the run queue's lock.
pub struct RunQueue<T> {
    heap: Vec<Queued<T>>,
    load: u64,
    min_vruntime: u64,
    sequence: u64,
}

impl<T> Default for RunQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> RunQueue<T> {
    /// An empty queue without room; see [`RunQueue::try_reserve`].
    pub const fn new() -> Self {
        RunQueue { heap: Vec::new(), load: 0, min_vruntime: START, sequence: 0 }
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
        let missing = capacity.saturating_sub(self.heap.len());
        self.heap.try_reserve(missing)
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

    /// The virtual run time of the task with the best claim.
    #[inline]
    pub fn next_vruntime(&self) -> Option<u64> {
        self.heap.first().map(|queued| queued.vruntime)
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
        if let Some(next) = self.next_vruntime() {
            least = least.min(next);
        }
        self.min_vruntime = self.min_vruntime.max(least);
    }

    /// Adds a task that was placed, or ran until now. Does not allocate
    /// within the reserved capacity.
    #[inline]
    pub fn push(&mut self, item: T, entity: &Entity) {
        let queued = self.queued(item, entity);
        self.load += u64::from(queued.weight);
        self.heap.push(queued);
        self.sift_up(self.heap.len() - 1);
    }

    fn queued(&mut self, item: T, entity: &Entity) -> Queued<T> {
        self.sequence += 1;
        Queued {
            vruntime: entity.vruntime(),
            sequence: self.sequence,
            weight: entity.weight(),
            item,
        }
    }

    /// Takes the task with the best claim, to run it.
    #[inline]
    #[must_use]
    pub fn pop(&mut self) -> Option<T> {
        if self.heap.is_empty() {
            return None;
        }
        let queued = self.take_at(0);
        self.min_vruntime = self.min_vruntime.max(queued.vruntime);
        Some(queued.item)
    }

    /// For a task that was charged and could go on running: gives the one to
    /// run now, which is `item` itself while its claim is the best. At equal
    /// claims the waiting task runs.
    #[inline]
    #[must_use]
    pub fn exchange(&mut self, item: T, entity: &Entity) -> T {
        match self.next_vruntime() {
            Some(next) if next <= entity.vruntime() => {}
            _ => return item,
        }
        let mut queued = self.queued(item, entity);
        self.load += u64::from(queued.weight);
        core::mem::swap(&mut queued, &mut self.heap[0]);
        self.load -= u64::from(queued.weight);
        self.sift_down(0);
        self.min_vruntime = self.min_vruntime.max(queued.vruntime);
        queued.item
    }

    /// Takes a task with a poor claim that `may_run` elsewhere, for a CPU
    /// that has nothing to do.
    #[must_use]
    pub fn steal_last(
        &mut self,
        mut may_run: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let at = self.heap.iter().rposition(|queued| may_run(&queued.item))?;
        Some(self.take_at(at).item)
    }

    /// Takes out the first task found that `matches`; a linear search.
    pub fn remove(&mut self, mut matches: impl FnMut(&T) -> bool) -> Option<T> {
        let at = self.heap.iter().position(|queued| matches(&queued.item))?;
        Some(self.take_at(at).item)
    }

    fn take_at(&mut self, at: usize) -> Queued<T> {
        let queued = self.heap.swap_remove(at);
        self.load -= u64::from(queued.weight);
        if at < self.heap.len() && !self.sift_up(at) {
            self.sift_down(at);
        }
        queued
    }

    /// Returns whether the task moved.
    fn sift_up(&mut self, start: usize) -> bool {
        let mut at = start;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.heap[at].before(&self.heap[parent]) {
                break;
            }
            self.heap.swap(at, parent);
            at = parent;
        }
        at != start
    }

    fn sift_down(&mut self, mut at: usize) {
        let len = self.heap.len();
        loop {
            let mut child = 2 * at + 1;
            if child >= len {
                return;
            }
            let right = child + 1;
            if right < len && self.heap[right].before(&self.heap[child]) {
                child = right;
            }
            if !self.heap[child].before(&self.heap[at]) {
                return;
            }
            self.heap.swap(at, child);
            at = child;
        }
    }
}
