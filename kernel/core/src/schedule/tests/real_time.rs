//! Real-time tasks: who goes before whom, and what is left to the others.

use kernel_abi::Errno;

use super::{Arrival, Entity, RunQueue};
use crate::schedule::policy::{Attributes, Policy, Rights};
use crate::schedule::throttle::{PERIOD_NS, RUNTIME_NS};

const MILLISECOND: u64 = 1_000_000;

fn with(policy: Policy, priority: u8) -> Entity {
    let mut entity = Entity::new(0);
    let plain = Attributes::ordinary(0);
    entity.set_attributes(Attributes { policy, priority, ..plain });
    entity
}

fn queue_of(entities: &mut [Entity]) -> RunQueue<usize> {
    let mut queue = RunQueue::new();
    for (id, entity) in entities.iter_mut().enumerate() {
        queue.place(entity, Arrival::Moved, 0);
        queue.push(id, entity);
    }
    queue
}

#[test]
fn priority_comes_first_then_arrival_then_the_others() {
    let mut entities = [
        with(Policy::Other, 0),
        with(Policy::Fifo, 10),
        with(Policy::RoundRobin, 50),
        with(Policy::Fifo, 10),
        with(Policy::Fifo, 99),
    ];
    let mut queue = queue_of(&mut entities);
    let order = core::iter::from_fn(|| queue.pop());
    assert_eq!(order.collect::<Vec<_>>(), [4, 2, 1, 3, 0]);
}

#[test]
fn a_preempted_task_goes_on_before_its_equals() {
    let mut entities = [with(Policy::Fifo, 10), with(Policy::Fifo, 20)];
    let mut queue = queue_of(&mut entities);
    let running = with(Policy::Fifo, 10);
    assert_eq!(queue.exchange(7, &running, false), 1);
    assert_eq!(queue.pop(), Some(7));
    assert_eq!(queue.pop(), Some(0));
}

#[test]
fn equals_wait_until_who_runs_gives_way() {
    let mut entities = [with(Policy::RoundRobin, 10)];
    let mut queue = queue_of(&mut entities);
    let running = with(Policy::RoundRobin, 10);
    assert_eq!(queue.exchange(7, &running, false), 7);
    assert_eq!(queue.exchange(7, &running, true), 0);
    assert_eq!(queue.pop(), Some(7));
}

#[test]
fn a_higher_priority_takes_the_cpu_and_an_equal_one_does_not() {
    let queue: RunQueue<usize> = RunQueue::new();
    let preempts =
        |woken: &Entity, running: &Entity| queue.preempts(woken, running);
    let (fair, low) = (with(Policy::Other, 0), with(Policy::Fifo, 1));
    let high = with(Policy::RoundRobin, 2);
    assert!(preempts(&low, &fair) && preempts(&high, &low));
    assert!(!preempts(&fair, &low) && !preempts(&low, &high));
    assert!(!preempts(&low, &low));
}

#[test]
fn a_batch_task_preempts_nobody_when_it_wakes() {
    let mut runner = Entity::new(0);
    runner.start(0);
    runner.charge(100 * MILLISECOND);
    assert!(runner.should_yield_to(&with(Policy::Other, 0)));
    assert!(!runner.should_yield_to(&with(Policy::Batch, 0)));
}

#[test]
fn an_idle_task_has_next_to_nothing() {
    let (idle, other) = (with(Policy::Idle, 0), with(Policy::Other, 0));
    assert!(idle.weight() * 300 < other.weight());
}

/// A task that never sleeps, and a shell: turn by turn of a tick each.
#[test]
fn one_that_never_sleeps_leaves_a_twentieth_to_the_others() {
    const TICK_NS: u64 = MILLISECOND;
    let mut entities = [with(Policy::Fifo, 99), with(Policy::Other, 0)];
    let mut queue = queue_of(&mut entities);
    let mut running = queue.pop().unwrap();
    let (mut now, mut since) = (0, 0);
    let mut longest_wait = 0;
    let mut last_ran = 0;
    let mut times = [0_u64; 2];
    for _ in 0..5000 {
        now += TICK_NS;
        times[running] += TICK_NS;
        if running == 1 {
            longest_wait = longest_wait.max(now - TICK_NS - last_ran);
            last_ran = now;
        }
        let real_time_since = (running == 0).then_some(since);
        let _ = queue.look_at_real_time(now, real_time_since);
        let next = queue.exchange(running, &entities[running], false);
        if next != running {
            if running == 0 {
                queue.bill_real_time(since, now);
            }
            (running, since) = (next, now);
        }
    }
    let total = 5000 * TICK_NS;
    assert!(times[1] >= total / 25 && times[1] <= total / 15, "{times:?}");
    assert!(longest_wait <= RUNTIME_NS + 2 * TICK_NS, "{longest_wait}");
}

#[test]
fn nobody_is_held_back_while_nobody_else_waits() {
    let mut entities = [with(Policy::Fifo, 5), with(Policy::Fifo, 5)];
    let mut queue = queue_of(&mut entities);
    let _ = queue.pop();
    for tick in 1..1000 {
        assert!(!queue.look_at_real_time(tick * MILLISECOND, Some(0)));
    }
}

#[test]
fn those_held_back_keep_their_order_and_come_back_first() {
    let mut entities =
        [with(Policy::Fifo, 5), with(Policy::Other, 0), with(Policy::Fifo, 9)];
    let mut queue = queue_of(&mut entities);
    assert!(queue.look_at_real_time(RUNTIME_NS, Some(0)));
    let mut copy = Vec::new();
    while let Some(id) = queue.pop() {
        copy.push(id);
    }
    assert_eq!(copy, [1, 2, 0]);
    for id in copy {
        queue.push(id, &entities[id]);
    }
    assert!(queue.look_at_real_time(PERIOD_NS, None));
    let order = core::iter::from_fn(|| queue.pop());
    assert_eq!(order.collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn rights_are_those_of_the_manual() {
    let none = Rights { nice: 0, real_time_priority: 0 };
    let some = Rights { nice: 25, real_time_priority: 10 };
    let of = |policy, priority, nice| Attributes {
        policy,
        priority,
        nice,
        resets_on_fork: false,
    };
    let plain = Attributes::ordinary(0);
    let fifo = |priority| of(Policy::Fifo, priority, 0);
    let allowed = [
        (plain, of(Policy::Batch, 0, 0), none),
        (plain, Attributes::ordinary(5), none),
        (plain, Attributes::ordinary(-5), some),
        (plain, fifo(10), some),
        (fifo(50), fifo(40), none),
        (fifo(50), fifo(40), some),
        (fifo(50), plain, none),
        (fifo(9), of(Policy::RoundRobin, 9, 0), some),
        (of(Policy::Idle, 0, 0), plain, some),
        (plain, of(Policy::Idle, 0, 0), none),
    ];
    for (old, new, rights) in allowed {
        assert_eq!(old.check_change(new, rights), Ok(()), "{old:?} {new:?}");
    }
    let resetting = Attributes { resets_on_fork: true, ..plain };
    let refused = [
        (plain, Attributes::ordinary(-1), none),
        (plain, Attributes::ordinary(-6), some),
        (plain, fifo(1), none),
        (plain, fifo(11), some),
        (fifo(5), fifo(6), none),
        (fifo(9), of(Policy::RoundRobin, 9, 0), none),
        (of(Policy::Idle, 0, 0), plain, none),
        (resetting, plain, some),
    ];
    for (old, new, rights) in refused {
        let result = old.check_change(new, rights);
        assert_eq!(result, Err(Errno::EPERM), "{old:?} {new:?}");
    }
}

#[test]
fn a_child_of_who_resets_begins_ordinary() {
    let parent = Attributes {
        policy: Policy::Fifo,
        priority: 20,
        nice: -5,
        resets_on_fork: true,
    };
    assert_eq!(parent.of_child(), Attributes::ordinary(0));
    let nice = Attributes { resets_on_fork: true, ..Attributes::ordinary(-3) };
    assert_eq!(nice.of_child(), Attributes::ordinary(0));
    let keeps = Attributes { resets_on_fork: false, ..parent };
    assert_eq!(keeps.of_child(), keeps);
}
