//! The release agent of cgroup v1: a program that is started when the last
//! task or group has left a group that has `notify_on_release` set (Linux
//! `cgroup1_release_agent`).
//!
//! The last to leave is on its way out and must not wait, so it leaves a mark,
//! and a kernel thread does the rest. It looks again: by then the group
//! may have tasks, another name, or no agent.
//!
//! Next to read: `process/helper.rs`.

use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kernel_abi::Errno;
use kernel_core::sync::GROUP_SLOTS;

use super::{Tasks, forest};
use kernel_process::helper;
use kernel_task::WaitQueue;
use kernel_task::kthread::kthread_run;

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

/// Starts the thread.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub(super) fn init() -> Result<(), Errno> {
    kthread_run("cgroup_release", run).map(drop)
}

/// The group in `slot` asks for its release agent, or does not; a new group
/// says so anew.
pub(super) fn set_asking(slot: u32, asks: bool) {
    ASKING.set(slot, asks);
    EMPTY.set(slot, false);
}

/// A task or group has left, and may have been the last one.
pub(super) fn emptied(slot: u32) {
    if ASKING.has(slot) {
        EMPTY.set(slot, true);
        EMPTIED.wake_one();
    }
}

/// Not freezable: a freeze would wait for it while it waits to start a
/// helper, which is after the thaw.
fn run() {
    loop {
        let next = EMPTIED.wait_until("cgroup_release", || EMPTY.take());
        // Nobody sends it signals.
        let Ok(slot) = next else { continue };
        release(slot);
    }
}

fn release(slot: u32) {
    let Some((agent, path)) = agent_for(slot) else { return };
    if let Err(error) = helper::call(&agent, &[&path]) {
        let agent = String::from_utf8_lossy(&agent);
        log::warn!("cgroup: release agent {agent}: error {error}");
    }
}

/// The program to start, and the group's path, if there is one to start.
fn agent_for(slot: u32) -> Option<(Vec<u8>, Vec<u8>)> {
    let forest = forest();
    let is_wanted =
        !forest.release_agent.is_empty() && forest.v1.is_released(slot, &Tasks);
    is_wanted.then(|| (forest.release_agent.clone(), forest.v1.path(slot)))
}
