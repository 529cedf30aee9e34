//! The promises of the fair policy.

use super::entity::{LATENCY_NS, MIN_SLICE_NS, SLEEPER_BONUS_NS};
use super::{
    Arrival, Entity, Machine, RunQueue, select_cpu, select_fastest, weight,
};
use crate::test_random::Random;

mod crowd;
mod real_time;
mod sleeper;
mod unequal;

fn entity(nice: i8, queue: &RunQueue<usize>) -> Entity {
    let mut entity = Entity::new(nice);
    entity.place(queue.min_vruntime());
    entity
}

/// Runs `entities` on one queue for `total_ns`, a slice each time.
fn run(entities: &mut [Entity], total_ns: u64) {
    let mut queue = RunQueue::new();
    queue.try_reserve(entities.len()).unwrap();
    for (index, entity) in entities.iter_mut().enumerate() {
        entity.place(queue.min_vruntime());
        queue.push(index, entity);
    }
    let mut now = 0;
    let mut current = queue.pop().unwrap();
    while now < total_ns {
        let entity = &mut entities[current];
        entity.start(now);
        now += entity.slice_ns(queue.len(), queue.load());
        entity.charge(now);
        current = queue.exchange(current, &entities[current], false);
    }
}

#[test]
fn each_nice_level_weighs_a_quarter_more_than_the_next() {
    assert_eq!(weight::of_nice(0), 1024);
    for nice in -20..19 {
        let ratio = f64::from(weight::of_nice(nice))
            / f64::from(weight::of_nice(nice + 1));
        assert!((1.19..1.30).contains(&ratio), "{nice}: {ratio}");
    }
    assert_eq!(weight::of_nice(-128), weight::of_nice(-20));
    assert_eq!(weight::of_nice(127), weight::of_nice(19));
}

#[test]
fn equal_tasks_get_equal_time() {
    let mut entities = vec![Entity::new(0); 7];
    run(&mut entities, 10_000_000_000);
    let times: Vec<u64> = entities.iter().map(Entity::total_ns).collect();
    let spread = times.iter().max().unwrap() - times.iter().min().unwrap();
    assert!(spread <= 2 * LATENCY_NS, "{times:?}");
}

#[test]
fn time_is_shared_by_weight() {
    let nices = [-20, -5, 0, 3, 10, 19];
    let mut entities: Vec<Entity> = nices.map(Entity::new).into();
    let total = 100_000_000_000;
    run(&mut entities, total);
    let weights: u64 = entities.iter().map(|e| u64::from(e.weight())).sum();
    for entity in &entities {
        let fair = total as f64 * f64::from(entity.weight()) / weights as f64;
        let error = (entity.total_ns() as f64 - fair).abs();
        let allowed = 0.02 * fair + 10.0 * MIN_SLICE_NS as f64;
        assert!(error < allowed, "{}: {error} {fair}", entity.nice());
    }
}

/// Who read the clock before it waited for the queue's lock comes late.
#[test]
fn time_is_billed_once_whatever_clock_comes_late() {
    let mut entity = Entity::new(0);
    entity.start(1000);
    for now in [1100, 1060, 1120, 900, 1120] {
        entity.charge(now);
    }
    assert_eq!(entity.total_ns(), 120);
    assert_eq!(entity.total_ns_at(1130), 130);
}

#[test]
fn pop_returns_tasks_in_order_of_claim_and_arrival() {
    let mut queue = RunQueue::new();
    let mut random = Random::new(1);
    let mut expected = Vec::new();
    for index in 0..500 {
        let mut entity = entity(0, &queue);
        entity.start(0);
        entity.charge(random.below(20));
        expected.push((entity.vruntime(), index));
        queue.push(index, &entity);
    }
    expected.sort_unstable();
    for (_, index) in expected {
        assert_eq!(queue.pop(), Some(index));
    }
    assert!(queue.is_empty());
    assert_eq!(queue.load(), 0);
}

#[test]
fn a_queue_survives_any_mixture_of_operations() {
    let mut random = Random::new(7);
    let mut queue = RunQueue::new();
    let mut held: Vec<(usize, Entity)> = Vec::new();
    let mut next = 0;
    let mut last_min = 0;
    for _ in 0..20_000 {
        match random.below(6) {
            0..=2 => {
                let nice = random.below(40) as i8 - 20;
                let mut entity = entity(nice, &queue);
                entity.start(0);
                entity.charge(random.below(5_000_000));
                held.push((next, entity));
                queue.push(next, &entity);
                next += 1;
            }
            3 => {
                let least = held.iter().map(|h| h.1.vruntime()).min();
                assert_eq!(queue.next_key(), least);
                forget(&mut held, queue.pop());
            }
            4 => forget(&mut held, queue.steal_last(|id| id % 3 != 0)),
            _ => {
                let wanted = random.below(next as u64 + 1) as usize;
                forget(&mut held, queue.remove(|&id| id == wanted));
            }
        }
        assert_eq!(queue.len(), held.len());
        let load: u64 = held.iter().map(|h| u64::from(h.1.weight())).sum();
        assert_eq!(queue.load(), load);
        assert!(queue.min_vruntime() >= last_min);
        last_min = queue.min_vruntime();
    }
}

fn forget(held: &mut Vec<(usize, Entity)>, taken: Option<usize>) {
    if let Some(id) = taken {
        let at = held.iter().position(|h| h.0 == id).unwrap();
        held.swap_remove(at);
    }
}

#[test]
fn a_reserved_queue_does_not_allocate() {
    let mut queue = RunQueue::new();
    queue.try_reserve(100).unwrap();
    let capacity = queue.capacity();
    for index in 0..100 {
        let entity = entity(0, &queue);
        queue.push(index, &entity);
    }
    assert_eq!(queue.capacity(), capacity);
}

#[test]
fn a_stolen_task_is_one_that_may_run_and_not_the_next() {
    let mut queue = RunQueue::new();
    for index in 0..10 {
        let entity = entity(0, &queue);
        queue.push(index, &entity);
    }
    let stolen = queue.steal_last(|id| id % 2 == 0).unwrap();
    assert!(stolen % 2 == 0 && stolen != 0);
    assert_eq!(queue.steal_last(|_| false), None);
    assert_eq!(queue.len(), 9);
}

#[test]
fn exchange_keeps_the_running_task_while_its_claim_is_best() {
    let mut queue = RunQueue::new();
    let mut running = entity(0, &queue);
    let mut waiting = entity(0, &queue);
    waiting.start(0);
    waiting.charge(10);
    queue.push(2, &waiting);
    assert_eq!(queue.exchange(1, &running, false), 1);
    running.start(0);
    running.charge(10);
    assert_eq!(queue.exchange(1, &running, false), 2);
    assert_eq!(queue.pop(), Some(1));
}

#[test]
fn yielding_tasks_of_equal_claim_take_turns() {
    let mut queue = RunQueue::new();
    let mut entities = [entity(0, &queue); 4];
    for (index, entity) in entities.iter().enumerate().skip(1) {
        queue.push(index, entity);
    }
    let (mut current, mut order) = (0, Vec::new());
    for now in 0..12 {
        order.push(current);
        let entity = &mut entities[current];
        entity.start(now * 1000);
        entity.charge((now + 1) * 1000);
        entity.yield_to(queue.next_key().unwrap());
        current = queue.exchange(current, &entities[current], false);
    }
    assert_eq!(order, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn a_task_that_yields_early_still_makes_way() {
    let mut queue = RunQueue::new();
    let mut waiting = entity(0, &queue);
    waiting.start(0);
    waiting.charge(1_000_000);
    queue.push(2, &waiting);
    let mut running = entity(0, &queue);
    running.yield_to(queue.next_key().unwrap());
    assert_eq!(queue.exchange(1, &running, false), 2);
}

#[test]
fn a_sleeper_gets_a_bounded_bonus() {
    let mut queue: RunQueue<usize> = RunQueue::new();
    let mut sleeper = entity(0, &queue);
    sleeper.leave(queue.min_vruntime());
    let mut runner = entity(0, &queue);
    runner.start(0);
    runner.charge(3_600_000_000_000);
    queue.advance(&runner);
    queue.place(&mut sleeper, Arrival::Woken, 3_600_000_000_000);
    let ahead = runner.vruntime() - sleeper.vruntime();
    assert_eq!(ahead, SLEEPER_BONUS_NS);
    assert!(runner.should_yield_to(&sleeper));
    assert!(!sleeper.should_yield_to(&runner));
}

#[test]
fn a_short_sleep_earns_nothing() {
    let mut queue: RunQueue<usize> = RunQueue::new();
    let mut sleeper = entity(0, &queue);
    sleeper.start(0);
    sleeper.charge(5_000_000);
    let before = sleeper.vruntime();
    sleeper.leave(queue.min_vruntime());
    queue.place(&mut sleeper, Arrival::Woken, 5_000_000);
    assert_eq!(sleeper.vruntime(), before);
}

#[test]
fn a_new_task_does_not_run_before_those_that_are_there() {
    let queue: RunQueue<usize> = RunQueue::new();
    let mut parent = entity(0, &queue);
    parent.start(0);
    let child = entity(0, &queue);
    assert!(child.vruntime() > queue.min_vruntime());
    assert!(child.vruntime() < queue.min_vruntime() + LATENCY_NS);
    assert_eq!(child.total_ns(), 0);
    assert!(!parent.should_yield_to(&child));
}

#[test]
fn forking_does_not_gain_time() {
    // One task forks all the time, the other only runs.
    let mut queue = RunQueue::new();
    let mut honest = entity(0, &queue);
    let mut children = vec![entity(0, &queue)];
    queue.push(1, &children[0]);
    let (mut current, mut now) = (0, 0);
    let mut honest_ns = 0;
    while now < 2_000_000_000 {
        now += MIN_SLICE_NS;
        let running = match current {
            0 => &mut honest,
            child => &mut children[child - 1],
        };
        running.start(now - MIN_SLICE_NS);
        running.charge(now);
        queue.advance(running);
        let account = *running;
        if current == 0 {
            honest_ns += MIN_SLICE_NS;
            current = queue.exchange(0, &account, false);
        } else {
            // It ends, and leaves a child in its place.
            let child = entity(0, &queue);
            children.push(child);
            queue.push(children.len(), &child);
            current = queue.pop().unwrap();
        }
    }
    assert!(honest_ns > 900_000_000, "{honest_ns}");
}

#[test]
fn moving_to_another_queue_keeps_the_claim() {
    let mut old: RunQueue<usize> = RunQueue::new();
    let mut new: RunQueue<usize> = RunQueue::new();
    let mut runner = entity(0, &old);
    runner.start(0);
    runner.charge(50_000_000_000);
    old.advance(&runner);
    let mut task = entity(0, &old);
    task.start(0);
    task.charge(1_000);
    let debt = task.vruntime() as i64 - old.min_vruntime() as i64;
    task.leave(old.min_vruntime());
    task.place(new.min_vruntime());
    new.push(1, &task);
    assert_eq!(task.vruntime() as i64 - new.min_vruntime() as i64, debt);
}

#[test]
fn moving_does_not_carry_unbounded_debt() {
    let queue: RunQueue<usize> = RunQueue::new();
    let mut task = entity(19, &queue);
    task.start(0);
    task.charge(1_000_000_000_000);
    task.leave(queue.min_vruntime());
    task.place(queue.min_vruntime());
    let debt = task.vruntime() - queue.min_vruntime();
    assert!(debt <= 10 * LATENCY_NS, "{debt}");
}

#[test]
fn slices_share_the_latency_and_never_vanish() {
    let task = Entity::new(0);
    assert_eq!(task.slice_ns(0, 0), LATENCY_NS);
    assert_eq!(task.slice_ns(1, 1024), LATENCY_NS / 2);
    assert_eq!(task.slice_ns(1000, 1_024_000), MIN_SLICE_NS);
    assert_eq!(Entity::new(19).slice_ns(1, 88_000), MIN_SLICE_NS);
}

#[test]
fn a_total_includes_the_time_not_yet_charged() {
    let mut task = Entity::new(0);
    task.start(100);
    task.charge(150);
    assert_eq!(task.total_ns(), 50);
    assert_eq!(task.total_ns_at(170), 70);
}

const EQUAL: [u32; 4] = [1024; 4];

#[test]
fn a_woken_task_returns_to_its_idle_cpu() {
    let machine = Machine { idle: 0b1111, loads: &[0; 4], capacities: &EQUAL };
    assert_eq!(select_cpu(2, 0b1111, &machine), 2);
}

#[test]
fn a_busy_previous_cpu_gives_way_to_an_idle_one() {
    let loads = [1024, 0, 1024, 0];
    let machine = Machine { idle: 0b1010, loads: &loads, capacities: &EQUAL };
    assert_eq!(select_cpu(2, 0b1111, &machine), 1);
    assert_eq!(select_cpu(2, 0b1101, &machine), 3);
}

#[test]
fn an_idle_cpu_as_fast_is_preferred_to_a_slower_one() {
    let machine = Machine {
        idle: 0b1011,
        loads: &[0, 0, 1024, 0],
        capacities: &[400, 400, 1024, 1024],
    };
    assert_eq!(select_cpu(2, 0b1111, &machine), 3);
    assert_eq!(select_cpu(2, 0b0111, &machine), 1);
}

#[test]
fn without_idle_cpus_the_least_loaded_for_its_speed_is_taken() {
    let machine = Machine {
        idle: 0,
        loads: &[1024, 900, 2048, 2048],
        capacities: &[400, 400, 1024, 1024],
    };
    assert_eq!(select_cpu(2, 0b1111, &machine), 2);
    assert_eq!(select_cpu(3, 0b1111, &machine), 3);
    assert_eq!(select_cpu(3, 0b0011, &machine), 1);
}

#[test]
fn an_unusable_choice_falls_back_to_the_previous_cpu() {
    let machine = Machine { idle: 0, loads: &[], capacities: &[] };
    assert_eq!(select_cpu(40, 0, &machine), 40);
}
