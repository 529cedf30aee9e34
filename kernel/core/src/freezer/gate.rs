//! The gate that tasks pass: who must freeze, and how a task freezes itself.
//!
//! Nobody freezes another task. The freezer raises flags and sends requests;
//! each task freezes itself at a freeze point, where it holds nothing that
//! others could wait for. These are the freeze points' calls, with Linux's
//! names (kernel/freezer.c, include/linux/freezer.h).
//!
//! Read next: `life.rs`.

use super::host::{Host, Request, Step, barrier};
use super::state::{FREEZING_BITS, Freezer, KILL_FROZEN};
use super::task::{Flags, Groups, Hierarchy, TaskFreezer, Word};
use crate::sync::Ordering;

/// Whether `kthread_stop` gets a kernel thread out of the refrigerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KthreadStop {
    /// It does not before the thaw: who stops the thread waits that long.
    Ignore,
    /// It does at once, although freezing holds.
    Heed,
}

impl Freezer {
    /// Whether `task` should freeze now (Linux `freezing`). Any context.
    ///
    /// Acquire: a task that passes the gate after a thaw sees what was done
    /// before the thaw.
    #[inline]
    pub fn freezing(&self, task: &TaskFreezer) -> bool {
        self.system_freezing_cnt.load(Ordering::Acquire) != 0
            && self.freezing_slow_path(task.load())
    }

    #[cold]
    fn freezing_slow_path(&self, word: Word) -> bool {
        if word.has(Flags::NOFREEZE | Flags::SUSPEND_TASK) {
            return false;
        }
        if word.has(Flags::OOM_VICTIM) {
            return false;
        }
        if self.pm_nosig_freezing.load(Ordering::Acquire) {
            return true;
        }
        if self.groups_hold(word) {
            return true;
        }
        self.pm_freezing.load(Ordering::Acquire) && !word.has(Flags::KTHREAD)
    }

    /// Whether a group holds a task with this word.
    fn groups_hold(&self, word: Word) -> bool {
        if word.groups() == Groups::ROOT || word.has(Flags::KILLED) {
            return false;
        }
        let lets_trap = word.has(Flags::TRAPPING);
        word.groups().each().any(|(hierarchy, group)| {
            let bits = self.group_bits(group);
            let lets_die = word.has(Flags::DYING) && bits & KILL_FROZEN != 0;
            let lets_trap = lets_trap && hierarchy == Hierarchy::V2;
            bits & FREEZING_BITS != 0 && !lets_die && !lets_trap
        })
    }

    /// Whether `task` should freeze and still runs. A hint, for reports.
    pub fn refuses(&self, task: &TaskFreezer) -> bool {
        self.freezing(task) && !task.stands_still()
    }

    /// Whether `task` should freeze and stands still: in the refrigerator, or
    /// where it sleeps. A hint, for reports.
    pub fn holds(&self, task: &TaskFreezer) -> bool {
        self.freezing(task) && task.stands_still()
    }

    /// What `task` needs so that it freezes; the caller hands the answer to
    /// [`Host::deliver`] (Linux `freeze_task`). Asking twice is harmless.
    pub fn freeze_task(&self, task: &TaskFreezer) -> Request {
        let word = task.load();
        if word.stands_still() || !self.freezing(task) {
            return Request::NotRequested;
        }
        if word.has(Flags::KTHREAD) {
            Request::WakeKthread
        } else if word.has(Flags::EXITING) {
            Request::AwaitExit
        } else {
            Request::FakeSignal
        }
    }

    /// A CPU has picked `task` and is about to run it; the answer goes to
    /// [`Host::deliver`]. A task that woke, or moved between queues, while a
    /// sweep passed by may have been missed and is caught here.
    ///
    /// ```text
    ///  CPU picks a task (queue locked)     freezer
    ///  -------------------------------     -------
    ///  current := task                     freezing := 1
    ///  read freezing (SwitchInCheck)       lock each queue, visit its current
    /// ```
    ///
    /// The queue's lock orders the two: the sweep sees the task, or the task
    /// sees the flags. Model `no_task_slips_past_a_sweep`.
    #[inline]
    pub fn switched_in<H: Host>(&self, task: &H::Task) -> Request {
        if H::WITHOUT == Some(Step::SwitchInCheck) {
            return Request::NotRequested;
        }
        if !self.freezing(task.as_ref()) {
            return Request::NotRequested;
        }
        self.freeze_task(task.as_ref())
    }

    /// The current task goes to sleep and counts as frozen until
    /// [`Freezer::freezer_count`]. In between it does nothing that a frozen
    /// task may not do (Linux `freezer_do_not_count`).
    ///
    /// No barrier: a freezer that still sees it awake sends one needless wake.
    #[inline]
    pub fn freezer_do_not_count<H: Host>(&self, host: &H, task: &H::Task) {
        self.set(host, task.as_ref(), Flags::SKIP);
    }

    /// The current task is awake again and freezes at once if it should;
    /// true if it was in the refrigerator. It must then look again at what
    /// it waited for (Linux `freezer_count`).
    #[inline]
    pub fn freezer_count<H: Host>(&self, host: &H, task: &H::Task) -> bool {
        self.freezer_count_after(host, task, || {})
    }

    /// As [`Freezer::freezer_count`], with something to do before the task
    /// freezes, if it does: there it gives away what others wait for. It is
    /// awake still, so no freeze is complete before.
    #[inline]
    pub fn freezer_count_after<H: Host>(
        &self,
        host: &H,
        task: &H::Task,
        before: impl FnOnce(),
    ) -> bool {
        self.clear(host, task.as_ref(), Flags::SKIP);
        barrier::<H>(Step::WakeBarrier);
        self.try_to_freeze_after(host, task, before)
    }

    /// A freeze point: freezes the current task if it should; true if it
    /// was in the refrigerator (Linux `try_to_freeze`).
    #[inline]
    pub fn try_to_freeze<H: Host>(&self, host: &H, task: &H::Task) -> bool {
        self.try_to_freeze_after(host, task, || {})
    }

    #[inline]
    fn try_to_freeze_after<H: Host>(
        &self,
        host: &H,
        task: &H::Task,
        before: impl FnOnce(),
    ) -> bool {
        if cfg!(debug_assertions) && !task.as_ref().load().has(Flags::NOFREEZE)
        {
            host.check_no_locks_held();
        }
        if !self.freezing(task.as_ref()) {
            return false;
        }
        before();
        self.refrigerator(host, task, KthreadStop::Ignore)
    }

    /// The current task stays here while it is freezing; true if it slept
    /// (Linux `__refrigerator`). Leaves the task running, so its caller must
    /// test again whatever it was about to wait for.
    ///
    /// ```text
    ///  frozen task                         freezer
    ///  -----------                         -------
    ///  read freezing == 0: leave           freezing := 0, wake; later
    ///  awake += 1, FROZEN := 0             freezing := 1
    ///  full barrier  (WakeBarrier)         full barrier  (RaiseBarrier)
    ///  read freezing again (LeaveCheck)    read awake == 0: all frozen
    /// ```
    ///
    /// Between the first read and the count, the next freeze may begin and
    /// find nobody awake; so the task looks again once it is counted. Model
    /// `a_leaver_sees_the_next_freeze`.
    #[cold]
    pub fn refrigerator<H: Host>(
        &self,
        host: &H,
        task: &H::Task,
        stop: KthreadStop,
    ) -> bool {
        let own = task.as_ref();
        let stay = || {
            let released =
                stop == KthreadStop::Heed && host.kthread_should_stop(task);
            !released && self.freezing(own)
        };
        let mut was_frozen = false;
        while stay() {
            was_frozen = true;
            self.set(host, own, Flags::FROZEN);
            host.sleep_in_refrigerator(task, stay);
            self.clear(host, own, Flags::FROZEN);
            barrier::<H>(Step::WakeBarrier);
            if H::WITHOUT == Some(Step::LeaveCheck) {
                break;
            }
        }
        was_frozen
    }

    /// Makes the current kernel thread freezable and freezes it if it
    /// should; true if it was in the refrigerator (Linux `set_freezable`).
    pub fn set_freezable<H: Host>(&self, host: &H, task: &H::Task) -> bool {
        self.clear(host, task.as_ref(), Flags::NOFREEZE);
        barrier::<H>(Step::WakeBarrier);
        self.try_to_freeze(host, task)
    }

    /// The freeze point of a kernel thread's main loop. Answers whether the
    /// thread was in the refrigerator, then whether it should stop (Linux
    /// `kthread_freezable_should_stop`).
    pub fn kthread_freezable_should_stop<H: Host>(
        &self,
        host: &H,
        task: &H::Task,
    ) -> (bool, bool) {
        let was_frozen = self.freezing(task.as_ref())
            && self.refrigerator(host, task, KthreadStop::Heed);
        (was_frozen, host.kthread_should_stop(task))
    }

    /// Decides anew whether the current task's signal mark stands: `clear`
    /// removes it, then `is_pending` asks for real signals. True if the
    /// caller must set it again (Linux `recalc_sigpending`).
    ///
    /// ```text
    ///  task                                freezer
    ///  ----                                -------
    ///  mark := 0                           freezing := 1
    ///  full barrier  (RecalcBarrier)       full barrier  (RaiseBarrier)
    ///  read freezing -> mark := 1          mark := 1
    /// ```
    ///
    /// A fake signal that the clearing wipes out was sent after the flags
    /// rose, so the read sees them. Model `a_fake_signal_is_not_lost`.
    pub fn recalc_sigpending<H: Host>(
        &self,
        task: &H::Task,
        clear: impl FnOnce(),
        is_pending: impl FnOnce() -> bool,
    ) -> bool {
        clear();
        barrier::<H>(Step::RecalcBarrier);
        is_pending() || self.freezing(task.as_ref())
    }
}
