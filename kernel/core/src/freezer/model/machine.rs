//! A machine for the models: one task, one freezer, loom's locks.
//!
//! `Machine<N>` leaves out what `N` says: a step of the freezer's protocol,
//! or one of the duties that `Host` asks of the kernel.

use loom::cell::UnsafeCell;
use loom::sync::atomic::Ordering::{Relaxed, SeqCst};
use loom::sync::atomic::{AtomicBool, fence};
use loom::sync::{Condvar, Mutex};

use crate::freezer::Freezer;
use crate::freezer::host::{
    Delivery, HelperDepth, Host, Request, Step, System,
};
use crate::freezer::record::{LogEvent, Phase, Record};
use crate::freezer::task::{Flags, Groups, TaskFreezer};
use crate::usermode_helper::Helpers;

/// Leaves nothing out.
pub const COMPLETE: usize = 100;
/// A task asks whether to stay frozen before a thaw can find it.
pub const OWN_ASK_FIRST: usize = 101;
/// The freezer asks whether all is quiet before it can be woken.
pub const QUIET_ASK_FIRST: usize = 102;

/// The number of a machine without this step.
pub const fn without(step: Step) -> usize {
    step as usize
}

const STEPS: [Step; 12] = [
    Step::RaiseBarrier,
    Step::WakeBarrier,
    Step::ParkBarrier,
    Step::ParkRelease,
    Step::LeaveCheck,
    Step::SwitchInCheck,
    Step::CountUpFirst,
    Step::RecalcBarrier,
    Step::AttachBarrier,
    Step::BirthBarrier,
    Step::VictimBarrier,
    Step::HelperBarrier,
];

pub struct Task(TaskFreezer);

impl AsRef<TaskFreezer> for Task {
    fn as_ref(&self) -> &TaskFreezer {
        &self.0
    }
}

pub struct Machine<const WITHOUT: usize> {
    pub freezer: Freezer,
    pub helpers: Helpers,
    /// The task under test.
    pub task: Task,
    /// A second one, where a model needs it.
    pub neighbour: TaskFreezer,
    /// The one that freezes.
    suspender: Task,
    /// The task's signal mark.
    mark: AtomicBool,
    /// Guards the run queue: whether a CPU runs the task.
    is_current: Mutex<bool>,
    refrigerator: Mutex<()>,
    /// Whether the task is in there; for a look without the lock.
    is_inside: AtomicBool,
    thawed: Condvar,
    quiet: (Mutex<()>, Condvar),
    /// What the tasks' user code works on.
    memory: UnsafeCell<()>,
    memory_of_neighbour: UnsafeCell<()>,
}

impl<const WITHOUT: usize> Machine<WITHOUT> {
    /// The task is born with these flags; nothing runs it yet.
    pub fn new(flags: Flags) -> Self {
        let machine = Self {
            freezer: Freezer::new(),
            helpers: Helpers::new(),
            task: Task(TaskFreezer::new()),
            neighbour: TaskFreezer::new(),
            suspender: Task(TaskFreezer::new()),
            mark: AtomicBool::new(false),
            is_current: Mutex::new(false),
            refrigerator: Mutex::new(()),
            is_inside: AtomicBool::new(false),
            thawed: Condvar::new(),
            quiet: (Mutex::new(()), Condvar::new()),
            memory: UnsafeCell::new(()),
            memory_of_neighbour: UnsafeCell::new(()),
        };
        let freezer = &machine.freezer;
        freezer.born_with(&machine, machine.task.as_ref(), flags, Groups::ROOT);
        let suspender = machine.suspender.as_ref();
        freezer.born_with(&machine, suspender, Flags::empty(), Groups::ROOT);
        machine
    }

    /// The task runs in user mode.
    pub fn user_code(&self) {
        self.memory.with_mut(|_| ());
    }

    pub fn user_code_of_neighbour(&self) {
        self.memory_of_neighbour.with_mut(|_| ());
    }

    pub fn neighbour_dies(&self) {
        self.freezer.set(self, &self.neighbour, Flags::NOFREEZE);
    }

    /// The freezer believes that nobody runs, so all memory is its own.
    fn all_still(&self) {
        self.memory.with_mut(|_| ());
        self.memory_of_neighbour.with_mut(|_| ());
    }

    pub fn freeze_and_thaw(&self) {
        self.freezer.freeze_processes(self, &self.suspender).unwrap();
        self.all_still();
        self.freezer.thaw_processes(self, &self.suspender);
    }

    pub fn freeze_all_and_thaw(&self) {
        let freezer = &self.freezer;
        freezer.suspend_freeze_processes(self, &self.suspender).unwrap();
        self.all_still();
        freezer.thaw_processes(self, &self.suspender);
    }

    /// A CPU picks the task.
    pub fn switch_in(&self) {
        let mut is_current = self.is_current.lock().unwrap();
        *is_current = true;
        let request = self.freezer.switched_in::<Self>(&self.task);
        self.deliver(&self.task, request);
    }

    pub fn is_marked(&self) -> bool {
        self.mark.load(Relaxed)
    }

    /// The task finds no real signal.
    pub fn recalc_sigpending(&self) {
        let clear = || self.mark.store(false, Relaxed);
        let task = &self.task;
        if self.freezer.recalc_sigpending::<Self>(task, clear, || false) {
            self.mark.store(true, Relaxed);
        }
    }
}

impl<const WITHOUT: usize> Host for Machine<WITHOUT> {
    type Task = Task;

    const WITHOUT: Option<Step> =
        if WITHOUT < STEPS.len() { Some(STEPS[WITHOUT]) } else { None };

    fn sleep_in_refrigerator(&self, _: &Task, mut stay: impl FnMut() -> bool) {
        if WITHOUT == OWN_ASK_FIRST {
            if stay() {
                let guard = self.refrigerator.lock().unwrap();
                drop(self.thawed.wait(guard).unwrap());
            }
            return;
        }
        let mut guard = self.refrigerator.lock().unwrap();
        self.is_inside.store(true, Relaxed);
        fence(SeqCst);
        while stay() {
            guard = self.thawed.wait(guard).unwrap();
        }
        self.is_inside.store(false, Relaxed);
    }

    fn wake_refrigerated(&self, which: impl Fn(&Task) -> bool) {
        let _guard = self.refrigerator.lock().unwrap();
        if which(&self.task) {
            self.thawed.notify_all();
        }
    }

    fn wake_frozen(&self, _: &Task) {
        if self.is_inside.load(Relaxed) {
            let _guard = self.refrigerator.lock().unwrap();
            self.thawed.notify_all();
        }
    }

    fn deliver(&self, _: &Task, request: Request) -> Delivery {
        if request == Request::FakeSignal {
            self.mark.store(true, Relaxed);
        }
        Delivery::Marked
    }

    fn for_each_awake(&self, _: Phase, mut visit: impl FnMut(&Task)) {
        if *self.is_current.lock().unwrap() {
            visit(&self.task);
        }
    }

    fn wait_for_quiet(&self, _: u64, mut done: impl FnMut() -> bool) -> bool {
        if WITHOUT == QUIET_ASK_FIRST {
            if !done() {
                let guard = self.quiet.0.lock().unwrap();
                drop(self.quiet.1.wait(guard).unwrap());
            }
            return done();
        }
        let mut guard = self.quiet.0.lock().unwrap();
        while !done() {
            guard = self.quiet.1.wait(guard).unwrap();
        }
        true
    }

    fn quiet(&self) {
        let _guard = self.quiet.0.lock().unwrap();
        self.quiet.1.notify_all();
    }

    fn group_quiet(&self, _: u32) {
        panic!("the neighbour is awake");
    }

    fn kthread_should_stop(&self, _: &Task) -> bool {
        false
    }
}

impl<const WITHOUT: usize> System for Machine<WITHOUT> {
    fn now_ns(&self) -> u64 {
        0
    }
    fn for_each_task(&self, _: impl FnMut(&Task)) {}
    fn wakeup_pending(&self) -> bool {
        false
    }
    fn clear_wakeup(&self) {}
    fn freeze_workqueues_begin(&self) {}
    fn thaw_workqueues(&self) {}
    fn set_helper_depth(&self, depth: HelperDepth) {
        self.helpers.set_depth(depth);
    }
    fn helpers_idle(&self) -> bool {
        self.helpers.idle()
    }
    fn disable_oom_killer(&self, _: u64) -> bool {
        true
    }
    fn enable_oom_killer(&self) {}
    fn schedule(&self) {}
    fn log(&self, _: LogEvent) {}
    fn report_refuser(&self, _: &Task) {}
    fn record(&self, _: &Record) {}
}
