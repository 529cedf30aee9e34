//! A machine without CPUs: it records what the freezer asks of it.
//!
//! Whoever would block runs the next *act* instead: a closure that stands for
//! what other tasks do meanwhile. A wait with no act left fails the test, or
//! runs into its deadline.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::freezer::{
    Delivery, Flags, Freezer, Groups, HelperDepth, Host, LogEvent, Phase,
    Record, Request, System, TaskFreezer,
};
use crate::kthread::KthreadControl;
use crate::power::console::Line;
use crate::usermode_helper::Helpers;

pub const USER: Flags = Flags::empty();
pub const KTHREAD: Flags = Flags::KTHREAD;

pub struct FakeTask {
    pub own: TaskFreezer,
    pub id: usize,
    pub control: KthreadControl,
    pub is_marked: Cell<bool>,
}

impl FakeTask {
    /// One that is not born yet.
    pub fn new(id: usize) -> Self {
        Self {
            own: TaskFreezer::new(),
            id,
            control: KthreadControl::new(),
            is_marked: Cell::new(false),
        }
    }
}

impl AsRef<TaskFreezer> for FakeTask {
    fn as_ref(&self) -> &TaskFreezer {
        &self.own
    }
}

type Act = Box<dyn FnOnce(&Fake)>;

pub struct Fake {
    pub freezer: Freezer,
    pub helpers: Helpers,
    pub tasks: Vec<FakeTask>,
    pub acts: RefCell<VecDeque<Act>>,
    pub events: RefCell<Vec<String>>,
    pub records: RefCell<Vec<Record>>,
    pub clock_ns: Cell<u64>,
    pub is_wakeup_pending: Cell<bool>,
    pub oom_victims_die: Cell<bool>,
}

impl Fake {
    /// A machine with awake tasks of these kinds. Task 0 is the one that
    /// freezes the others.
    pub fn new(kinds: &[Flags]) -> Self {
        let tasks = (0..=kinds.len()).map(FakeTask::new);
        let fake = Self {
            freezer: Freezer::new(),
            helpers: Helpers::new(),
            tasks: tasks.collect(),
            acts: RefCell::default(),
            events: RefCell::default(),
            records: RefCell::default(),
            clock_ns: Cell::new(0),
            is_wakeup_pending: Cell::new(false),
            oom_victims_die: Cell::new(true),
        };
        for (task, &kind) in fake.tasks.iter().zip([USER].iter().chain(kinds)) {
            fake.freezer.born_with(&fake, &task.own, kind, Groups::ROOT);
        }
        fake
    }

    /// A machine whose freeze runs into its time-out at once if anybody is
    /// awake.
    pub fn impatient(kinds: &[Flags]) -> Self {
        let fake = Self::new(kinds);
        fake.freezer.freeze_timeout_ms.store(0, crate::sync::Ordering::Relaxed);
        fake
    }

    /// What happens while somebody waits; several calls, several acts.
    pub fn meanwhile(&self, act: impl FnOnce(&Fake) + 'static) {
        self.acts.borrow_mut().push_back(Box::new(act));
    }

    pub fn task(&self, id: usize) -> &TaskFreezer {
        &self.tasks[id].own
    }

    pub fn freezing(&self, id: usize) -> bool {
        self.freezer.freezing(self.task(id))
    }

    pub fn sleep(&self, id: usize) {
        self.freezer.freezer_do_not_count(self, &self.tasks[id]);
    }

    pub fn wake(&self, id: usize) -> bool {
        self.freezer.freezer_count(self, &self.tasks[id])
    }

    pub fn try_to_freeze(&self, id: usize) -> bool {
        self.freezer.try_to_freeze(self, &self.tasks[id])
    }

    /// The task is in the refrigerator without a thread that sits there.
    pub fn put_in_refrigerator(&self, id: usize) {
        self.freezer.set(self, self.task(id), Flags::FROZEN);
    }

    pub fn die(&self, id: usize) {
        self.freezer.dead(self, &self.tasks[id]);
    }

    pub fn freeze(&self) -> Result<(), kernel_abi::Errno> {
        self.freezer.freeze_processes(self, &self.tasks[0])
    }

    pub fn freeze_kernel(&self) -> Result<(), kernel_abi::Errno> {
        self.freezer.freeze_kernel_threads(self)
    }

    pub fn thaw(&self) {
        self.freezer.thaw_processes(self, &self.tasks[0]);
    }

    pub fn conditions(&self) -> u32 {
        let order = crate::sync::Ordering::Relaxed;
        self.freezer.system_freezing_cnt.load(order)
    }

    pub fn event(&self, event: impl Into<String>) {
        self.events.borrow_mut().push(event.into());
    }

    pub fn take_events(&self) -> Vec<String> {
        self.events.take()
    }

    fn next_act(&self) -> bool {
        self.clock_ns.set(self.clock_ns.get() + 1_000_000);
        let act = self.acts.borrow_mut().pop_front();
        let found = act.is_some();
        if let Some(act) = act {
            act(self);
        }
        found
    }
}

impl Host for Fake {
    type Task = FakeTask;

    fn sleep_in_refrigerator(
        &self,
        task: &FakeTask,
        mut stay: impl FnMut() -> bool,
    ) {
        self.event(format!("refrigerator {}", task.id));
        while stay() {
            assert!(self.next_act(), "task {} stays for ever", task.id);
        }
    }

    fn wake_refrigerated(&self, which: impl Fn(&FakeTask) -> bool) {
        for task in self.tasks.iter().filter(|task| task.own.frozen()) {
            if which(task) {
                self.wake_frozen(task);
            }
        }
    }

    fn wake_frozen(&self, task: &FakeTask) {
        self.event(format!("wake {}", task.id));
    }

    fn deliver(&self, task: &FakeTask, request: Request) -> Delivery {
        self.event(format!("{request:?} {}", task.id));
        match request {
            Request::FakeSignal => {
                task.is_marked.set(true);
                Delivery::Kicked
            }
            Request::WakeKthread => Delivery::Woken,
            Request::NotRequested | Request::AwaitExit => Delivery::Marked,
        }
    }

    fn for_each_awake(&self, _: Phase, visit: impl FnMut(&FakeTask)) {
        self.event("sweep");
        self.tasks.iter().for_each(visit);
    }

    fn wait_for_quiet(
        &self,
        deadline_ns: u64,
        mut done: impl FnMut() -> bool,
    ) -> bool {
        while !done() {
            if self.clock_ns.get() >= deadline_ns {
                return false;
            }
            if !self.next_act() {
                self.clock_ns.set(deadline_ns);
            }
        }
        true
    }

    fn quiet(&self) {
        self.event("quiet");
    }

    fn group_quiet(&self, group: u32) {
        self.event(format!("group {group} quiet"));
    }

    fn kthread_should_stop(&self, task: &FakeTask) -> bool {
        task.control.should_stop()
    }

    fn check_no_locks_held(&self) {
        self.event("check locks");
    }
}

impl System for Fake {
    fn now_ns(&self) -> u64 {
        self.clock_ns.get()
    }
    fn for_each_task(&self, visit: impl FnMut(&FakeTask)) {
        self.tasks.iter().for_each(visit);
    }
    fn wakeup_pending(&self) -> bool {
        self.is_wakeup_pending.get()
    }
    fn clear_wakeup(&self) {
        self.event("clear wakeup");
    }
    fn freeze_workqueues_begin(&self) {
        self.event("freeze workqueues");
    }
    fn thaw_workqueues(&self) {
        self.event("thaw workqueues");
    }
    fn set_helper_depth(&self, depth: HelperDepth) {
        self.helpers.set_depth(depth);
    }
    fn helpers_idle(&self) -> bool {
        self.helpers.idle()
    }
    fn disable_oom_killer(&self, deadline_ns: u64) -> bool {
        let wait_ms = (deadline_ns - self.now_ns()) / 1_000_000;
        self.event(format!("oom off within {wait_ms} ms"));
        self.oom_victims_die.get()
    }
    fn enable_oom_killer(&self) {
        self.event("oom on");
    }
    fn schedule(&self) {
        self.event("schedule");
    }
    fn log(&self, event: LogEvent) {
        self.event(Line(event).to_string());
    }
    fn report_refuser(&self, task: &FakeTask) {
        self.event(format!("refuses {}", task.id));
    }
    fn report_workqueues(&self) {
        self.event("busy workqueues");
    }
    fn record(&self, record: &Record) {
        self.records.borrow_mut().push(*record);
    }
}
