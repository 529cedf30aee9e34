//! One phase of a freeze: ask the awake tasks, then wait for the last.
//!
//! Linux walks all tasks again and again, with sleeps in between. Here each
//! task that is awake is asked once, and the last one to park wakes the
//! freezer. One walk is enough. The task that a CPU runs is always visited;
//! the kernel's walk also visits those that wait in run queues, which it holds
//! locked anyway. A task that moves between queues, or wakes, while the walk
//! passes by may be missed and is asked as soon as a CPU picks it
//! (`switched_in`); a task asleep asks itself when it wakes (`freezer_count`).
//!
//! Read next: `transition.rs`.

use kernel_abi::Errno;

use super::host::{Delivery, Host, Request, Step, System, barrier};
use super::record::{LogEvent, Outcome, Phase, Record};
use super::state::Freezer;
use crate::sync::Ordering;

impl Freezer {
    /// Whether nobody of `phase` is awake any more. What the tasks did before
    /// they parked is visible to who reads true.
    ///
    /// Users last: `exec` turns a kernel thread into a user task and counts
    /// up before it counts down, so a task between the two is seen.
    pub fn is_quiet(&self, phase: Phase) -> bool {
        let kernel_is_quiet =
            phase == Phase::User || self.kernel.0.load(Ordering::Acquire) == 0;
        kernel_is_quiet && self.users.0.load(Ordering::Acquire) == 0
    }

    /// Freezes one phase's tasks; the flags are raised already (Linux
    /// `try_to_freeze_tasks`).
    ///
    /// # Errors
    /// `EBUSY` if some refuse until the time-out, or if a wakeup event comes.
    pub(super) fn try_to_freeze_tasks<S: System>(
        &self,
        system: &S,
        phase: Phase,
    ) -> Result<(), Errno> {
        let start = system.now_ns();
        let timeout_ms = self.freeze_timeout_ms.load(Ordering::Relaxed);
        let deadline = start + u64::from(timeout_ms) * 1_000_000;
        if phase == Phase::Kernel {
            self.freeze_workqueues_begin(system);
        }
        let mut record = self.ask_all(system, phase);
        record.outcome = self.wait_for_all(system, phase, deadline);
        record.ended_ns = system.now_ns();
        record.elapsed_ns = record.ended_ns - start;
        if record.outcome != Outcome::Frozen {
            self.count_refusers(system, &mut record);
        }
        system.record(&record);
        system.log(LogEvent::Phase(record));
        if record.outcome == Outcome::Frozen {
            return Ok(());
        }
        self.report(system, &record);
        Err(Errno::EBUSY)
    }

    /// Sends every task that the host finds awake its request, once.
    pub fn ask_all<H: Host>(&self, host: &H, phase: Phase) -> Record {
        barrier::<H>(Step::RaiseBarrier);
        let mut record = Record {
            phase,
            outcome: Outcome::Frozen,
            elapsed_ns: 0,
            ended_ns: 0,
            awake: self.count_awake(phase),
            signalled: 0,
            woken: 0,
            kicked: 0,
            refusing: 0,
            busy_works: 0,
        };
        host.for_each_awake(phase, |task| {
            let request = self.freeze_task(task.as_ref());
            if request == Request::NotRequested {
                return;
            }
            record.signalled += 1;
            match host.deliver(task, request) {
                Delivery::Marked => (),
                Delivery::Woken => record.woken += 1,
                Delivery::Kicked => record.kicked += 1,
            }
        });
        record
    }

    /// How many tasks of `phase` are awake. It is only a figure: it may
    /// have changed already.
    pub fn count_awake(&self, phase: Phase) -> u32 {
        let users = self.users.0.load(Ordering::Relaxed);
        match phase {
            Phase::User => users,
            Phase::Kernel => users + self.kernel.0.load(Ordering::Relaxed),
        }
    }

    fn wait_for_all<S: System>(
        &self,
        system: &S,
        phase: Phase,
        deadline: u64,
    ) -> Outcome {
        let mut outcome = Outcome::TimedOut;
        system.wait_for_quiet(deadline, || {
            if system.wakeup_pending() {
                outcome = Outcome::Aborted;
            } else if self.is_quiet(phase) {
                outcome = Outcome::Frozen;
            }
            outcome != Outcome::TimedOut
        });
        outcome
    }

    fn count_refusers<S: System>(&self, system: &S, record: &mut Record) {
        system.for_each_task(|task| {
            record.refusing += u32::from(self.refuses(task.as_ref()));
        });
        record.busy_works = match record.phase {
            Phase::User => 0,
            Phase::Kernel => self.works.load(Ordering::Relaxed),
        };
    }

    /// Says who refuses, unless a wakeup event cut the phase short.
    fn report<S: System>(&self, system: &S, record: &Record) {
        if record.busy_works != 0 {
            system.report_workqueues();
        }
        if record.outcome == Outcome::Aborted {
            return;
        }
        system.for_each_task(|task| {
            if self.refuses(task.as_ref()) {
                system.report_refuser(task);
            }
        });
    }

    fn freeze_workqueues_begin<S: System>(&self, system: &S) {
        if self.workqueue_freezing.swap(true, Ordering::Relaxed) {
            system.log(LogEvent::WorkqueuesFrozenTwice);
        }
        system.freeze_workqueues_begin();
    }

    pub(super) fn thaw_workqueues<S: System>(&self, system: &S) {
        if self.workqueue_freezing.swap(false, Ordering::Relaxed) {
            system.thaw_workqueues();
        }
    }

    /// Whether a freezable workqueue made now must hold its works back.
    pub fn workqueues_freezing(&self) -> bool {
        self.workqueue_freezing.load(Ordering::Relaxed)
    }

    /// A freezable workqueue has made `count` works active.
    pub fn works_activated(&self, count: u32) {
        self.works.fetch_add(count, Ordering::Relaxed);
        self.kernel.0.fetch_add(count, Ordering::Relaxed);
    }

    /// An active work of a freezable workqueue is done.
    pub fn work_done<H: Host>(&self, host: &H) {
        self.works.fetch_sub(1, Ordering::Relaxed);
        if self.kernel.0.fetch_sub(1, Ordering::Release) == 1 {
            self.none_awake(host);
        }
    }
}
