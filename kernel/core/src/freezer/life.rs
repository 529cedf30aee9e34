//! A task's life as the freezer sees it: birth, exec, death, and being
//! chosen by the out-of-memory killer.
//!
//! Read next: `group.rs`.

use super::host::{Host, Request, Step, barrier};
use super::state::Freezer;
use super::task::{ENDING, Flags, Groups, Hierarchy, TaskFreezer, Word};
use crate::sync::Ordering;

impl Freezer {
    /// The current task `parent` makes `child`: same group, and a kernel
    /// thread if the parent is one. Call it once nothing can fail any more,
    /// before any CPU can run the child.
    ///
    /// The child counts as awake from here on. Its parent runs, so the counts
    /// cannot reach zero while the child is under way.
    ///
    /// ```text
    ///  parent in group A                   who moves it, and removes A
    ///  -----------------                   ---------------------------
    ///  A.members += 1, child's group := A  parent's group := B
    ///                                      A.members -= 1  (release)
    ///  full barrier  (BirthBarrier)
    ///  read own group: no longer A?        read A.members == 0: remove A
    ///    once more with the new one
    /// ```
    ///
    /// Either the parent sees that it was moved, or A has a member more. Model
    /// `no_child_is_born_into_a_removed_group`.
    pub fn born<H: Host>(
        &self,
        host: &H,
        child: &TaskFreezer,
        parent: &TaskFreezer,
    ) {
        let kept = Flags::KTHREAD | Flags::NOFREEZE;
        loop {
            let word = parent.load();
            self.born_with(host, child, word.flags() & kept, word.groups());
            barrier::<H>(Step::BirthBarrier);
            if parent.groups() == word.groups() {
                return;
            }
        }
    }

    /// As [`Freezer::born`], but the child stands in `group` of `hierarchy`,
    /// wherever its parent is (`CLONE_INTO_CGROUP`). Somebody keeps that
    /// group from being removed meanwhile.
    ///
    /// The parent does not count there, so the group may have nobody awake,
    /// and be frozen. Either the freezer finds that the child is awake, and
    /// visits whom the CPUs run; or the child is picked after the bits rose,
    /// and finds them ([`Freezer::switched_in`]).
    ///
    /// ```text
    ///  parent, then a CPU that picks       who freezes the group
    ///  -----------------------------       ---------------------
    ///  B.awake += 1, child's group := B    B.freezing := 1
    ///  full barrier  (BirthBarrier)        full barrier  (RaiseBarrier)
    ///  pick, read B.freezing -> ask it     read B.awake == 0: all frozen
    /// ```
    ///
    /// Model `a_child_born_into_a_group_does_not_slip_past_its_freeze`.
    pub fn born_into<H: Host>(
        &self,
        host: &H,
        child: &TaskFreezer,
        parent: &TaskFreezer,
        (hierarchy, group): (Hierarchy, u32),
    ) {
        let kept = Flags::KTHREAD | Flags::NOFREEZE;
        loop {
            let word = parent.load();
            let groups = word.groups().with(hierarchy, group);
            self.born_with(host, child, word.flags() & kept, groups);
            barrier::<H>(Step::BirthBarrier);
            if parent.groups().with(hierarchy, group) == groups {
                return;
            }
        }
    }

    /// As [`Freezer::born`], with everything said: for the first tasks, and
    /// for kernel threads, which are born with `KTHREAD | NOFREEZE` whoever
    /// asks for them.
    ///
    /// A child that is chosen to die before it is born stays so: who ends a
    /// process marks every thread that stands among its threads.
    pub fn born_with<H: Host>(
        &self,
        host: &H,
        child: &TaskFreezer,
        flags: Flags,
        groups: Groups,
    ) {
        self.change(host, child, |old| {
            Word::new(flags | old.flags() & ENDING, groups)
        });
    }

    /// A successful `execve` of the current task: what it runs now is a user
    /// program, which can be frozen. The answer goes to [`Host::deliver`], for
    /// a freeze under way has passed over it.
    pub fn exec<H: Host>(&self, host: &H, task: &H::Task) -> Request {
        let gone = Flags::KTHREAD | Flags::NOFREEZE;
        if task.as_ref().flags().intersects(gone) {
            self.clear(host, task.as_ref(), gone);
            barrier::<H>(Step::WakeBarrier);
        }
        self.freeze_task(task.as_ref())
    }

    /// The current task has begun to exit: it takes no signal any more.
    pub fn exiting<H: Host>(&self, host: &H, task: &H::Task) {
        self.set(host, task.as_ref(), Flags::EXITING);
    }

    /// The current task, which is exiting, leaves its groups: it needs them
    /// no more, and they can be removed.
    pub fn leave_groups<H: Host>(&self, host: &H, task: &H::Task) {
        if task.as_ref().groups() != Groups::ROOT {
            self.change(host, task.as_ref(), |word| {
                Word::new(word.flags(), Groups::ROOT)
            });
        }
    }

    /// The current task's last act. A dead task not yet reaped never holds
    /// up a freeze.
    pub fn dead<H: Host>(&self, host: &H, task: &H::Task) {
        self.set(host, task.as_ref(), Flags::NOFREEZE | Flags::EXITING);
        self.leave_groups(host, task);
    }

    /// Lets a victim of the out-of-memory killer run, so that it can die. The
    /// caller then sends it its `SIGKILL`.
    ///
    /// ```text
    ///  victim                              killer
    ///  ------                              ------
    ///  enter the refrigerator              victim's OOM_VICTIM := 1
    ///  full barrier  (the host's)          full barrier  (VictimBarrier)
    ///  read OOM_VICTIM -> leave            is it in there? -> wake it
    /// ```
    ///
    /// Model `a_victim_gets_out_of_the_refrigerator`.
    pub fn mark_oom_victim<H: Host>(&self, host: &H, victim: &H::Task) {
        self.mark(host, victim, Flags::OOM_VICTIM);
    }

    /// A fatal signal is on its way to `task`: it leaves the refrigerator if
    /// its groups let it (`kill_frozen`). The same protocol.
    pub fn mark_dying<H: Host>(&self, host: &H, task: &H::Task) {
        self.mark(host, task, Flags::DYING);
    }

    /// `cgroup.kill` ends `task`: no group holds it. The caller then sends
    /// it its `SIGKILL`. The same protocol.
    pub fn mark_killed<H: Host>(&self, host: &H, task: &H::Task) {
        self.mark(host, task, Flags::KILLED);
    }

    /// `task`'s tracer asks it to trap: no group of cgroup v2 holds it until it
    /// has (SPECIFICATION.md B3). The caller wakes it from its sleep, and has
    /// noted what it is asked for, so that it looks. The same protocol.
    pub fn mark_trapping<H: Host>(&self, host: &H, task: &H::Task) {
        self.mark(host, task, Flags::TRAPPING);
    }

    /// The current task has trapped, or need not any more. It passes a freeze
    /// point before it does anything else.
    ///
    /// ```text
    ///  trapping task                       who freezes the group
    ///  -------------                       ---------------------
    ///  TRAPPING := 0                       freezing := 1
    ///  full barrier  (WakeBarrier)         full barrier  (RaiseBarrier)
    ///  read freezing -> refrigerator       read TRAPPING == 0: ask it
    /// ```
    ///
    /// A freezer that finds it trapping does not ask it, and waits: it is
    /// awake. Model `a_task_that_has_trapped_is_asked_or_freezes`.
    pub fn end_trap<H: Host>(&self, host: &H, task: &H::Task) {
        self.clear(host, task.as_ref(), Flags::TRAPPING);
        barrier::<H>(Step::WakeBarrier);
    }

    fn mark<H: Host>(&self, host: &H, task: &H::Task, flag: Flags) {
        let bit = u64::from(flag.bits());
        task.as_ref().word.fetch_or(bit, Ordering::Relaxed);
        barrier::<H>(Step::VictimBarrier);
        host.wake_frozen(task);
    }

    /// Moves `task` to `group` of a hierarchy, which must exist until it is
    /// moved again. A task that exits stays where it is. The answer goes to
    /// [`Host::deliver`]. A frozen task looks whether it still should be.
    ///
    /// ```text
    ///  who moves the task                  who freezes the group
    ///  ------------------                  ---------------------
    ///  task's group := B                   B.freezing := 1
    ///  full barrier  (AttachBarrier)       full barrier  (RaiseBarrier)
    ///  read B.freezing -> ask the task     read the task's group -> ask it
    /// ```
    ///
    /// Model `a_joiner_does_not_slip_past_its_groups_freeze`.
    pub fn attach<H: Host>(
        &self,
        host: &H,
        task: &H::Task,
        hierarchy: Hierarchy,
        group: u32,
    ) -> Request {
        let own = task.as_ref();
        self.change(host, own, |word| match word.has(Flags::EXITING) {
            true => word,
            false => {
                Word::new(word.flags(), word.groups().with(hierarchy, group))
            }
        });
        barrier::<H>(Step::AttachBarrier);
        if own.frozen() {
            host.wake_frozen(task);
        }
        self.freeze_task(own)
    }
}
