//! Two who prepare a frame and one who stores to it, under loom; then without
//! each step, which must fail.
//!
//! What instruction fetch finds is a copy of the byte, made by who
//! synchronises. Whoever maps a frame with a mark finds what was stored before
//! the change was told.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::thread;

use super::{MARKED, Step, changed_without, prepare};
use crate::sync::AtomicU32;
use crate::sync::Ordering::Relaxed;

#[derive(Default)]
struct Frame {
    word: AtomicU32,
    byte: AtomicU32,
    /// What instruction fetch finds.
    fetched: AtomicU32,
}

impl Frame {
    fn prepare(&self) {
        let synchronise = || {
            self.fetched.fetch_max(self.byte.load(Relaxed), Relaxed);
        };
        prepare(&self.word, synchronise);
    }

    fn store(&self, byte: u32, without: Option<Step>) {
        self.byte.store(byte, Relaxed);
        changed_without(&self.word, without);
    }
}

/// One stores, one prepares, then one more maps the frame.
fn store_and_prepare(without: Option<Step>) {
    let frame = Arc::new(Frame::default());
    let other = frame.clone();
    let preparer = thread::spawn(move || other.prepare());
    frame.store(1, without);
    frame.prepare();
    assert_eq!(frame.fetched.load(Relaxed), 1, "old instructions run");
    preparer.join().unwrap();
    let is_marked = frame.word.load(Relaxed) & MARKED != 0;
    assert!(!is_marked || frame.fetched.load(Relaxed) == 1);
}

/// Whoever sees the mark finds what was prepared.
fn prepare_and_map() {
    let frame = Arc::new(Frame::default());
    frame.store(1, None);
    let other = frame.clone();
    let preparer = thread::spawn(move || other.prepare());
    frame.prepare();
    assert_eq!(frame.fetched.load(Relaxed), 1, "nothing is there yet");
    preparer.join().unwrap();
}

/// Two prepare it after a change, and one before.
fn prepare_across_a_change(without: Option<Step>) {
    let frame = Arc::new(Frame::default());
    let [early, late] = [frame.clone(), frame.clone()];
    let early = thread::spawn(move || early.prepare());
    frame.store(1, without);
    let late = thread::spawn(move || late.prepare());
    frame.prepare();
    assert_eq!(frame.fetched.load(Relaxed), 1, "old instructions run");
    early.join().unwrap();
    late.join().unwrap();
}

/// All orders with so few switches of threads that nothing else asks for: of
/// four threads there are too many.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(model);
}

#[test]
fn whoever_maps_a_prepared_frame_finds_what_was_stored() {
    check(prepare_and_map);
    let models: [(fn(Option<Step>), Step); 2] = [
        (store_and_prepare, Step::Barrier),
        (prepare_across_a_change, Step::Count),
    ];
    for (model, step) in models {
        check(move || model(None));
        let mutant = catch_unwind(|| check(move || model(Some(step))));
        assert!(mutant.is_err(), "not needed: {step:?}");
    }
}
