//! One who moves a directory and one who walks through it, under loom; then
//! with each step left out, which must fail.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::thread;

use super::{Changes, Step};
use crate::sync::{AtomicBool, Ordering};

fn mover_and_walker(without: Option<Step>) {
    let changes = Arc::new(Changes::new());
    // The node's lock is a store and a load that pair.
    let is_outside = Arc::new(AtomicBool::new(false));
    let (counted, moved) = (changes.clone(), is_outside.clone());
    let mover = thread::spawn(move || {
        counted.make_without(|| moved.store(true, Ordering::Release), without);
    });
    let since = changes.count();
    let was_inside = !is_outside.load(Ordering::Acquire);
    if was_inside && is_outside.load(Ordering::Acquire) {
        assert!(changes.any_since(since), "the walk would leave its bounds");
    }
    mover.join().unwrap();
}

#[test]
fn a_walk_sees_what_moves() {
    loom::model(|| mover_and_walker(None));
    for step in [Step::UnderWay, Step::Done] {
        let mutant = catch_unwind(|| {
            loom::model(move || mover_and_walker(Some(step)));
        });
        assert!(mutant.is_err(), "not needed: {step:?}");
    }
}
