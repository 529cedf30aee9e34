use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR};

use super::Bell;
use crate::ipc::line::PIECE;
use crate::ipc::message::{Message, MessageQueue, Receive, Select};

type Queue = MessageQueue<Bell, u32>;

fn message(kind: i64, body: u32) -> Message<u32> {
    Message { kind, size: 4, body }
}

fn queue(kinds: &[i64]) -> Queue {
    let mut queue = Queue::new(1000);
    for (at, kind) in kinds.iter().enumerate() {
        assert!(queue.send(&message(*kind, at as u32)));
    }
    queue
}

fn any(kind: i64) -> Receive {
    Receive::decode(100, kind, 0).unwrap()
}

fn take(queue: &mut Queue, kind: i64, flags: u32) -> Option<u32> {
    let wants = Receive::decode(100, kind, flags).unwrap();
    queue.receive(&wants).unwrap().map(|it| it.body)
}

#[test]
fn the_type_selects_the_message() {
    let kinds = [5, 3, 9, 3, 1];
    assert_eq!(take(&mut queue(&kinds), 0, 0), Some(0));
    assert_eq!(take(&mut queue(&kinds), 3, 0), Some(1));
    assert_eq!(take(&mut queue(&kinds), 4, 0), None);
    assert_eq!(take(&mut queue(&kinds), 5, MSG_EXCEPT), Some(1));
    assert_eq!(take(&mut queue(&kinds), -4, 0), Some(4));
    assert_eq!(take(&mut queue(&[7, 4, 4]), -5, 0), Some(1));
    assert_eq!(take(&mut queue(&[7]), -5, 0), None);
    assert_eq!(take(&mut queue(&[7]), i64::MIN, 0), Some(0));
    assert_eq!(take(&mut queue(&[7, 7]), 7, MSG_EXCEPT), None);
}

#[test]
fn a_copy_leaves_the_message() {
    let mut queue = queue(&[5, 3]);
    let copy = MSG_COPY | IPC_NOWAIT;
    assert_eq!(take(&mut queue, 1, copy), Some(1));
    assert_eq!(take(&mut queue, 1, copy), Some(1));
    assert_eq!(take(&mut queue, 2, copy), None);
    assert_eq!(take(&mut queue, -1, copy), None);
    for bad in [MSG_COPY, copy | MSG_EXCEPT] {
        assert_eq!(Select::decode(0, bad), Err(Errno::EINVAL));
    }
    let short = |flags| Receive::decode(3, 0, copy | flags).unwrap();
    assert_eq!(queue.receive(&short(0)), Err(Errno::E2BIG));
    assert_eq!(queue.receive(&short(MSG_NOERROR)), Err(Errno::EINVAL));
}

#[test]
fn what_is_too_long_stays_unless_it_may_be_cut() {
    let mut queue = queue(&[5]);
    let short = |flags| Receive::decode(3, 0, flags).unwrap();
    assert_eq!(queue.receive(&short(0)), Err(Errno::E2BIG));
    assert_eq!(queue.len(), 1);
    assert!(queue.receive(&short(MSG_NOERROR)).unwrap().is_some());
    assert!(queue.is_empty());
}

#[test]
fn bytes_and_messages_are_limited() {
    let mut queue = Queue::new(8);
    assert!(queue.send(&message(1, 0)) && queue.send(&message(1, 1)));
    assert!(!queue.send(&message(1, 2)));
    let empty = |body| Message { size: 0, ..message(1, body) };
    assert!((0..6).all(|body| queue.send(&empty(body))));
    assert!(!queue.send(&empty(9)), "no more messages than bytes");
    assert_eq!((queue.len(), queue.bytes()), (8, 8));
}

#[test]
fn a_message_is_offered_to_one_who_takes_it() {
    let mut queue = queue(&[]);
    let bells = [(); 3].map(|()| Bell::default());
    let first = queue.wait_to_receive(bells[0].clone(), any(7));
    let second = queue.wait_to_receive(bells[1].clone(), any(0));
    let third = queue.wait_to_receive(bells[2].clone(), any(-9));
    assert!(queue.send(&message(5, 1)));
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1, 0]);
    // It freezes, then the next one gives up: the message waits.
    queue.step_aside_receiving(second);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 0, 1]);
    queue.leave_receiving(third);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 0, 0]);
    let taken = queue.retry_receive(second).unwrap();
    assert_eq!(taken.map(|it| it.body), Some(1));
    assert!(queue.send(&message(7, 2)));
    assert_eq!(bells[0].take(), 1);
    assert!(queue.retry_receive(first).unwrap().is_some());
}

#[test]
fn a_receiver_that_takes_another_message_leaves_its_own() {
    let mut queue = queue(&[]);
    let bells = [(); 2].map(|()| Bell::default());
    let first = queue.wait_to_receive(bells[0].clone(), any(-9));
    queue.wait_to_receive(bells[1].clone(), any(8));
    assert!(queue.send(&message(8, 1)) && queue.send(&message(2, 2)));
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0]);
    let taken = queue.retry_receive(first).unwrap();
    assert_eq!(taken.map(|it| it.body), Some(2), "the lowest type");
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1]);
}

#[test]
fn a_message_that_is_too_long_for_one_is_offered_to_the_next() {
    let mut queue = queue(&[]);
    let bells = [(); 2].map(|()| Bell::default());
    let short = Receive::decode(1, 0, 0).unwrap();
    let first = queue.wait_to_receive(bells[0].clone(), short);
    queue.wait_to_receive(bells[1].clone(), any(0));
    assert!(queue.send(&message(1, 1)));
    assert_eq!(queue.retry_receive(first), Err(Errno::E2BIG));
    assert_eq!(bells.each_ref().map(Bell::take), [1, 1]);
}

#[test]
fn senders_are_woken_for_the_room_that_they_need() {
    let mut queue = Queue::new(8);
    assert!(queue.send(&message(1, 0)) && queue.send(&message(1, 1)));
    let bells = [(); 3].map(|()| Bell::default());
    let large = Message { size: 6, ..message(1, 2) };
    let first = queue.wait_to_send(bells[0].clone(), large.size);
    let second = queue.wait_to_send(bells[1].clone(), 4);
    queue.wait_to_send(bells[2].clone(), 4);
    assert_eq!(take(&mut queue, 0, 0), Some(0));
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1, 0]);
    queue.step_aside_sending(second);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 0, 1]);
    assert!(!queue.retry_send(first, &large));
    assert!(queue.retry_send(second, &message(1, 3)));
}

#[test]
fn all_are_called_in_pieces() {
    const MANY: u64 = 500;
    let mut queue = Queue::new(0);
    let bells: Vec<Bell> = (0..2 * MANY).map(|_| Bell::default()).collect();
    for (at, bell) in bells.iter().enumerate() {
        match at % 2 {
            0 => queue.wait_to_receive(bell.clone(), any(0)),
            _ => queue.wait_to_send(bell.clone(), 4),
        };
    }
    queue.wake_everybody();
    let woken =
        |bells: &[Bell]| bells.iter().filter(|it| it.0.get() > 0).count();
    assert_eq!(woken(&bells), 2 * PIECE);
    // Whatever those do that were woken, the others are.
    for ticket in 1..=MANY {
        match ticket % 3 {
            0 => assert_eq!(queue.retry_receive(ticket), Ok(None)),
            1 => queue.step_aside_receiving(ticket),
            _ => queue.leave_receiving(ticket),
        }
        match ticket % 3 {
            0 => assert!(!queue.retry_send(ticket, &message(1, 1))),
            1 => queue.step_aside_sending(ticket),
            _ => queue.leave_sending(ticket),
        }
    }
    assert!(bells.iter().all(|bell| bell.take() == 1));
    assert!(queue.is_empty());
}
