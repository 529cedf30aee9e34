//! Workqueues.

use super::WorkFifo;

fn run_all(queue: &mut WorkFifo<u32>) -> Vec<u32> {
    let mut order = Vec::new();
    while let Some(work) = queue.take() {
        order.push(work);
        let _ = queue.done();
    }
    order
}

/// spec: W1 W2 K5
#[test]
fn works_queued_during_a_freeze_are_held() {
    let mut queue = WorkFifo::new(2, true);
    assert_eq!(queue.push(1), 1);
    assert_eq!(queue.take(), Some(1));
    queue.freeze_begin();
    assert!(queue.is_busy(), "the active work goes on");
    assert_eq!(queue.push(2), 0);
    assert_eq!(queue.take(), None);
    assert_eq!(queue.done(), 0);
    assert!(!queue.is_busy());
}

/// spec: W1
#[test]
fn ready_works_are_active_and_finish() {
    let mut queue = WorkFifo::new(8, true);
    assert_eq!(queue.push(1) + queue.push(2), 2);
    queue.freeze_begin();
    assert_eq!(run_all(&mut queue), [1, 2]);
}

/// spec: W3
#[test]
fn a_thaw_goes_on_in_order_and_loses_nothing() {
    let mut queue = WorkFifo::new(1, true);
    let _ = queue.push(0);
    queue.freeze_begin();
    for work in 1..50 {
        assert_eq!(queue.push(work), 0);
    }
    assert_eq!(run_all(&mut queue), [0]);
    assert_eq!(queue.thaw(), 1);
    assert_eq!(run_all(&mut queue), (1..50).collect::<Vec<_>>());
    assert_eq!(queue.thaw(), 0, "nothing to thaw");
}

/// spec: W4
#[test]
fn other_queues_go_on() {
    let mut queue = WorkFifo::new(1, false);
    queue.freeze_begin();
    assert_eq!(queue.push(1), 1);
    assert!(!queue.is_busy());
    assert_eq!(run_all(&mut queue), [1]);
}

/// The works active at a time never exceed the limit, and the answers add up.
/// spec: W1 W3
#[test]
fn the_limit_holds() {
    let mut queue = WorkFifo::new(3, true);
    let activated: u32 = (0..10).map(|work| queue.push(work)).sum();
    assert_eq!(activated, 3);
    assert_eq!(queue.active(), 3);
    queue.take();
    assert_eq!(queue.done(), 1);
    assert_eq!(queue.active(), 3);
}
