//! Whole CPUs with their queues, turn by turn: what shares come of it.

use super::{Arrival, Entity, Machine, RunQueue};
use crate::schedule::rotation::{Crowd, Member, Move};

const STEP_NS: u64 = 1_000_000;

struct Task {
    entity: Entity,
    allowed: u32,
    came_ns: u64,
    /// Time times the CPU's capacity.
    work: u64,
}

struct Cpu {
    queue: RunQueue<usize>,
    running: Option<usize>,
    turn_ns: u64,
    pushed_ns: u64,
    visited_ns: u64,
}

/// CPUs of these speeds, and spinners on them.
struct Simulation<'a> {
    capacities: &'a [u32],
    cpus: Vec<Cpu>,
    tasks: Vec<Task>,
    now_ns: u64,
}

impl<'a> Simulation<'a> {
    fn new(capacities: &'a [u32]) -> Self {
        let cpu = |_: &u32| Cpu {
            queue: RunQueue::new(),
            running: None,
            turn_ns: 0,
            pushed_ns: 0,
            visited_ns: 0,
        };
        let cpus = capacities.iter().map(cpu).collect();
        Self { capacities, cpus, tasks: Vec::new(), now_ns: 0 }
    }

    fn loads(&self) -> Vec<u64> {
        let load = |cpu: &Cpu| {
            let running = cpu
                .running
                .map_or(0, |id| u64::from(self.tasks[id].entity.weight()));
            cpu.queue.load() + running
        };
        self.cpus.iter().map(load).collect()
    }

    /// One more task, which may run on `allowed`.
    fn add(&mut self, allowed: u32) {
        let loads = self.loads();
        let machine =
            Machine { idle: 0, loads: &loads, capacities: self.capacities };
        let to = super::select_cpu(0, allowed, &machine);
        let entity = Entity::new(0);
        self.tasks.push(Task { entity, allowed, came_ns: 0, work: 0 });
        self.put(self.tasks.len() - 1, to);
    }

    fn put(&mut self, id: usize, to: usize) {
        let (cpu, task) = (&mut self.cpus[to], &mut self.tasks[id]);
        task.came_ns = self.now_ns;
        cpu.queue.place(&mut task.entity, Arrival::Moved, self.now_ns);
        match cpu.running {
            None => {
                task.entity.start(self.now_ns);
                cpu.running = Some(id);
            }
            Some(_) => cpu.queue.push(id, &task.entity),
        }
    }

    fn step(&mut self) {
        self.now_ns += STEP_NS;
        for own in 0..self.cpus.len() {
            let cpu = &mut self.cpus[own];
            let Some(id) = cpu.running else { continue };
            let task = &mut self.tasks[id];
            task.entity.charge(self.now_ns);
            task.work += u64::from(self.capacities[own]);
            cpu.queue.advance(&task.entity);
            cpu.turn_ns += STEP_NS;
            let (len, load) = (cpu.queue.len(), cpu.queue.load());
            if len != 0 && cpu.turn_ns >= task.entity.slice_ns(len, load) {
                self.end_turn(own, id);
            }
        }
    }

    fn end_turn(&mut self, own: usize, id: usize) {
        self.balance(own, id);
        let cpu = &mut self.cpus[own];
        let next = cpu.queue.exchange(id, &self.tasks[id].entity, false);
        if next != id {
            self.tasks[next].entity.start(self.now_ns);
            cpu.running = Some(next);
            cpu.turn_ns = 0;
        }
    }

    fn balance(&mut self, own: usize, running: usize) {
        let loads = self.loads();
        let machine =
            Machine { idle: 0, loads: &loads, capacities: self.capacities };
        let member = |id: &usize| Member {
            came_ns: self.tasks[*id].came_ns,
            allowed: self.tasks[*id].allowed,
            weight: self.tasks[*id].entity.weight(),
        };
        let ids: Vec<usize> = self.cpus[own].queue.iter().copied().collect();
        let waiting: Vec<Member> = ids.iter().map(member).take(8).collect();
        let crowd = Crowd {
            own,
            running: member(&running),
            waiting: &waiting,
            pushed_ns: self.cpus[own].pushed_ns,
            now_ns: self.now_ns,
        };
        let visited = |cpu: usize| self.cpus[cpu].visited_ns;
        let (index, to) = match crowd.choose(&machine, visited) {
            None => return,
            Some(Move::Relief(index, to)) => (index, to),
            Some(Move::Rotation(index, to)) => {
                self.cpus[to].visited_ns = self.now_ns;
                (index, to)
            }
        };
        let moved = ids[index];
        let queue = &mut self.cpus[own].queue;
        assert_eq!(queue.remove(|id| *id == moved), Some(moved));
        let min = queue.min_vruntime();
        let entity = &mut self.tasks[moved].entity;
        entity.leave(min);
        entity.convert(self.capacities[own], self.capacities[to]);
        self.put(moved, to);
        self.cpus[own].pushed_ns = self.now_ns;
        self.cpus[to].pushed_ns = self.now_ns;
    }
}

/// The most work of a task, divided by the least, over ten seconds.
fn unfairness(capacities: &[u32], masks: &[u32]) -> f64 {
    let mut simulation = Simulation::new(capacities);
    masks.iter().for_each(|mask| simulation.add(*mask));
    (0..10_000).for_each(|_| simulation.step());
    let work = || simulation.tasks.iter().map(|task| task.work as f64);
    let (least, most) =
        (work().fold(f64::MAX, f64::min), work().fold(0.0, f64::max));
    most / least
}

const EQUAL: [u32; 4] = [1024; 4];
const ALL: u32 = 0b1111;

#[test]
fn five_spinners_on_four_cpus_have_equal_shares() {
    let unfairness = unfairness(&EQUAL, &[ALL; 5]);
    assert!(unfairness < 1.05, "{unfairness}");
}

#[test]
fn any_number_of_spinners_has_equal_shares() {
    for count in 5..40 {
        let unfairness = unfairness(&EQUAL, &vec![ALL; count]);
        assert!(unfairness < 1.10, "{count}: {unfairness}");
    }
}

#[test]
fn spinners_that_may_not_move_have_no_more_than_the_others() {
    for pinned in [&[1][..], &[2, 8], &[1, 4]] {
        let mut masks = vec![ALL; 5 - pinned.len()];
        masks.extend(pinned);
        let unfairness = unfairness(&EQUAL, &masks);
        assert!(unfairness < 1.10, "{pinned:?}: {unfairness}");
    }
}

#[test]
fn crowds_go_round_among_equal_cpus_only() {
    let mut simulation = Simulation::new(&[512, 512, 512, 1024]);
    (0..6).for_each(|_| simulation.add(ALL));
    (0..10_000).for_each(|_| simulation.step());
    // Two of the fast one's three would go to the slow ones in turn.
    let visits = simulation.cpus.iter().map(|cpu| cpu.visited_ns);
    assert_eq!(visits.max(), Some(0));
}

/// Where counts fit, nobody moves.
#[test]
fn a_fair_machine_is_left_alone() {
    for (capacities, count) in [(EQUAL, 8), ([512, 512, 1024, 1024], 6)] {
        let mut simulation = Simulation::new(&capacities);
        (0..count).for_each(|_| simulation.add(ALL));
        (0..10_000).for_each(|_| simulation.step());
        let moves = simulation.cpus.iter().map(|cpu| cpu.visited_ns);
        assert_eq!(moves.max(), Some(0), "{capacities:?}");
    }
}
