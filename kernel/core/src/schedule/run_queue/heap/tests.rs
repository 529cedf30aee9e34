//! The heap of claims, against a sorted set.

use alloc::collections::BTreeSet;

use super::{Company, Heap, Queued};
use crate::test_random::Random;

fn claim(key: u64, sequence: i64) -> Queued<()> {
    Queued { key, sequence, weight: 1, is_real_time: false, item: () }
}

fn of(queued: &Queued<()>) -> (u64, i64) {
    (queued.key, queued.sequence)
}

/// Alone or in a crowd, whoever is taken has the best claim, and the best is
/// known at any time.
#[test]
fn claims_are_served_in_order() {
    let mut random = Random::new(11);
    let mut heap = Heap::new();
    let mut model = BTreeSet::new();
    let mut crowds = 0;
    for sequence in 0..100_000 {
        let company = match random.below(3000) {
            // Crowds come at once.
            0..1500 if sequence / 100 % 3 == 0 => Company::Crowd,
            _ => Company::Alone,
        };
        crowds += u32::from(company == Company::Crowd);
        match random.below(12) {
            0..6 => {
                let key = random.below(50);
                heap.push(claim(key, sequence), company);
                model.insert((key, sequence));
            }
            6 if !model.is_empty() => {
                let key = random.below(50);
                let first = heap.replace(claim(key, sequence));
                assert_eq!(Some(of(&first)), model.pop_first());
                model.insert((key, sequence));
            }
            7 => {
                let key = random.below(50);
                let at = heap.find(|queued| queued.key == key);
                let is_there = model.iter().any(|it| it.0 == key);
                assert_eq!(at.is_some(), is_there);
                if let Some(at) = at {
                    assert!(model.remove(&of(&heap.take_at(at))));
                }
            }
            8 => {
                if let Some(at) = heap.last(|queued| queued.sequence % 3 != 0) {
                    assert!(model.remove(&of(&heap.take_at(at))));
                }
            }
            9 if sequence % 50 == 0 => {
                heap.change(|queued| queued.key ^= 1);
                model = model.iter().map(|it| (it.0 ^ 1, it.1)).collect();
            }
            _ => {
                let first = heap.pop();
                assert_eq!(first.as_ref().map(of), model.pop_first());
            }
        }
        assert_eq!(heap.len(), model.len());
        assert_eq!(heap.first().map(of), model.first().copied());
    }
    assert!(crowds > 1000, "{crowds}");
    while let Some(queued) = heap.pop() {
        assert_eq!(Some(of(&queued)), model.pop_first());
    }
    assert!(model.is_empty() && heap.is_empty());
}
