//! The handshake under loom: one sleeper, one or two wakers.
//!
//! The sleeper's CPU is the sleeper's thread: while the task is nowhere, the
//! thread waits to be placed. Its stack is a cell that only whoever runs the
//! task may touch; the waker touches it when it places the task, as another
//! CPU would that runs it at once. Loom fails the model if both can touch it
//! without an order, or if the sleeper can wait for ever.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::cell::UnsafeCell;
use loom::sync::{Mutex, Notify};
use loom::thread;

use super::{Step, WakeHost, WakeWords, try_to_wake_up};
use crate::sync::{AtomicBool, Ordering};

const ASLEEP: u32 = 1;

const COMPLETE: usize = 0;
const STEPS: [Option<Step>; 5] = [
    None,
    Some(Step::AnnounceBarrier),
    Some(Step::WakerBarrier),
    Some(Step::OnCpuWait),
    Some(Step::QueueLock),
];
const ANNOUNCE: usize = 1;
const WAKER: usize = 2;
const ON_CPU_WAIT: usize = 3;
const QUEUE_LOCK: usize = 4;

struct Task {
    words: WakeWords,
    wake_lock: Mutex<()>,
    queue_lock: Mutex<()>,
    placed: Notify,
    stack: UnsafeCell<u32>,
    condition: AtomicBool,
}

impl Task {
    fn new() -> Arc<Self> {
        let words = WakeWords::new();
        words.arrive();
        words.enter_cpu();
        Arc::new(Self {
            words,
            wake_lock: Mutex::new(()),
            queue_lock: Mutex::new(()),
            placed: Notify::new(),
            stack: UnsafeCell::new(0),
            condition: AtomicBool::new(false),
        })
    }

    /// Uses the task's stack, as running it does.
    fn use_stack(&self) {
        self.stack.with_mut(|_| ());
    }
}

struct Cpu<const WITHOUT: usize>;

impl<const WITHOUT: usize> WakeHost for Cpu<WITHOUT> {
    type Task = Task;
    const WITHOUT: Option<Step> = STEPS[WITHOUT];

    fn words(task: &Task) -> &WakeWords {
        &task.words
    }

    fn with_wake_lock<R>(task: &Task, body: impl FnOnce() -> R) -> R {
        let _held = task.wake_lock.lock().unwrap();
        body()
    }

    fn with_queue_lock<R>(task: &Task, body: impl FnOnce() -> R) -> R {
        let _held = task.queue_lock.lock().unwrap();
        body()
    }

    fn place(task: &Task) {
        let _held = task.queue_lock.lock().unwrap();
        assert!(!task.words.is_on_queue(), "placed twice");
        task.words.arrive();
        task.use_stack();
        task.words.enter_cpu();
        task.placed.notify();
    }

    fn relax() {
        thread::yield_now();
    }
}

/// What `schedule` does to the current task.
fn schedule<const WITHOUT: usize>(task: &Task) {
    let leaves =
        Cpu::<WITHOUT>::with_queue_lock(task, || task.words.depart(|_| false));
    if !leaves {
        return;
    }
    task.use_stack();
    task.words.leave_cpu();
    while !Cpu::<WITHOUT>::with_queue_lock(task, || task.words.is_on_queue()) {
        task.placed.wait();
    }
}

fn sleep_until_condition<const WITHOUT: usize>(task: &Task) {
    loop {
        task.words.announce::<Cpu<WITHOUT>>(ASLEEP);
        if task.condition.load(Ordering::Relaxed) {
            task.words.run_on();
            return;
        }
        schedule::<WITHOUT>(task);
        task.use_stack();
    }
}

fn wake<const WITHOUT: usize>(task: &Task) {
    task.condition.store(true, Ordering::Relaxed);
    try_to_wake_up::<Cpu<WITHOUT>>(task, ASLEEP);
}

fn one_waker<const WITHOUT: usize>() {
    let task = Task::new();
    let waker = task.clone();
    let waker = thread::spawn(move || wake::<WITHOUT>(&waker));
    sleep_until_condition::<WITHOUT>(&task);
    waker.join().unwrap();
}

fn two_wakers<const WITHOUT: usize>() {
    let task = Task::new();
    let wakers = [task.clone(), task.clone()]
        .map(|waker| thread::spawn(move || wake::<WITHOUT>(&waker)));
    sleep_until_condition::<WITHOUT>(&task);
    for waker in wakers {
        waker.join().unwrap();
    }
}

/// A waiter that stands in a queue and is taken out by whoever wakes it, or
/// finds it awake: a poller, or a kernel thread in a freezable wait. The
/// first wake-up is one for nothing.
fn shared_waiter<const LOOKS_AGAIN: bool>() {
    let task = Task::new();
    let stands = Arc::new(Mutex::new(false));
    let (other, place) = (task.clone(), stands.clone());
    let waker = thread::spawn(move || {
        wake_shared(&other, &place);
        other.condition.store(true, Ordering::Relaxed);
        wake_shared(&other, &place);
    });
    loop {
        *stands.lock().unwrap() = true;
        task.words.announce::<Cpu<COMPLETE>>(ASLEEP);
        if task.condition.load(Ordering::Relaxed) {
            task.words.run_on();
            break;
        }
        if LOOKS_AGAIN && !*stands.lock().unwrap() {
            task.words.run_on();
            continue;
        }
        schedule::<COMPLETE>(&task);
        *stands.lock().unwrap() = false;
    }
    waker.join().unwrap();
}

fn wake_shared(task: &Task, stands: &Mutex<bool>) {
    let mut stands = stands.lock().unwrap();
    if *stands {
        try_to_wake_up::<Cpu<COMPLETE>>(task, ASLEEP);
        *stands = false;
    }
}

fn fails(model: fn()) -> bool {
    catch_unwind(|| loom::model(model)).is_err()
}

#[test]
fn no_wake_up_is_lost() {
    loom::model(one_waker::<COMPLETE>);
    assert!(fails(one_waker::<ANNOUNCE>), "the sleeper's barrier");
    assert!(fails(one_waker::<WAKER>), "the waker's barrier");
    assert!(fails(one_waker::<QUEUE_LOCK>), "the queue's lock");
}

#[test]
fn a_sleeper_is_placed_once_and_off_its_cpu() {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(two_wakers::<COMPLETE>);
    assert!(fails(one_waker::<ON_CPU_WAIT>), "the wait for the CPU");
}

#[test]
fn a_waiter_that_was_taken_out_while_awake_looks_again() {
    let check = |model: fn()| {
        let mut bounded = loom::model::Builder::new();
        bounded.preemption_bound = Some(3);
        bounded.check(model);
    };
    check(shared_waiter::<true>);
    let mutant = catch_unwind(|| check(shared_waiter::<false>));
    assert!(mutant.is_err(), "the second look");
}
