//! Random freezes, refusals and thaws leave nothing behind.
//!
//! Each task is a thread, but only one runs at a time: the driver sends a
//! command and waits for the answer. A task in the refrigerator answers
//! `Blocked` and then takes only the command to look again. So a run is
//! repeatable from its seed, and the freezer's code is the one that runs.
//!
//! spec: O7 C1 C2

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::freezer::{
    Delivery, Flags, Freezer, Groups, HelperDepth, Hierarchy, Host, LogEvent,
    Phase, Record, Request, SELF_FREEZING, System, TaskFreezer,
};
use crate::sync::Ordering::Relaxed;
use crate::test_random::Random;

const TASKS: usize = 6;
const STEPS: usize = 400;
const RUNS: u64 = 100;

#[derive(Clone, Copy, Debug)]
enum Command {
    Sleep,
    Wake,
    FreezePoint,
    LookAgain,
    End,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Awake,
    Asleep,
    Blocked,
}

struct SimTask {
    own: TaskFreezer,
    id: usize,
    commands: Mutex<Receiver<Command>>,
    answers: Sender<State>,
}

impl AsRef<TaskFreezer> for SimTask {
    fn as_ref(&self) -> &TaskFreezer {
        &self.own
    }
}

/// The machine as a task's thread sees it.
struct Inside;

/// The machine as the driver sees it.
struct Driver<'a> {
    freezer: &'a Freezer,
    tasks: &'a [SimTask],
    commands: Vec<Sender<Command>>,
    answers: Vec<Receiver<State>>,
    states: Vec<Cell<State>>,
    random: RefCell<Random>,
    clock_ns: Cell<u64>,
    helper_depth: Cell<HelperDepth>,
}

fn run_task(freezer: &Freezer, task: &SimTask) {
    loop {
        let command = task.commands.lock().unwrap().recv().unwrap();
        let state = match command {
            Command::End => return,
            Command::Sleep => {
                freezer.freezer_do_not_count(&Inside, task);
                State::Asleep
            }
            Command::Wake => {
                freezer.freezer_count(&Inside, task);
                State::Awake
            }
            Command::FreezePoint | Command::LookAgain => {
                freezer.try_to_freeze(&Inside, task);
                State::Awake
            }
        };
        task.answers.send(state).unwrap();
    }
}

impl Host for Inside {
    type Task = SimTask;

    fn sleep_in_refrigerator(
        &self,
        task: &SimTask,
        mut stay: impl FnMut() -> bool,
    ) {
        while stay() {
            task.answers.send(State::Blocked).unwrap();
            task.commands.lock().unwrap().recv().unwrap();
        }
    }
    fn wake_refrigerated(&self, _: impl Fn(&SimTask) -> bool) {}
    fn wake_frozen(&self, _: &SimTask) {}
    fn deliver(&self, _: &SimTask, _: Request) -> Delivery {
        Delivery::Marked
    }
    fn for_each_awake(&self, _: Phase, _: impl FnMut(&SimTask)) {}
    fn wait_for_quiet(&self, _: u64, _: impl FnMut() -> bool) -> bool {
        false
    }
    fn quiet(&self) {}
    fn kthread_should_stop(&self, _: &SimTask) -> bool {
        false
    }
}

impl Driver<'_> {
    fn below(&self, limit: u64) -> u64 {
        self.random.borrow_mut().below(limit)
    }

    fn send(&self, id: usize, command: Command) {
        self.commands[id].send(command).unwrap();
        self.states[id].set(self.answers[id].recv().unwrap());
    }

    /// Some task takes a step of its own.
    fn step_task(&self) {
        let id = 1 + self.below(TASKS as u64 - 1) as usize;
        let command = match (self.states[id].get(), self.below(2)) {
            (State::Awake, 0) => Command::Sleep,
            (State::Awake, _) => Command::FreezePoint,
            (State::Asleep, _) => Command::Wake,
            (State::Blocked, _) => Command::LookAgain,
        };
        self.send(id, command);
    }

    fn step_driver(&self) {
        let current = &self.tasks[0];
        let freezer = self.freezer;
        let timeout = self.below(20) as u32;
        freezer.freeze_timeout_ms.store(timeout, Relaxed);
        // A refusal is as good as a success: `check` follows.
        match self.below(8) {
            0 => self.ignore(freezer.freeze_processes(self, current)),
            1 => self.ignore(freezer.suspend_freeze_processes(self, current)),
            2 if freezer.pm_freezing.load(Relaxed) => {
                self.ignore(freezer.freeze_kernel_threads(self));
            }
            3 => freezer.thaw_processes(self, current),
            4 => freezer.thaw_kernel_threads(self),
            5 => drop(freezer.freeze_group(self, 1, SELF_FREEZING)),
            6 => freezer.thaw_group(self, 1, SELF_FREEZING),
            _ => {
                let id = 1 + self.below(TASKS as u64 - 1) as usize;
                let group = self.below(2) as u32;
                let _ =
                    freezer.attach(self, &self.tasks[id], Hierarchy::V1, group);
            }
        }
    }

    fn ignore(&self, _: Result<(), kernel_abi::Errno>) {}

    /// What must hold whenever no step is half done.
    fn check(&self) {
        let freezer = self.freezer;
        let pm = freezer.pm_freezing.load(Relaxed);
        let conditions = u32::from(pm) + u32::from(freezer.group_freezing(1));
        assert_eq!(freezer.system_freezing_cnt.load(Relaxed), conditions);
        let nosig = freezer.pm_nosig_freezing.load(Relaxed);
        assert_eq!(freezer.workqueues_freezing(), nosig);
        let depth =
            if pm { HelperDepth::Disabled } else { HelperDepth::Enabled };
        assert_eq!(self.helper_depth.get(), depth);
        let own = self.tasks[0].own.flags();
        assert_eq!(own.contains(Flags::SUSPEND_TASK), pm);
        self.check_tasks();
    }

    fn check_tasks(&self) {
        let awake = |task: &&SimTask| {
            self.states[task.id].get() == State::Awake
                && !task.own.flags().contains(Flags::SUSPEND_TASK)
        };
        let count = |which: &dyn Fn(&TaskFreezer) -> bool| {
            let counted = self.tasks.iter().filter(awake);
            counted.filter(|task| which(&task.own)).count() as u32
        };
        let freezer = self.freezer;
        let is_kernel = |own: &TaskFreezer| own.flags() & Flags::KTHREAD;
        let users = count(&|own| is_kernel(own).is_empty());
        let all = count(&|_| true);
        assert_eq!(freezer.count_awake(Phase::User), users);
        assert_eq!(freezer.count_awake(Phase::Kernel), all);
        let members = count(&|own| own.groups().contains(1));
        assert_eq!(freezer.groups[1].awake.load(Relaxed), members);
        for (task, state) in self.tasks.iter().zip(&self.states) {
            let is_blocked = state.get() == State::Blocked;
            assert_eq!(task.own.frozen(), is_blocked);
            let is_asleep = state.get() == State::Asleep;
            assert_eq!(task.own.flags().contains(Flags::SKIP), is_asleep);
            let released = is_blocked && !freezer.freezing(&task.own);
            assert!(!released, "task {} was not woken", task.id);
        }
    }
}

impl Host for Driver<'_> {
    type Task = SimTask;

    fn sleep_in_refrigerator(&self, _: &SimTask, _: impl FnMut() -> bool) {
        unreachable!("the driver does not freeze");
    }

    fn wake_refrigerated(&self, which: impl Fn(&SimTask) -> bool) {
        for task in self.tasks.iter().filter(|task| task.own.frozen()) {
            if which(task) {
                self.wake_frozen(task);
            }
        }
    }

    fn wake_frozen(&self, task: &SimTask) {
        self.send(task.id, Command::LookAgain);
    }

    fn deliver(&self, _: &SimTask, _: Request) -> Delivery {
        Delivery::Marked
    }

    fn for_each_awake(&self, _: Phase, visit: impl FnMut(&SimTask)) {
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
            self.clock_ns.set(self.clock_ns.get() + 1_000_000);
            self.step_task();
        }
        true
    }

    fn quiet(&self) {}

    fn kthread_should_stop(&self, _: &SimTask) -> bool {
        false
    }
}

impl System for Driver<'_> {
    fn now_ns(&self) -> u64 {
        self.clock_ns.get()
    }
    fn for_each_task(&self, visit: impl FnMut(&SimTask)) {
        self.tasks.iter().for_each(visit);
    }
    fn wakeup_pending(&self) -> bool {
        self.below(30) == 0
    }
    fn clear_wakeup(&self) {}
    fn freeze_workqueues_begin(&self) {}
    fn thaw_workqueues(&self) {}
    fn set_helper_depth(&self, depth: HelperDepth) {
        self.helper_depth.set(depth);
    }
    fn helpers_idle(&self) -> bool {
        self.below(10) != 0
    }
    fn disable_oom_killer(&self, _: u64) -> bool {
        self.below(10) != 0
    }
    fn enable_oom_killer(&self) {}
    fn schedule(&self) {}
    fn log(&self, _: LogEvent) {}
    fn report_refuser(&self, _: &SimTask) {}
    fn record(&self, _: &Record) {}
}

/// Task 0 freezes the others; the even ones are kernel threads.
fn kind(id: usize) -> Flags {
    match id {
        0 => Flags::empty(),
        _ if id.is_multiple_of(2) => Flags::KTHREAD,
        _ => Flags::empty(),
    }
}

fn run(seed: u64) {
    let freezer = Freezer::new();
    let (mut commands, mut answers) = (Vec::new(), Vec::new());
    let tasks: Vec<SimTask> = (0..TASKS)
        .map(|id| {
            let (to_task, from_driver) = channel();
            let (to_driver, from_task) = channel();
            commands.push(to_task);
            answers.push(from_task);
            SimTask {
                own: TaskFreezer::new(),
                id,
                commands: Mutex::new(from_driver),
                answers: to_driver,
            }
        })
        .collect();
    let driver = Driver {
        freezer: &freezer,
        tasks: &tasks,
        commands,
        answers,
        states: vec![Cell::new(State::Awake); TASKS],
        random: RefCell::new(Random::new(seed)),
        clock_ns: Cell::new(0),
        helper_depth: Cell::new(HelperDepth::Enabled),
    };
    for task in &tasks {
        freezer.born_with(&driver, &task.own, kind(task.id), Groups::ROOT);
    }
    thread::scope(|scope| {
        for task in &tasks {
            scope.spawn(|| run_task(&freezer, task));
        }
        drive(&driver);
        driver.commands.iter().for_each(|task| {
            task.send(Command::End).unwrap();
        });
    });
}

fn drive(driver: &Driver) {
    for _ in 0..STEPS {
        match driver.below(3) {
            0 => driver.step_driver(),
            _ => driver.step_task(),
        }
        driver.check();
    }
    driver.freezer.thaw_processes(driver, &driver.tasks[0]);
    driver.freezer.thaw_group(driver, 1, SELF_FREEZING);
    driver.check();
}

/// spec: O7 C1
#[test]
fn no_sequence_of_freezes_and_failures_leaves_a_residue() {
    (0..RUNS).for_each(run);
}
