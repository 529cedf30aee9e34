//! One who sets the clock and one who goes by it, under loom; then without
//! each order, which must fail.

use std::panic::catch_unwind;
use std::sync::Arc;

use loom::thread;

use super::{Change, Distance, Step};

type Count = fn(&Distance, Option<Step>) -> u64;

fn setter_and_reader(count: Count, without: Option<Step>) {
    let distance = Arc::new(Distance::new());
    let set = distance.clone();
    let setter = thread::spawn(move || {
        set.change_without(7, Change::Set, without);
    });
    let has_seen = count(&distance, without) != 0;
    let ns = distance.ns();
    assert!(!has_seen || ns == 7, "it would go by the old time for ever");
    setter.join().unwrap();
}

/// spec: Y7
#[test]
fn who_has_seen_that_the_clock_was_set_reads_the_new_time() {
    let counts: [Count; 2] =
        [Distance::changes_without, Distance::times_set_without];
    for count in counts {
        loom::model(move || setter_and_reader(count, None));
        for step in [Step::CountRelease, Step::CountAcquire] {
            let mutant = catch_unwind(|| {
                loom::model(move || setter_and_reader(count, Some(step)));
            });
            assert!(mutant.is_err(), "not needed: {step:?}");
        }
    }
}
