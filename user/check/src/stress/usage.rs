//! Memory and processes in use, to find out what is lost.
//!
//! What the kernel keeps for the next time (free stacks, free pieces of its
//! heap) is not in use: `/proc/slabinfo` tells it apart, so a loss is counted
//! to the byte. What remains in use after many tasks, and is no leak, is room
//! in the kernel's own lists: it grows with the most tasks there ever were
//! at a time, not with the number of runs.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use user_lib::memory::PAGE_SIZE;
use user_lib::time::{self, Time, monotonic};
use user_lib::{file, println, system};

use crate::tool::{Failure, Outcome, ensure_eq, in_child};

/// What is in use at one moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory.
    used: u64,
    /// Processes.
    processes: u16,
    /// Bytes of the kernel's objects, by their names.
    objects: BTreeMap<String, u64>,
}

/// Processes that ended are reaped within this.
const PATIENCE: Time = Time::from_millis(10_000);

/// Room for the most tasks at a time is made within so many runs.
const RUNS: u32 = 5;

/// Fails unless some run of `work`, each in a child, leaves nothing behind:
/// not one byte, not one process. What is lost at every run is a leak.
///
/// # Errors
/// Something was lost at each run, or a run failed.
pub fn ensure_none_lost(work: impl Fn() -> Outcome) -> Outcome {
    let alone = Usage::now()?.processes;
    in_child_outcome(&work)?;
    let mut before = Usage::settled(alone)?;
    let mut lost = Vec::new();
    for _ in 0..RUNS {
        in_child_outcome(&work)?;
        let after = Usage::settled(alone)?;
        ensure_eq!(after.processes, alone);
        if after.used <= before.used {
            println!("in use: {} KiB, as before", after.used / 1024);
            return Ok(());
        }
        lost.push(after.since(&before));
        before = after;
    }
    Err(Failure(format!("bytes lost at each run: {}", lost.join("; "))))
}

impl Usage {
    fn now() -> Result<Self, Failure> {
        let figures = system::figures()?;
        let (mut objects, mut kept) = (BTreeMap::new(), 0);
        for line in file::text("/proc/slabinfo")?.lines().skip(2) {
            let Some((name, used, mapped)) = parse(line) else {
                return Err(Failure(format!("slabinfo: {line}")));
            };
            objects.insert(name.to_string(), used);
            kept += mapped - used;
        }
        Ok(Self {
            used: figures.total - figures.free - kept,
            processes: figures.processes,
            objects,
        })
    }

    /// What is in use when only `alone` processes are left and nothing
    /// changes any more.
    fn settled(alone: u16) -> Result<Self, Failure> {
        let deadline = monotonic() + PATIENCE;
        let mut before = Self::now()?;
        loop {
            time::sleep(Time::from_millis(30));
            let now = Self::now()?;
            let is_steady = now == before && now.processes <= alone;
            if is_steady || monotonic() > deadline {
                return Ok(now);
            }
            before = now;
        }
    }

    /// How much more than `before` is in use, and in what.
    fn since(&self, before: &Self) -> String {
        let mut text = format!("{}", self.used - before.used);
        for (name, used) in &self.objects {
            let more = *used as i64 - before.objects[name] as i64;
            if more != 0 {
                text += &format!(" {name} {more:+}");
            }
        }
        text
    }
}

/// A line of `/proc/slabinfo`: the name, bytes of objects in use, bytes of all
/// slabs.
fn parse(line: &str) -> Option<(&str, u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let used = number(1)? * number(3)?;
    let mapped = number(14)? * number(5)? * PAGE_SIZE as u64;
    Some((words[0], used, mapped))
}

/// Runs something in a child, whose failure is ours.
///
/// # Errors
/// The child's.
pub fn in_child_outcome(work: impl FnOnce() -> Outcome) -> Outcome {
    let status = in_child(|| work().map(|()| 0))?;
    ensure_eq!((status.exit_code(), status.killed_by()), (Some(0), None));
    Ok(())
}
