//! Memory and processes in use, to find out what is lost.

use alloc::format;

use user_lib::time::{self, Time, monotonic};
use user_lib::{Result, println, system};

use crate::check::tool::{Failure, Outcome, ensure_eq, in_child};

/// What is in use at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Free memory, in bytes.
    free: u64,
    /// Processes.
    processes: u16,
}

/// The dead are buried within this.
const PATIENCE: Time = Time::from_millis(10_000);

/// The kernel keeps some memory for the next time: free stacks, pieces of
/// its heap. The most it ever keeps is reached after so many runs.
const RUNS: u32 = 5;

/// Fails unless some run of `work`, each in a child, leaves nothing behind:
/// not one page, not one process. What is lost at every run is a leak.
///
/// # Errors
/// Something was lost at each run, or a run failed.
pub fn ensure_none_lost(work: impl Fn() -> Outcome) -> Outcome {
    let alone = Usage::now()?.processes;
    in_child_outcome(&work)?;
    let mut before = Usage::settled(alone)?;
    let mut lost = alloc::vec::Vec::new();
    for _ in 0..RUNS {
        in_child_outcome(&work)?;
        let after = Usage::settled(alone)?;
        ensure_eq!(after.processes, alone);
        if after.free >= before.free {
            println!("free {} KiB, as before", after.free / 1024);
            return Ok(());
        }
        lost.push((before.free - after.free) / 1024);
        before = after;
    }
    Err(Failure(format!("KiB lost at each run: {lost:?}")))
}

impl Usage {
    fn now() -> Result<Self> {
        let figures = system::figures()?;
        Ok(Self { free: figures.free, processes: figures.processes })
    }

    /// What is in use when only `alone` processes are left and nothing
    /// changes any more.
    fn settled(alone: u16) -> Result<Self> {
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
