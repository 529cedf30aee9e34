//! Admission under loom: one CPU goes away while two tasks are placed.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use super::{Admission, Step, clear_out, place};
use crate::sync::{AtomicU32, Ordering};

const COMPLETE: usize = 0;
const STEPS: [Option<Step>; 4] =
    [None, Some(Step::OpenCheck), Some(Step::CloseFirst), Some(Step::Hide)];
const OPEN_CHECK: usize = 1;
const CLOSE_FIRST: usize = 2;
const HIDE: usize = 3;

/// The CPU that goes; the other is 0.
const LEAVING: usize = 1;

struct Queue {
    is_open: bool,
    tasks: Vec<u32>,
}

struct Machine<const WITHOUT: usize> {
    /// CPUs to choose from, the hint.
    active: AtomicU32,
    queues: [Mutex<Queue>; 2],
    /// How often the closed queue refused somebody.
    refused: AtomicU32,
}

impl<const WITHOUT: usize> Machine<WITHOUT> {
    fn new() -> Arc<Self> {
        let queue = || Mutex::new(Queue { is_open: true, tasks: Vec::new() });
        Arc::new(Self {
            active: AtomicU32::new(0b11),
            queues: [queue(), queue()],
            refused: AtomicU32::new(0),
        })
    }

    fn count(&self, cpu: usize) -> usize {
        self.queues[cpu].lock().unwrap().tasks.len()
    }
}

impl<const WITHOUT: usize> Admission for Machine<WITHOUT> {
    type Task = u32;
    const WITHOUT: Option<Step> = STEPS[WITHOUT];

    /// The CPU that leaves, as long as the hint allows: the worst choice.
    fn choose(&self, _task: &u32) -> usize {
        let active = self.active.load(Ordering::Relaxed);
        usize::from(active & 1 << LEAVING != 0)
    }

    fn enter(&self, task: &u32, cpu: usize) -> bool {
        let mut queue = self.queues[cpu].lock().unwrap();
        if Self::WITHOUT != Some(Step::OpenCheck) && !queue.is_open {
            let before = self.refused.fetch_add(1, Ordering::Relaxed);
            assert!(before < 2, "a task was refused twice");
            return false;
        }
        queue.tasks.push(*task);
        true
    }

    fn hide(&self, cpu: usize) {
        self.active.fetch_and(!(1 << cpu), Ordering::Relaxed);
    }

    fn close(&self, cpu: usize) {
        self.queues[cpu].lock().unwrap().is_open = false;
    }

    fn evict(&self, cpu: usize) -> bool {
        let task = self.queues[cpu].lock().unwrap().tasks.pop();
        task.is_some_and(|task| {
            place(self, &task);
            true
        })
    }
}

fn leaves<const WITHOUT: usize>() {
    let machine = Machine::<WITHOUT>::new();
    let placers = [7, 8].map(|task| {
        let machine = machine.clone();
        thread::spawn(move || place(&*machine, &task))
    });
    clear_out(&*machine, LEAVING);
    for placer in placers {
        placer.join().unwrap();
    }
    assert_eq!(machine.count(LEAVING), 0, "left behind");
    assert_eq!(machine.count(0), 2, "lost");
}

fn fails(model: fn()) -> bool {
    catch_unwind(|| loom::model(model)).is_err()
}

#[test]
fn nobody_stays_in_a_closed_queue() {
    loom::model(leaves::<COMPLETE>);
    assert!(fails(leaves::<OPEN_CHECK>), "the look whether it is open");
    assert!(fails(leaves::<CLOSE_FIRST>), "closing before emptying");
    assert!(fails(leaves::<HIDE>), "the hints before closing");
}
