//! The promises about CPUs of unequal speed.

use super::{Entity, Machine, RunQueue, select_cpu, select_fastest};
use crate::schedule::capacity::{
    Scale, has_faster, pull_from, pull_from_any, relief,
};

/// Four slow CPUs, then four fast ones, as a big.LITTLE machine has them.
const UNEQUAL: [u32; 8] = [530, 530, 530, 530, 1024, 1024, 1024, 1024];

#[test]
fn the_largest_value_of_the_tree_becomes_1024() {
    let values = [Some(446), Some(446), Some(860)];
    let scale = Scale::new(values.into_iter());
    assert_eq!(values.map(|value| scale.capacity(value)), [531, 531, 1024]);
    let scale = Scale::new([Some(530), Some(1024)].into_iter());
    assert_eq!(scale.capacity(Some(530)), 530);
}

#[test]
fn a_tree_that_says_nothing_or_nonsense_makes_all_equal() {
    for values in [[None, Some(530)], [None, None], [Some(0), Some(0)]] {
        let scale = Scale::new(values.into_iter());
        assert_eq!(values.map(|value| scale.capacity(value)), [1024; 2]);
    }
    let scale = Scale::new([Some(0), Some(u32::MAX)].into_iter());
    assert_eq!(scale.capacity(Some(0)), 1);
    assert_eq!(scale.capacity(Some(u32::MAX)), 1024);
}

#[test]
fn a_task_that_must_move_goes_to_the_fastest_idle_cpu() {
    let loads = [0, 0, 1024, 1024, 1024, 0, 0, 1024];
    let machine =
        Machine { idle: 0b0110_0011, loads: &loads, capacities: &UNEQUAL };
    assert_eq!(select_fastest(0, 0xff, &machine), 5);
    assert_eq!(select_fastest(6, 0xff, &machine), 6);
    assert_eq!(select_fastest(1, 0x0f, &machine), 1);
    assert_eq!(select_fastest(2, 0x0d, &machine), 0);
    assert_eq!(select_fastest(4, 0x9c, &machine), 4);
}

#[test]
fn an_idle_cpu_pulls_where_most_wait_for_its_speed() {
    let pull = |waiting: [u32; 8]| {
        pull_from(5, 8, |cpu| waiting[cpu], |cpu| UNEQUAL[cpu])
    };
    assert_eq!(pull([0; 8]), None);
    assert_eq!(pull([0, 0, 1, 0, 1, 9, 0, 0]), Some(2));
    assert_eq!(pull([0, 0, 1, 0, 2, 0, 0, 0]), Some(4));
    assert_eq!(pull([0, 1, 0, 0, 0, 0, 3, 0]), Some(6));
}

/// Those that wait on the first may be pinned there.
#[test]
fn an_idle_cpu_goes_on_to_the_queue_that_has_a_task_for_it() {
    let pull = |giving: u32, waiting: [u32; 8]| {
        let mut asked = Vec::new();
        let pulled = pull_from_any(
            5,
            8,
            |cpu| waiting[cpu],
            |cpu| UNEQUAL[cpu],
            |cpu| {
                asked.push(cpu);
                (giving & 1 << cpu != 0).then_some(cpu)
            },
        );
        (pulled, asked)
    };
    let waiting = [0, 1, 0, 0, 1, 9, 3, 0];
    assert_eq!(pull(0b0101_0010, waiting), (Some(6), vec![6]));
    assert_eq!(pull(0b0001_0010, waiting), (Some(1), vec![6, 1]));
    assert_eq!(pull(0b0001_0000, waiting), (Some(4), vec![6, 1, 4]));
    assert_eq!(pull(0b0010_0000, waiting), (None, vec![6, 1, 4]));
    assert_eq!(pull(0xff, [0; 8]), (None, vec![]));
    let only = [0, 0, 1, 0, 0, 9, 0, 0];
    assert_eq!(pull(0xff, only), (Some(2), vec![2]));
    assert_eq!(pull(0, only), (None, vec![2]));
}

#[test]
fn a_runner_on_a_slow_cpu_wants_an_idle_fast_one() {
    let machine = |idle| Machine { idle, loads: &[0; 8], capacities: &UNEQUAL };
    assert!(has_faster(0, 0xff, &machine(0b1000_0000)));
    assert!(!has_faster(0, 0xff, &machine(0b0000_1110)));
    assert!(!has_faster(0, 0x0f, &machine(0b1000_0000)));
    assert!(!has_faster(4, 0xff, &machine(0b1110_1111)));
}

/// Places `count` spinners one after the other, then moves as long as any
/// move helps; gives how many each CPU has in the end.
fn settle(count: usize, capacities: &[u32], from: usize) -> Vec<u64> {
    let mut loads = vec![0; capacities.len()];
    let all = (1 << capacities.len()) - 1;
    let mut moves = 0;
    for _ in 0..count {
        let idle = (0..loads.len()).filter(|&cpu| loads[cpu] == 0);
        let idle = idle.fold(0, |mask, cpu| mask | 1 << cpu);
        let machine = Machine { idle, loads: &loads, capacities };
        let cpu = select_cpu(from, all, &machine);
        loads[cpu] += 1024;
    }
    loop {
        let step = (0..loads.len()).find_map(|own| {
            let machine = Machine { idle: 0, loads: &loads, capacities };
            let waits = loads[own] > 1024;
            let to = waits.then(|| relief(own, all, 1024, &machine))??;
            Some((own, to))
        });
        let Some((own, to)) = step else { break };
        loads[own] -= 1024;
        loads[to] += 1024;
        moves += 1;
        assert!(moves < 10 * count, "moves without end");
    }
    loads.iter().map(|load| load / 1024).collect()
}

#[test]
fn twelve_spinners_share_capacity_not_cpus() {
    for from in 0..8 {
        let tasks = settle(12, &UNEQUAL, from);
        assert_eq!(tasks, [1, 1, 1, 1, 2, 2, 2, 2], "from {from}");
    }
    // Nobody has more than a third above the mean share of capacity.
    for count in 8..64 {
        let tasks = settle(count, &UNEQUAL, 0);
        let mean = 6216.0 / count as f64;
        for (cpu, tasks) in tasks.iter().enumerate() {
            let share = f64::from(UNEQUAL[cpu]) / (*tasks).max(1) as f64;
            let is_alone = *tasks <= 1;
            let limit = if count < 20 { 2.0 } else { 1.34 };
            assert!(is_alone || share < mean * limit, "{count}: {share}");
            assert!(share > mean / limit || is_alone, "{count}: {share}");
        }
    }
}

#[test]
fn a_pile_of_tasks_spreads_and_then_rests() {
    let mut loads = [1024 * 12, 0, 0, 1024];
    let capacities = [1024; 4];
    let mut moves = 0;
    while let Some(to) = relief(
        0,
        0b1111,
        1024,
        &Machine { idle: 0, loads: &loads, capacities: &capacities },
    ) {
        loads[0] -= 1024;
        loads[to] += 1024;
        moves += 1;
    }
    assert!(moves <= 9, "{moves}");
    assert!(loads.iter().all(|load| (3..=5).contains(&(load / 1024))));
}

#[test]
fn two_for_one_is_not_worth_a_move() {
    let capacities = [1024; 2];
    let machine =
        Machine { idle: 0, loads: &[2048, 1024], capacities: &capacities };
    assert_eq!(relief(0, 0b11, 1024, &machine), None);
    let machine =
        Machine { idle: 0, loads: &[3072, 1024], capacities: &capacities };
    assert_eq!(relief(0, 0b11, 1024, &machine), Some(1));
    assert_eq!(relief(0, 0b01, 1024, &machine), None);
}

#[test]
fn a_debt_is_the_same_work_on_a_cpu_of_another_speed() {
    let queue: RunQueue<usize> = RunQueue::new();
    let mut task = Entity::new(0);
    task.place(queue.min_vruntime());
    task.start(0);
    task.charge(9_000_000);
    let debt = task.vruntime() - queue.min_vruntime();
    task.leave(queue.min_vruntime());
    let mut faster = task;
    faster.convert(512, 1024);
    faster.place(queue.min_vruntime());
    assert_eq!(faster.vruntime() - queue.min_vruntime(), debt / 2);
    task.convert(1024, 512);
    task.place(queue.min_vruntime());
    assert_eq!(task.vruntime() - queue.min_vruntime(), debt * 2);
}

#[test]
fn a_credit_is_converted_too_and_equal_speeds_change_nothing() {
    let mut task = Entity::new(0);
    let ahead = task.vruntime();
    task.leave(ahead + 4_000_000);
    let mut same = task;
    same.convert(700, 700);
    assert_eq!(same.vruntime(), ahead);
    task.convert(1024, 512);
    assert_eq!(task.vruntime(), (ahead + 4_000_000).saturating_sub(8_000_000));
}
