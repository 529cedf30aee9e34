//! One who watches and one who changes, under loom; then with each barrier
//! left out, which must fail.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::thread;

use super::{Step, Watches};
use crate::sync::{AtomicBool, Ordering};

fn watcher_and_changer(without: Option<Step>) {
    let watches = Arc::new(Watches::new());
    let state = Arc::new(AtomicBool::new(false));
    let (told, changed) = (watches.clone(), state.clone());
    let changer = thread::spawn(move || {
        changed.store(true, Ordering::Relaxed);
        told.is_watched_without(without)
    });
    watches.begin_without(without);
    let has_seen = state.load(Ordering::Relaxed);
    let is_told = changer.join().unwrap();
    assert!(has_seen || is_told, "it would sleep for ever");
    watches.end(1);
}

/// spec: V11
#[test]
fn a_watcher_sees_a_change_or_is_told() {
    loom::model(|| watcher_and_changer(None));
    for step in [Step::WatcherBarrier, Step::ChangeBarrier] {
        let mutant = catch_unwind(|| {
            loom::model(move || watcher_and_changer(Some(step)));
        });
        assert!(mutant.is_err(), "not needed: {step:?}");
    }
}
