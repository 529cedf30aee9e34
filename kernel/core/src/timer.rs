//! Pending timers of one CPU, soonest first.
//!
//! A binary heap of (deadline, slot); each slot knows its place in the heap,
//! so that cancelling, which is the common end of a time-out, costs no search.
//! A key carries a generation: cancelling a timer that has fired is harmless
//! even when its slot is in use again. Guarded by the CPU's timer lock.

use alloc::collections::TryReserveError;
use alloc::vec::Vec;

#[cfg(test)]
mod tests;

/// Names one inserted timer for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    slot: u32,
    generation: u32,
}

#[derive(Clone, Copy)]
struct Deadline {
    deadline_ns: u64,
    /// Order of insertion; equal deadlines expire in turn.
    sequence: u64,
    slot: u32,
}

impl Deadline {
    #[inline]
    fn before(&self, other: &Deadline) -> bool {
        (self.deadline_ns, self.sequence) < (other.deadline_ns, other.sequence)
    }
}

struct Timer<T> {
    generation: u32,
    /// Index in the heap while in use, else the next free slot.
    link: u32,
    item: Option<T>,
}

const NONE: u32 = u32::MAX;

/// Timers that wait for their deadline, each with an item of the caller's.
pub struct TimerQueue<T> {
    heap: Vec<Deadline>,
    slots: Vec<Timer<T>>,
    free: u32,
    sequence: u64,
}

impl<T> Default for TimerQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> TimerQueue<T> {
    /// An empty queue.
    pub const fn new() -> Self {
        TimerQueue {
            heap: Vec::new(),
            slots: Vec::new(),
            free: NONE,
            sequence: 0,
        }
    }

    /// Makes room for `capacity` timers in all; below that `insert` succeeds
    /// without allocating.
    ///
    /// # Errors
    /// The allocator's, with the queue unchanged.
    pub fn try_reserve(
        &mut self,
        capacity: usize,
    ) -> Result<(), TryReserveError> {
        self.heap.try_reserve(capacity.saturating_sub(self.heap.len()))?;
        self.slots.try_reserve(capacity.saturating_sub(self.slots.len()))
    }

    /// Number of pending timers.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Adds a timer. The caller arms the hardware if `next_deadline` changed.
    ///
    /// # Errors
    /// The allocator's, when there is no reserved room; nothing was added.
    pub fn insert(
        &mut self,
        deadline_ns: u64,
        item: T,
    ) -> Result<Key, TryReserveError> {
        self.heap.try_reserve(1)?;
        let slot = self.take_slot(item)?;
        self.sequence += 1;
        let sequence = self.sequence;
        self.heap.push(Deadline { deadline_ns, sequence, slot });
        self.sift_up(self.heap.len() - 1);
        let generation = self.slots[slot as usize].generation;
        Ok(Key { slot, generation })
    }

    /// Takes a timer back; `None` if it has expired or was cancelled.
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get(key.slot as usize)?;
        if slot.generation != key.generation || slot.item.is_none() {
            return None;
        }
        let at = slot.link as usize;
        Some(self.remove_at(at))
    }

    /// When the soonest timer expires.
    #[inline]
    pub fn next_deadline(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.deadline_ns)
    }

    /// Takes one timer whose deadline has come, the soonest first.
    #[must_use]
    pub fn pop_expired(&mut self, now_ns: u64) -> Option<T> {
        if self.next_deadline()? > now_ns {
            return None;
        }
        Some(self.remove_at(0))
    }

    fn take_slot(&mut self, item: T) -> Result<u32, TryReserveError> {
        if self.free == NONE {
            self.slots.try_reserve(1)?;
            let slot = Timer { generation: 0, link: 0, item: Some(item) };
            self.slots.push(slot);
            return Ok((self.slots.len() - 1) as u32);
        }
        let index = self.free;
        let slot = &mut self.slots[index as usize];
        self.free = slot.link;
        slot.item = Some(item);
        Ok(index)
    }

    /// Removes the timer at `at` in the heap and frees its slot.
    fn remove_at(&mut self, at: usize) -> T {
        let entry = self.heap.swap_remove(at);
        if at < self.heap.len() {
            self.note_place(at);
            self.sift_up(at);
            self.sift_down(at);
        }
        let slot = &mut self.slots[entry.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.link = self.free;
        self.free = entry.slot;
        slot.item.take().expect("a timer in the heap has an item")
    }

    fn note_place(&mut self, at: usize) {
        let slot = self.heap[at].slot;
        self.slots[slot as usize].link = at as u32;
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note_place(a);
        self.note_place(b);
    }

    fn sift_up(&mut self, mut at: usize) {
        self.note_place(at);
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.heap[at].before(&self.heap[parent]) {
                return;
            }
            self.swap(at, parent);
            at = parent;
        }
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
            self.swap(at, child);
            at = child;
        }
    }
}
