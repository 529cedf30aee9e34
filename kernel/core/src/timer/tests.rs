//! The promises of the timer queue.

use super::TimerQueue;
use crate::test_random::Random;

#[test]
fn timers_expire_in_order_of_deadline() {
    let mut queue = TimerQueue::new();
    for deadline in [50, 10, 40, 20, 30] {
        queue.insert(deadline, deadline).unwrap();
    }
    assert_eq!(queue.next_deadline(), Some(10));
    assert_eq!(queue.pop_expired(9), None);
    assert_eq!(queue.pop_expired(30), Some(10));
    assert_eq!(queue.pop_expired(30), Some(20));
    assert_eq!(queue.pop_expired(30), Some(30));
    assert_eq!(queue.pop_expired(30), None);
    assert_eq!(queue.next_deadline(), Some(40));
}

#[test]
fn equal_deadlines_expire_in_order_of_insertion() {
    let mut queue = TimerQueue::new();
    for item in 0..100 {
        queue.insert(7, item).unwrap();
    }
    for item in 0..100 {
        assert_eq!(queue.pop_expired(7), Some(item));
    }
}

#[test]
fn a_key_cancels_its_own_timer_once() {
    let mut queue = TimerQueue::new();
    let key = queue.insert(10, 'a').unwrap();
    assert_eq!(queue.cancel(key), Some('a'));
    assert_eq!(queue.cancel(key), None);
    let other = queue.insert(10, 'b').unwrap();
    assert_ne!(key, other);
    assert_eq!(queue.cancel(key), None);
    assert_eq!(queue.pop_expired(10), Some('b'));
    assert_eq!(queue.cancel(other), None);
}

#[test]
fn reserved_room_is_not_allocated_again() {
    let mut queue = TimerQueue::new();
    queue.try_reserve(10_000).unwrap();
    let room = (queue.heap.capacity(), queue.slots.capacity());
    for item in 0..10_000_u64 {
        queue.insert(item % 97, item).unwrap();
    }
    assert_eq!((queue.heap.capacity(), queue.slots.capacity()), room);
}

#[test]
fn any_mixture_of_operations_agrees_with_a_sorted_list() {
    let mut random = Random::new(3);
    let mut queue = TimerQueue::new();
    let mut model: Vec<(u64, u64, super::Key)> = Vec::new();
    let mut now = 0;
    for id in 0..30_000 {
        match random.below(4) {
            0 | 1 => {
                let deadline = now + random.below(1000);
                let key = queue.insert(deadline, id).unwrap();
                model.push((deadline, id, key));
            }
            2 if !model.is_empty() => {
                let at = random.below(model.len() as u64) as usize;
                let (_, id, key) = model.swap_remove(at);
                assert_eq!(queue.cancel(key), Some(id));
            }
            _ => {
                now += random.below(20);
                let expected = model
                    .iter()
                    .filter(|timer| timer.0 <= now)
                    .min_by_key(|timer| (timer.0, timer.1))
                    .map(|timer| timer.1);
                assert_eq!(queue.pop_expired(now), expected);
                model.retain(|timer| Some(timer.1) != expected);
            }
        }
        assert_eq!(queue.len(), model.len());
        let soonest = model.iter().map(|timer| timer.0).min();
        assert_eq!(queue.next_deadline(), soonest);
    }
}
