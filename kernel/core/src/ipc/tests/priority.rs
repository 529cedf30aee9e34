use kernel_abi::Errno;
use kernel_abi::ipc::MqAttr;

use super::Bell;
use crate::ipc::priority::{For, Limits, PriorityQueue, Shape};

type Queue = PriorityQueue<Bell, Vec<u8>>;

fn queue(messages: usize) -> Queue {
    Queue::new(Shape { messages, size: 8 })
}

#[test]
fn the_oldest_of_the_most_urgent_comes_first() {
    let mut queue = queue(4);
    for (priority, text) in [(1, "a"), (9, "b"), (1, "c"), (9, "d")] {
        queue.send(priority, text.into()).unwrap();
    }
    assert_eq!(queue.bytes(), 4);
    assert_eq!(queue.send(3, "e".into()), Err("e".into()));
    let mut order = Vec::new();
    while let Some((priority, text)) = queue.receive() {
        order.push((priority, text[0]));
    }
    assert_eq!(order, [(9, b'b'), (9, b'd'), (1, b'a'), (1, b'c')]);
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn one_waiter_is_woken_for_each_message() {
    let mut queue = queue(2);
    let bells = [(); 3].map(|()| Bell::default());
    let tickets =
        bells.each_ref().map(|bell| queue.wait(For::Message, bell.clone()));
    assert!(queue.is_waited_for());
    queue.send(0, vec![1]).unwrap();
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0, 0]);
    // The first freezes, the second gives up.
    queue.step_aside(For::Message, tickets[0]);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1, 0]);
    queue.leave(For::Message, tickets[1]);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 0, 1]);
    queue.try_again(For::Message, tickets[2]);
    assert!(queue.receive().is_some());
    queue.leave(For::Message, tickets[2]);
    queue.try_again(For::Message, tickets[0]);
    queue.send(0, vec![2]).unwrap();
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0, 0]);
}

#[test]
fn one_waiter_is_woken_for_each_room() {
    let mut queue = queue(1);
    queue.send(0, vec![1]).unwrap();
    let bells = [(); 2].map(|()| Bell::default());
    for bell in &bells {
        queue.wait(For::Room, bell.clone());
    }
    queue.receive().unwrap();
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0]);
}

#[test]
fn a_shape_is_within_limits() {
    let shape = |messages, size, may_more| {
        let wanted =
            MqAttr { maxmsg: messages, msgsize: size, ..MqAttr::default() };
        Limits::USUAL.shape(Some(&wanted), may_more)
    };
    let is = |messages, size| Ok(Shape { messages, size });
    assert_eq!(Limits::USUAL.shape(None, false), is(10, 8192));
    assert_eq!(shape(10, 8192, false), is(10, 8192));
    assert_eq!(shape(11, 1, true), is(11, 1));
    for bad in [(0, 1), (1, 0), (-1, 1), (11, 1), (1, 8193)] {
        assert_eq!(shape(bad.0, bad.1, false), Err(Errno::EINVAL));
    }
    assert_eq!(shape(65_537, 1, true), Err(Errno::EINVAL));
    assert_eq!(shape(1, (16 << 20) + 1, true), Err(Errno::EINVAL));
    // mq_overview(7): what 10 messages of 8192 bytes count.
    assert_eq!(Shape { messages: 10, size: 8192 }.cost(), 82_880);
}
