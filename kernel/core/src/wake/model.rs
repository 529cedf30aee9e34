//! The handshake under loom: one sleeper, one or two wakers, two run queues.
//!
//! The sleeper's CPU is the sleeper's thread: while the task is nowhere, the
//! thread waits to be placed. Its stack is a cell that only whoever runs the
//! task may touch; the waker touches it when it places the task, as another
//! CPU would that runs it at once. Loom fails the model if both can touch it
//! without an order, or if the sleeper can wait for ever.

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool as Ghost;
use std::sync::atomic::Ordering::SeqCst;

use loom::cell::UnsafeCell;
use loom::sync::{Mutex, Notify};
use loom::thread;

use super::{Step, WakeHost, WakeWords, end, try_to_wake_up};
use crate::sync::{AtomicBool, AtomicU32, Ordering};

const ASLEEP: u32 = 1;
const DEAD: u32 = 2;

const COMPLETE: usize = 0;
const STEPS: [Option<Step>; 8] = [
    None,
    Some(Step::AnnounceBarrier),
    Some(Step::WakerBarrier),
    Some(Step::OnCpuWait),
    Some(Step::QueueLock),
    Some(Step::QueueAgain),
    Some(Step::SecondLook),
    Some(Step::EndLock),
];
const ANNOUNCE: usize = 1;
const WAKER: usize = 2;
const ON_CPU_WAIT: usize = 3;
const QUEUE_LOCK: usize = 4;
const QUEUE_AGAIN: usize = 5;
const SECOND_LOOK: usize = 6;
const END_LOCK: usize = 7;

/// The locks of the run queues. Outside the task, because a task does not say
/// which it holds.
type Queues = [Mutex<()>; 2];

loom::lazy_static! {
    static ref QUEUES: Queues = [Mutex::new(()), Mutex::new(())];
}

struct Task {
    words: WakeWords,
    wake_lock: Mutex<()>,
    queue: AtomicU32,
    /// A queue has it, or a CPU. Written under that queue's lock; only
    /// assertions look.
    has_place: Ghost,
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
            queue: AtomicU32::new(0),
            has_place: Ghost::new(true),
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

    fn queue_of(task: &Task) -> usize {
        task.queue.load(Ordering::Relaxed) as usize
    }

    fn with_queue_lock<R>(queue: usize, body: impl FnOnce() -> R) -> R {
        let _held = QUEUES[queue].lock().unwrap();
        body()
    }

    fn place(task: &Task) {
        place_in(task, Self::queue_of(task));
    }

    fn relax() {
        thread::yield_now();
    }
}

/// Puts the task into a queue, whose CPU runs it at once.
fn place_in(task: &Task, queue: usize) {
    let _held = QUEUES[queue].lock().unwrap();
    assert_ne!(task.words.state(), DEAD, "an ended task was placed");
    assert!(!task.has_place.swap(true, SeqCst), "placed twice");
    task.queue.store(queue as u32, Ordering::Relaxed);
    task.words.arrive();
    task.use_stack();
    task.words.enter_cpu();
    task.placed.notify();
}

/// Runs `body` under the lock of the current task's CPU's queue.
fn with_own_lock<const WITHOUT: usize, R>(
    task: &Task,
    body: impl FnOnce() -> R,
) -> R {
    let queue = Cpu::<WITHOUT>::queue_of(task);
    Cpu::<WITHOUT>::with_queue_lock(queue, body)
}

/// The current task leaves its CPU to sleep. False if it does not sleep.
fn depart<const WITHOUT: usize>(task: &Task) -> bool {
    let leaves = with_own_lock::<WITHOUT, _>(task, || {
        let leaves = task.words.depart(|_| false);
        task.has_place.store(!leaves, SeqCst);
        leaves
    });
    if leaves {
        task.use_stack();
        assert!(!task.words.leave_cpu(), "it sleeps, and moves");
    }
    leaves
}

/// What `schedule` does to the current task.
fn schedule<const WITHOUT: usize>(task: &Task) {
    if depart::<WITHOUT>(task) {
        wait_for_place::<WITHOUT>(task);
    }
}

fn wait_for_place<const WITHOUT: usize>(task: &Task) {
    while !with_own_lock::<WITHOUT, _>(task, || task.words.is_on_queue()) {
        task.placed.wait();
    }
}

/// The current task leaves for the other CPU by itself.
fn move_on<const WITHOUT: usize>(task: &Task) {
    with_own_lock::<WITHOUT, _>(task, || {
        task.words.move_on();
        task.has_place.store(false, SeqCst);
    });
    task.use_stack();
    assert!(task.words.leave_cpu());
    Cpu::<WITHOUT>::with_wake_lock(task, || place_in(task, 1));
}

/// The current task, which waited its turn, was pulled by the other CPU.
fn be_pulled(task: &Task) {
    let _locks = [&QUEUES[0], &QUEUES[1]].map(|it| it.lock().unwrap());
    task.queue.store(1, Ordering::Relaxed);
}

fn sleep_until_condition<const WITHOUT: usize>(task: &Task) {
    sleep_until::<WITHOUT>(task, &task.condition);
}

fn sleep_until<const WITHOUT: usize>(task: &Task, condition: &AtomicBool) {
    loop {
        task.words.announce::<Cpu<WITHOUT>>(ASLEEP);
        if condition.load(Ordering::Relaxed) {
            task.words.run_on();
            return;
        }
        schedule::<WITHOUT>(task);
        task.use_stack();
    }
}

fn wake<const WITHOUT: usize>(task: &Task) {
    wake_for::<WITHOUT>(task, &task.condition);
}

fn wake_for<const WITHOUT: usize>(task: &Task, condition: &AtomicBool) {
    condition.store(true, Ordering::Relaxed);
    try_to_wake_up::<Cpu<WITHOUT>>(task, ASLEEP);
}

/// Two sleeps for two conditions, and between them a move to another CPU.
fn moves<const WITHOUT: usize>(change_cpu: fn(&Task)) {
    let task = Task::new();
    let second = Arc::new(AtomicBool::new(false));
    let (woken, later) = (task.clone(), second.clone());
    let waker = thread::spawn(move || {
        wake::<WITHOUT>(&woken);
        wake_for::<WITHOUT>(&woken, &later);
    });
    sleep_until_condition::<WITHOUT>(&task);
    change_cpu(&task);
    sleep_until::<WITHOUT>(&task, &second);
    waker.join().unwrap();
}

fn moves_on<const WITHOUT: usize>() {
    moves::<WITHOUT>(move_on::<WITHOUT>);
}

fn is_pulled<const WITHOUT: usize>() {
    moves::<WITHOUT>(be_pulled);
}

/// A sleep that ends by itself, and then the task ends.
fn ends<const WITHOUT: usize>() {
    let task = Task::new();
    let waker = task.clone();
    let waker = thread::spawn(move || wake::<WITHOUT>(&waker));
    sleep_until_condition::<WITHOUT>(&task);
    end::<Cpu<WITHOUT>>(&task, DEAD);
    assert!(depart::<WITHOUT>(&task), "an ended task goes on");
    waker.join().unwrap();
    assert_eq!(task.words.state(), DEAD);
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
    bounded(two_wakers::<COMPLETE>);
    assert!(fails(one_waker::<ON_CPU_WAIT>), "the wait for the CPU");
}

fn bounded(model: fn()) {
    let mut bounded = loom::model::Builder::new();
    bounded.preemption_bound = Some(3);
    bounded.check(model);
}

fn fails_bounded(model: fn()) -> bool {
    catch_unwind(|| bounded(model)).is_err()
}

#[test]
fn a_task_that_moves_is_placed_once() {
    bounded(moves_on::<COMPLETE>);
    assert!(fails_bounded(moves_on::<SECOND_LOOK>), "a move is no sleep");
}

#[test]
fn a_moved_sleeper_is_woken() {
    bounded(is_pulled::<COMPLETE>);
    assert!(fails_bounded(is_pulled::<QUEUE_AGAIN>), "the right queue");
}

#[test]
fn an_ended_task_stays_ended() {
    bounded(ends::<COMPLETE>);
    assert!(fails_bounded(ends::<END_LOCK>), "the end under the lock");
}

#[test]
fn a_waiter_that_was_taken_out_while_awake_looks_again() {
    bounded(shared_waiter::<true>);
    assert!(fails_bounded(shared_waiter::<false>), "the second look");
}
