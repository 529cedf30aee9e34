//! The walk under loom: a task leaves the refrigerator by itself, as one that
//! is killed does, while the others are woken.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p kernel-core --release
//! --target-dir target/loom freezer`.

use std::panic::catch_unwind;

use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::{Places, Walk};

const TASKS: usize = 4;

/// The refrigerator: tasks by their numbers.
struct Refrigerator {
    list: Mutex<Places<usize>>,
    is_woken: [AtomicBool; TASKS],
}

impl Refrigerator {
    /// Everybody is there; task n is at place n.
    fn new() -> Self {
        let mut list = Places::new();
        for task in 0..TASKS {
            list.enter(task);
        }
        let is_woken = core::array::from_fn(|_| AtomicBool::new(false));
        Self { list: Mutex::new(list), is_woken }
    }

    fn leave(&self, task: usize) {
        self.list.lock().unwrap().leave(task as u32).unwrap();
    }

    /// What must not be: the last one takes the place that is left.
    fn leave_to_last(&self, task: usize, last: usize) {
        let mut list = self.list.lock().unwrap();
        let mover = list.leave(last as u32).unwrap();
        list.leave(task as u32).unwrap();
        assert_eq!(list.enter(mover), task as u32);
    }

    fn thaw(&self) {
        let mut walk = Walk::new();
        while !walk.is_over() {
            let list = self.list.lock().unwrap();
            walk.next_piece_of(1, &list)
                .for_each(|it| self.is_woken[*it].store(true, Relaxed));
        }
    }
}

fn walk<const LAST_MOVES: bool>() {
    let refrigerator = Arc::new(Refrigerator::new());
    let leaver = refrigerator.clone();
    let leaver = thread::spawn(move || match LAST_MOVES {
        true => leaver.leave_to_last(0, TASKS - 1),
        false => {
            leaver.leave(1);
            leaver.leave(0);
        }
    });
    refrigerator.thaw();
    leaver.join().unwrap();
    for task in 2..TASKS {
        assert!(refrigerator.is_woken[task].load(Relaxed), "{task} sleeps on");
    }
}

/// spec: R1
#[test]
fn a_walk_in_pieces_wakes_all() {
    loom::model(walk::<false>);
    assert!(catch_unwind(|| loom::model(walk::<true>)).is_err());
}
