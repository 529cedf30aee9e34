//! Which groups of cgroup v1 ask for their release agent, and which of them
//! have run empty: marks, since the last to leave must not wait.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_core::sync::GROUP_SLOTS;

use kernel_task::WaitQueue;

/// A bit for each slot.
struct Marks([AtomicU64; GROUP_SLOTS / 64]);

impl Marks {
    const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; GROUP_SLOTS / 64])
    }

    fn word(&self, slot: u32) -> (&AtomicU64, u64) {
        (&self.0[slot as usize / 64], 1 << (slot % 64))
    }

    fn set(&self, slot: u32, is_set: bool) {
        let (word, bit) = self.word(slot);
        match is_set {
            true => word.fetch_or(bit, Release),
            false => word.fetch_and(!bit, Release),
        };
    }

    fn has(&self, slot: u32) -> bool {
        let (word, bit) = self.word(slot);
        word.load(Acquire) & bit != 0
    }

    /// Takes one away, if there is one. Others may take it away meanwhile.
    fn take(&self) -> Option<u32> {
        self.0.iter().enumerate().find_map(|(at, word)| {
            let mut marks = word.load(Relaxed);
            while marks != 0 {
                let bit = marks.trailing_zeros();
                marks = word.fetch_and(!(1 << bit), Acquire);
                if marks & 1 << bit != 0 {
                    return Some(at as u32 * 64 + bit);
                }
            }
            None
        })
    }
}

/// Groups of cgroup v1 with `notify_on_release`.
static ASKING: Marks = Marks::new();
/// Those that have run empty and were not seen to yet.
static EMPTY: Marks = Marks::new();
/// Where the thread waits for one.
static EMPTIED: WaitQueue = WaitQueue::new();

/// The group in `slot` asks for its release agent, or does not; a new group
/// says so anew.
pub(in crate::cgroup) fn set_asking(slot: u32, asks: bool) {
    ASKING.set(slot, asks);
    EMPTY.set(slot, false);
}

/// Whether it does.
pub(in crate::cgroup) fn is_asking(slot: u32) -> bool {
    ASKING.has(slot)
}

/// A task or group has left, and may have been the last one.
pub(in crate::cgroup) fn emptied(slot: u32) {
    if is_asking(slot) {
        EMPTY.set(slot, true);
        EMPTIED.wake_one();
    }
}

/// Waits for a marked group, and takes its mark away.
pub(super) fn next() -> u32 {
    loop {
        // Nobody sends the thread signals.
        let taken = EMPTIED.wait_until("cgroup_release", || EMPTY.take());
        if let Ok(slot) = taken {
            return slot;
        }
    }
}
