//! The list of the tasks in the refrigerator, against a plain set.

use alloc::vec::Vec;

use super::{Places, Walk};
use crate::test_random::Random;

/// Everybody in the list, found by a walk in pieces of `length`.
fn all(list: &Places<u32>, length: usize) -> Vec<u32> {
    let mut walk = Walk::new();
    let mut found = Vec::new();
    while !walk.is_over() {
        found.extend(walk.next_piece_of(length, list));
    }
    found
}

/// Whoever came and has not left is found once, at the place it was given.
#[test]
fn a_walk_finds_who_is_there() {
    let mut random = Random::new(19);
    let mut list = Places::new();
    let mut there: Vec<(u32, u32)> = Vec::new();
    for who in 0..20_000 {
        // Crowds come and go, down to nobody.
        let coming = if who % 1000 < 500 { 70 } else { 30 };
        if there.is_empty() || random.below(100) < coming {
            let place = list.enter(who);
            assert!(there.iter().all(|it| it.0 != place), "{place} is taken");
            there.push((place, who));
        } else {
            let at = random.below(there.len() as u64) as usize;
            let (place, who) = there.swap_remove(at);
            assert_eq!(list.leave(place), Some(who));
            assert_eq!(list.leave(place), None);
        }
        let mut found = all(&list, 3);
        found.sort_unstable();
        let mut wanted: Vec<u32> = there.iter().map(|it| it.1).collect();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }
}

/// When all have left, no place of theirs makes later walks longer.
#[test]
fn an_empty_list_starts_anew() {
    let mut list = Places::new();
    let places: Vec<u32> = (0..100).map(|who| list.enter(who)).collect();
    assert_eq!(all(&list, 16), (0..100).collect::<Vec<_>>());
    assert!(places.into_iter().all(|place| list.leave(place).is_some()));
    assert_eq!(list.enter(7), 0);
    assert_eq!(all(&list, 1), [7]);
    assert_eq!(list.leave(1), None);
}

/// The room that was asked for is there, and no more is needed to come back
/// to a place that was left.
#[test]
fn room_is_for_all() {
    let mut list = Places::new();
    list.reserve(8).expect("there is memory");
    let room = list.places.capacity();
    for who in 0..8 {
        list.enter(who);
    }
    assert_eq!(list.leave(3), Some(3));
    assert_eq!(list.enter(9), 3);
    list.reserve(8).expect("there is memory");
    assert_eq!(list.places.capacity(), room);
}
