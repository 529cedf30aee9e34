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

use super::Walk;

const TASKS: usize = 4;

/// The refrigerator: tasks by their numbers.
struct Refrigerator {
    list: Mutex<Vec<usize>>,
    is_woken: [AtomicBool; TASKS],
}

impl Refrigerator {
    /// As the kernel's: the last one takes the place.
    fn leave(&self, task: usize) {
        let mut list = self.list.lock().unwrap();
        let place = list.iter().position(|it| *it == task).unwrap();
        list.swap_remove(place);
    }

    fn thaw(&self) {
        let mut walk = Walk::new();
        while !walk.is_over() {
            let list = self.list.lock().unwrap();
            let piece = walk.next_piece_of(1, &list);
            piece.iter().for_each(|it| self.is_woken[*it].store(true, Relaxed));
        }
    }

    /// What the order of the walk is for: from the first to the last.
    fn thaw_forward(&self) {
        for next in 0.. {
            let list = self.list.lock().unwrap();
            let Some(task) = list.get(next) else { break };
            self.is_woken[*task].store(true, Relaxed);
        }
    }
}

fn walk<const IS_FORWARD: bool>() {
    let refrigerator = Arc::new(Refrigerator {
        list: Mutex::new((0..TASKS).collect()),
        is_woken: core::array::from_fn(|_| AtomicBool::new(false)),
    });
    let leaver = refrigerator.clone();
    let leaver = thread::spawn(move || {
        leaver.leave(1);
        leaver.leave(0);
    });
    match IS_FORWARD {
        true => refrigerator.thaw_forward(),
        false => refrigerator.thaw(),
    }
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
