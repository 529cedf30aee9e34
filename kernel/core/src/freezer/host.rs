//! What the freezer asks of the kernel around it.
//!
//! [`Host`] is the little that the lock-free protocols need; the kernel
//! implements it with its scheduler, the models with loom threads. [`System`]
//! adds what a whole freeze and thaw needs.
//!
//! Read next: `state.rs`.

use super::record::{LogEvent, Phase, Record};
use super::task::TaskFreezer;
use crate::sync::{Ordering, fence};

/// What a task that should freeze needs, so that it notices.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Nothing: it need not freeze, or stands frozen already.
    NotRequested,
    /// A user task: mark a signal as pending, without any signal; then wake
    /// it if it sleeps interruptibly, else kick the CPU that runs it.
    FakeSignal,
    /// A kernel thread: wake it if it sleeps interruptibly. It finds its own
    /// freeze point.
    WakeKthread,
    /// A user task that is past taking signals. Nothing to send; it counts
    /// until it is dead.
    AwaitExit,
}

/// What carrying out a [`Request`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Marked only: the task will pass a freeze point by itself.
    Marked,
    /// The task slept and was woken.
    Woken,
    /// The task's CPU got an interrupt.
    Kicked,
}

/// Whether usermode helpers, programs that the kernel itself starts, may start
/// (Linux `enum umh_disable_depth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HelperDepth {
    /// They may.
    Enabled,
    /// A freeze or thaw is under way; who can wait does.
    Freezing,
    /// User space is frozen; who can wait gets an error instead.
    Disabled,
}

/// The scheduler, as the freezer sees it.
pub trait Host {
    /// A task. It embeds a [`TaskFreezer`].
    type Task: AsRef<TaskFreezer>;

    /// The one step left out of the protocol, to prove that it is needed.
    /// Only model tests set it.
    const WITHOUT: Option<Step> = None;

    /// Blocks the current task, in an uninterruptible wait named
    /// `__refrigerator`, for as long as `stay` says so. Returns with the
    /// task running.
    ///
    /// Ordering: the task must be where [`Host::wake_refrigerated`] finds it
    /// before `stay` is asked, with a full barrier or one lock in between.
    /// Any wake makes it ask again.
    fn sleep_in_refrigerator(
        &self,
        task: &Self::Task,
        stay: impl FnMut() -> bool,
    );

    /// Wakes each task in the refrigerator that `which` picks.
    fn wake_refrigerated(&self, which: impl Fn(&Self::Task) -> bool);

    /// Wakes `task` if it is in the refrigerator, so that it looks again.
    /// The caller has put a full barrier after what it changed.
    fn wake_frozen(&self, task: &Self::Task);

    /// Carries out `request`. Ordering: the mark is visible to the task's
    /// CPU before that CPU takes the interrupt.
    fn deliver(&self, task: &Self::Task, request: Request) -> Delivery;

    /// Calls `visit` for every task that a CPU runs now, and for every
    /// freezable kernel thread in a plain interruptible sleep when `phase` is
    /// [`Phase::Kernel`]. May visit others, as those that wait for a CPU.
    /// Never walks user tasks that sleep.
    ///
    /// Ordering: a task switched in during the walk is visited, or its
    /// [`Freezer::switched_in`](super::Freezer::switched_in) comes after the
    /// flags that the caller raised. Reading each CPU's current task under
    /// the run queue's lock, which the switch holds too, gives this.
    fn for_each_awake(&self, phase: Phase, visit: impl FnMut(&Self::Task));

    /// Blocks the current task until `done` says so or the clock passes
    /// `deadline_ns`; true if `done` did. Asks `done` at least once.
    ///
    /// Ordering: as [`Host::sleep_in_refrigerator`], with [`Host::quiet`] as
    /// the waker.
    fn wait_for_quiet(
        &self,
        deadline_ns: u64,
        done: impl FnMut() -> bool,
    ) -> bool;

    /// The last awake task has parked (or a wakeup event came): wakes the
    /// task in [`Host::wait_for_quiet`], if any. Called by tasks on their way
    /// to sleep, interrupts enabled or not; must not sleep.
    fn quiet(&self);

    /// Nobody of freezing `group` is awake any more. Same rules.
    fn group_quiet(&self, group: u32) {
        let _ = group;
    }

    /// The last member has left `group`. Same rules.
    fn group_empty(&self, group: u32) {
        let _ = group;
    }

    /// Whether somebody called `kthread_stop` for the current kernel thread.
    fn kthread_should_stop(&self, task: &Self::Task) -> bool;

    /// Stops the machine if the current task holds a lock. Debug builds call
    /// it at every freeze point (Linux `debug_check_no_locks_held`).
    fn check_no_locks_held(&self) {}
}

/// The rest of the kernel, as a whole freeze and thaw sees it.
pub trait System: Host {
    /// Nanoseconds since boot, the time in deep sleep included.
    fn now_ns(&self) -> u64;
    /// Visits every task but the idle ones. It is slow, and for reports only.
    fn for_each_task(&self, visit: impl FnMut(&Self::Task));

    /// Whether a wakeup event came since [`System::clear_wakeup`].
    fn wakeup_pending(&self) -> bool;
    /// Forgets the aborts of an earlier transition.
    fn clear_wakeup(&self);

    /// Sets every freezable workqueue's limit of active works to 0.
    fn freeze_workqueues_begin(&self);
    /// Restores the limits and starts what was held back.
    fn thaw_workqueues(&self);

    /// Says whether usermode helpers may start from now on. Ordering: a full
    /// barrier follows, before [`System::helpers_idle`] looks.
    fn set_helper_depth(&self, depth: HelperDepth);
    /// Whether no usermode helper runs. The last one to end while the depth
    /// is [`HelperDepth::Freezing`] calls [`Host::quiet`].
    fn helpers_idle(&self) -> bool;

    /// Waits for out-of-memory victims to die, then turns the killer off;
    /// false if they still live at `deadline_ns`.
    fn disable_oom_killer(&self, deadline_ns: u64) -> bool;
    /// Turns the out-of-memory killer on again.
    fn enable_oom_killer(&self);

    /// Lets other tasks run once.
    fn schedule(&self);

    /// Prints a line of the kernel log.
    fn log(&self, event: LogEvent);
    /// Prints the name, state and stack of a task that refuses to freeze.
    fn report_refuser(&self, task: &Self::Task);
    /// Prints the freezable workqueues that are busy.
    fn report_workqueues(&self) {}
    /// Keeps the figures of a phase for `/sys/power/freeze_stats`.
    fn record(&self, record: &Record);
}

/// The steps that make the protocols right. Each has a model that fails
/// without it, named in the chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Freezer: full barrier between raising the flags and reading counts.
    RaiseBarrier,
    /// Waking task: full barrier between counting itself and reading flags.
    WakeBarrier,
    /// Last task to park: full barrier between its count and the flags.
    ParkBarrier,
    /// Parking task: what it did before is visible to who reads the count.
    ParkRelease,
    /// A task that leaves the refrigerator looks again once it is counted.
    LeaveCheck,
    /// A task that a CPU picks during a freeze looks at the flags.
    SwitchInCheck,
    /// A counter goes up before the word says so, down only after.
    CountUpFirst,
    /// Full barrier between clearing the signal mark and reading flags.
    RecalcBarrier,
    /// Whoever moves a task: full barrier between its new group and the
    /// group's bits.
    AttachBarrier,
    /// Parent: full barrier between its child's group and what is read then:
    /// its own group, a second time; the bits of a group that is not its own.
    BirthBarrier,
    /// Out-of-memory killer: full barrier between the mark and the look into
    /// the refrigerator.
    VictimBarrier,
    /// Starter of a helper: full barrier between counting and the gate.
    HelperBarrier,
}

/// A full barrier, which a model may leave out.
#[inline(always)]
pub(crate) fn barrier<H: Host>(step: Step) {
    if H::WITHOUT != Some(step) {
        fence(Ordering::SeqCst);
    }
}
