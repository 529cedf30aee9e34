//! Workers of every kind, running until they are dropped.

use alloc::format;
use alloc::vec::Vec;

use user_lib::linux::{SIGKILL, WNOHANG};
use user_lib::time::{self, Time, monotonic};
use user_lib::{cpu, file, process, schedule, signal};

use super::clock::Clock;
use super::slot::Slot;
use super::worker::{KINDS, Kind, scratch_path};
use crate::tool::{Failure, Outcome};
use user_lib::child::Child;

/// How long a worker may need for its next round, on a busy host.
const PATIENCE: Time = Time::from_millis(60_000);

/// One worker of each kind.
pub struct Crew {
    workers: Vec<Worker>,
    /// How far the workers' clocks may be wrong, in nanoseconds.
    pub clock_error: u64,
}

struct Worker {
    kind: &'static Kind,
    slot: Slot,
    child: Child,
}

impl Crew {
    /// Starts them.
    ///
    /// # Errors
    /// Those of `clone(2)` and `mmap(2)`.
    pub fn start() -> Result<Self, Failure> {
        let clock = Clock::new();
        let mut workers = Vec::new();
        for kind in &KINDS {
            let slot = Slot::new(clock)?;
            let child = Child::start(|| work(kind, &slot))?;
            // Its own children belong to the same group, and end with it.
            let _ = process::set_group(child.id(), child.id());
            workers.push(Worker { kind, slot, child });
        }
        Ok(Self { workers, clock_error: clock.error })
    }

    /// Waits until every worker has run at least `times` more often.
    ///
    /// # Errors
    /// One has ended, or does not run.
    pub fn wait_for_progress(&self, times: u64) -> Outcome {
        let wanted: Vec<u64> =
            self.workers.iter().map(|it| it.slot.count() + times).collect();
        let deadline = monotonic() + PATIENCE;
        for (worker, wanted) in self.workers.iter().zip(wanted) {
            while worker.slot.count() < wanted {
                worker.ensure_alive()?;
                if monotonic() > deadline {
                    return Err(worker.failure("does not run"));
                }
                time::sleep(Time::from_nanos(200_000));
            }
        }
        Ok(())
    }

    /// Fails if a worker ran after `from` and before `to`, in nanoseconds.
    ///
    /// # Errors
    /// One did.
    pub fn ensure_still(&self, from: u64, to: u64) -> Outcome {
        for worker in &self.workers {
            if let Some(moment) = worker.slot.ran_within(from, to) {
                let name = worker.kind.name;
                return Err(Failure(format!(
                    "{name} ran at {moment}, frozen from {from} to {to}"
                )));
            }
        }
        Ok(())
    }

    /// All rounds of all workers.
    pub fn rounds(&self) -> u64 {
        self.workers.iter().map(|worker| worker.slot.count()).sum()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for worker in &self.workers {
            let _ = signal::send(-worker.child.id(), SIGKILL);
        }
        // Children are killed and waited for when they are dropped. What one
        // was about to remove stays.
        for worker in self.workers.drain(..) {
            let path = scratch_path(worker.child.id());
            drop(worker);
            let _ = file::remove(&path);
        }
    }
}

impl Worker {
    fn ensure_alive(&self) -> Outcome {
        match process::wait(self.child.id(), WNOHANG)? {
            None => Ok(()),
            Some(_) => Err(self.failure("has ended")),
        }
    }

    fn failure(&self, what: &str) -> Failure {
        Failure(format!("the worker {} {what}", self.kind.name))
    }
}

fn work(kind: &Kind, slot: &Slot) -> i32 {
    // The parent does it too; whoever is first.
    let _ = process::set_group(0, 0);
    if let Err(Failure(why)) = (kind.run)(slot) {
        user_lib::eprintln!("worker {}: {why}", kind.name);
    }
    1
}

/// Waits a moment, busy and then asleep, so that workers get going.
pub fn settle() {
    for _ in 0..1000 {
        cpu::relax();
    }
    schedule::give_way();
    time::sleep(Time::from_millis(20));
}
