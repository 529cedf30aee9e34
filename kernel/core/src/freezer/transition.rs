//! Freezing and thawing the whole system (Linux kernel/power/process.c).
//!
//! All four functions run under the system transition mutex, by the task
//! that asked for the suspend. The order of the steps is the contract: a
//! failure at any of them leaves nothing behind.
//!
//! Read next: the models.

use kernel_abi::Errno;

use super::host::{HelperDepth, Step, System, barrier};
use super::record::{LogEvent, Phase};
use super::state::Freezer;
use super::task::Flags;
use crate::sync::Ordering;

/// How long running helpers may take before a freeze gives up.
const HELPER_TIMEOUT_NS: u64 = 5_000_000_000;

impl Freezer {
    /// Freezes user tasks, then kernel threads; a failure thaws all.
    ///
    /// # Errors
    /// `EAGAIN` if helpers keep running, `EBUSY` if tasks refuse, a wakeup
    /// event comes, or a victim of the out-of-memory killer does not die.
    pub fn suspend_freeze_processes<S: System>(
        &self,
        system: &S,
        current: &S::Task,
    ) -> Result<(), Errno> {
        self.freeze_processes(system, current)?;
        let result = self.freeze_kernel_threads(system);
        if result.is_err() {
            self.thaw_processes(system, current);
        }
        result
    }

    /// Freezes user tasks. The current task stays awake: it must be the one
    /// to call [`Freezer::thaw_processes`].
    ///
    /// # Errors
    /// As [`Freezer::suspend_freeze_processes`]; all is thawed again.
    pub fn freeze_processes<S: System>(
        &self,
        system: &S,
        current: &S::Task,
    ) -> Result<(), Errno> {
        self.hold_helpers(system)?;
        self.set(system, current.as_ref(), Flags::SUSPEND_TASK);
        system.clear_wakeup();
        self.raise();
        let result = self.freeze_users(system);
        if result.is_err() {
            self.thaw_processes(system, current);
        }
        result
    }

    fn freeze_users<S: System>(&self, system: &S) -> Result<(), Errno> {
        self.try_to_freeze_tasks(system, Phase::User)?;
        system.set_helper_depth(HelperDepth::Disabled);
        let timeout_ms = self.freeze_timeout_ms.load(Ordering::Relaxed);
        let deadline = system.now_ns() + u64::from(timeout_ms) * 1_000_000;
        if !system.disable_oom_killer(deadline) {
            return Err(Errno::EBUSY);
        }
        system.log(LogEvent::OomDisabled);
        Ok(())
    }

    /// Closes the helpers' gate and waits for those that run.
    fn hold_helpers<S: System>(&self, system: &S) -> Result<(), Errno> {
        system.set_helper_depth(HelperDepth::Freezing);
        let deadline = system.now_ns() + HELPER_TIMEOUT_NS;
        if system.wait_for_quiet(deadline, || system.helpers_idle()) {
            return Ok(());
        }
        system.set_helper_depth(HelperDepth::Enabled);
        Err(Errno::EAGAIN)
    }

    /// Freezes kernel threads and freezable workqueues; user tasks are
    /// frozen already.
    ///
    /// # Errors
    /// `EBUSY`; kernel threads are thawed again, user tasks are not.
    pub fn freeze_kernel_threads<S: System>(
        &self,
        system: &S,
    ) -> Result<(), Errno> {
        self.pm_nosig_freezing.store(true, Ordering::Relaxed);
        let result = self.try_to_freeze_tasks(system, Phase::Kernel);
        if result.is_err() {
            self.thaw_kernel_threads(system);
        }
        result
    }

    /// Lets everything run again that no frozen group holds.
    pub fn thaw_processes<S: System>(&self, system: &S, current: &S::Task) {
        let own = current.as_ref();
        self.lower();
        system.enable_oom_killer();
        system.log(LogEvent::OomEnabled);
        system.set_helper_depth(HelperDepth::Freezing);
        self.thaw_workqueues(system);
        system.wake_refrigerated(|task| !self.freezing(task.as_ref()));
        if !own.flags().contains(Flags::SUSPEND_TASK) {
            system.log(LogEvent::NotTheFreezer);
        }
        self.clear(system, own, Flags::SUSPEND_TASK);
        barrier::<S>(Step::WakeBarrier);
        system.deliver(current, self.freeze_task(own));
        system.set_helper_depth(HelperDepth::Enabled);
        system.schedule();
        system.log(LogEvent::TasksRestarted);
    }

    /// Lowers the flags, before anybody is woken.
    pub(super) fn lower(&self) {
        if self.pm_freezing.load(Ordering::Relaxed) {
            self.system_freezing_cnt.fetch_sub(1, Ordering::Release);
        }
        self.pm_freezing.store(false, Ordering::Release);
        self.pm_nosig_freezing.store(false, Ordering::Release);
    }

    /// Raises the flags, before anybody is asked; once only for one freeze.
    pub(super) fn raise(&self) {
        if !self.pm_freezing.load(Ordering::Relaxed) {
            self.system_freezing_cnt.fetch_add(1, Ordering::Relaxed);
        }
        self.pm_freezing.store(true, Ordering::Relaxed);
    }

    /// Lets kernel threads run again; user tasks stay frozen.
    pub fn thaw_kernel_threads<S: System>(&self, system: &S) {
        self.pm_nosig_freezing.store(false, Ordering::Release);
        self.thaw_workqueues(system);
        let kinds = Flags::KTHREAD | Flags::WQ_WORKER;
        system.wake_refrigerated(|task| {
            let own = task.as_ref();
            own.flags().intersects(kinds) && !self.freezing(own)
        });
        system.schedule();
        system.log(LogEvent::KthreadsRestarted);
    }
}
