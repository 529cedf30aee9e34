//! Events in, bytes out.

use kernel_abi::Errno;

use super::{BYTES_MAX, CREATE, HEADER, MODIFY, OVERFLOW, Queue};

/// Descriptor, mask and length of the name of each event.
fn events(bytes: &[u8]) -> Vec<(i32, u32, u32)> {
    let mut rest = bytes;
    let mut all = Vec::new();
    while !rest.is_empty() {
        let word =
            |at: usize| -> [u8; 4] { rest[at..at + 4].try_into().unwrap() };
        let length = u32::from_ne_bytes(word(12));
        let mask = u32::from_ne_bytes(word(4));
        all.push((i32::from_ne_bytes(word(0)), mask, length));
        rest = &rest[HEADER + length as usize..];
    }
    all
}

#[test]
fn events_are_read_in_order_and_whole() {
    let mut queue = Queue::new();
    queue.push(1, MODIFY, 0, b"");
    queue.push(2, CREATE, 0, b"a name of 17 long");
    assert_eq!(queue.peek(HEADER - 1), Err(Errno::EINVAL));
    let first = queue.peek(HEADER + 5).unwrap().len();
    assert_eq!(first, HEADER);
    let all = queue.peek(1000).unwrap();
    assert_eq!(events(all), [(1, MODIFY, 0), (2, CREATE, 32)]);
    assert_eq!(&all[2 * HEADER..][..18], b"a name of 17 long\0");
    queue.forget(first);
    assert_eq!(events(queue.peek(1000).unwrap()), [(2, CREATE, 32)]);
    queue.forget(48);
    assert!(queue.is_empty());
    assert_eq!(queue.peek(1000), Ok(&[][..]));
}

#[test]
fn an_event_like_the_last_one_is_not_added() {
    let mut queue = Queue::new();
    for _ in 0..3 {
        queue.push(1, MODIFY, 0, b"");
    }
    queue.push(2, MODIFY, 0, b"");
    queue.push(1, MODIFY, 0, b"");
    assert_eq!(queue.len(), 3 * HEADER);
    queue.forget(3 * HEADER);
    queue.push(1, MODIFY, 0, b"");
    assert_eq!(queue.len(), HEADER, "the same one was read before");
}

#[test]
fn a_full_queue_says_that_events_are_lost() {
    let mut queue = Queue::new();
    for at in 0..BYTES_MAX as i32 {
        queue.push(at, MODIFY, 0, b"");
    }
    assert!(queue.len() <= BYTES_MAX + HEADER);
    let all = events(queue.peek(usize::MAX).unwrap());
    assert_eq!(all.last(), Some(&(-1, OVERFLOW, 0)));
    let lost = all.iter().filter(|event| event.1 == OVERFLOW);
    assert_eq!(lost.count(), 1);
    queue.forget(queue.len());
    queue.push(7, MODIFY, 0, b"");
    assert_eq!(events(queue.peek(100).unwrap()), [(7, MODIFY, 0)]);
}

#[test]
fn what_needs_memory_says_how_much() {
    let mut queue = Queue::new();
    assert_eq!(queue.growth(b"name"), Some(2 * HEADER));
    queue.push(1, CREATE, 0, b"name");
    while queue.growth(b"name").is_none() {
        queue.push(1, MODIFY, 0, b"");
        queue.push(1, CREATE, 0, b"name");
    }
    let before = queue.len();
    assert!(queue.growth(b"name") > Some(before));
    queue.overflow();
    queue.overflow();
    assert_eq!(queue.len(), before + HEADER);
    let all = events(queue.peek(BYTES_MAX).unwrap());
    assert_eq!(all.last(), Some(&(-1, OVERFLOW, 0)));
}
