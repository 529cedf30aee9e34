//! Sleepers among many that compute, and children of both.

use super::{Arrival, Entity, RunQueue};
use crate::schedule::entity::{LATENCY_NS, MIN_SLICE_NS};
use crate::schedule::favour::Favour;

const MILLISECOND: u64 = 1_000_000;
/// No spinner has this number.
const SLEEPER: usize = 1 << 20;

/// One CPU, with spinners that wait and one that runs.
struct Cpu {
    queue: RunQueue<usize>,
    spinners: Vec<Entity>,
    running: usize,
    now_ns: u64,
}

impl Cpu {
    fn new(count: usize) -> Self {
        let mut queue = RunQueue::new();
        let mut spinners = vec![Entity::new(0); count];
        for (id, entity) in spinners.iter_mut().enumerate() {
            queue.place(entity, Arrival::Moved, 0);
            queue.push(id, entity);
        }
        let running = queue.pop().unwrap();
        spinners[running].start(0);
        Self { queue, spinners, running, now_ns: 0 }
    }

    /// The running spinner's turn.
    fn turn(&mut self) -> usize {
        let entity = &mut self.spinners[self.running];
        self.now_ns += entity.slice_ns(self.queue.len(), self.queue.load());
        entity.charge(self.now_ns);
        self.queue.advance(entity);
        let entity = *entity;
        self.queue.exchange(self.running, &entity, false)
    }

    /// Time passes in which nobody comes or goes.
    fn run_for(&mut self, ns: u64) {
        let end = self.now_ns + ns;
        while self.now_ns < end {
            self.running = self.turn();
            self.spinners[self.running].start(self.now_ns);
        }
    }

    /// How long a task waits that wakes now.
    fn latency_of(&mut self, entity: &mut Entity, how: Arrival) -> u64 {
        let woken_ns = self.now_ns;
        self.spinners[self.running].charge(woken_ns);
        self.queue.advance(&self.spinners[self.running]);
        self.queue.place(entity, how, woken_ns);
        let running = self.spinners[self.running];
        let preempts = self.queue.preempts(entity, &running);
        self.queue.push(SLEEPER, entity);
        if preempts {
            let next = self.queue.exchange(self.running, &running, false);
            assert_eq!(next, SLEEPER);
            return 0;
        }
        loop {
            match self.turn() {
                SLEEPER => return self.now_ns - woken_ns,
                next => {
                    self.running = next;
                    self.spinners[next].start(self.now_ns);
                }
            }
        }
    }

    /// The sleeper, which runs, works and sleeps again.
    fn work(&mut self, entity: &mut Entity, ns: u64) {
        entity.start(self.now_ns);
        self.now_ns += ns;
        entity.charge(self.now_ns);
        self.queue.advance(entity);
        entity.leave(self.queue.min_vruntime());
        self.running = self.queue.pop().unwrap();
        self.spinners[self.running].start(self.now_ns);
    }
}

/// A shell among 500 spinners of its CPU, which naps 50 ms and works 2.
fn worst_latency(how: Arrival) -> u64 {
    let mut cpu = Cpu::new(500);
    let mut shell = Entity::new(0);
    cpu.run_for(100 * MILLISECOND);
    cpu.latency_of(&mut shell, Arrival::Moved);
    // What it did before: it started them all.
    cpu.work(&mut shell, 40 * MILLISECOND);
    let mut worst = 0;
    for nap in 0..100 {
        cpu.run_for(50 * MILLISECOND);
        let latency = cpu.latency_of(&mut shell, how);
        if nap > 20 {
            worst = worst.max(latency);
        }
        cpu.work(&mut shell, 2 * MILLISECOND);
    }
    worst
}

#[test]
fn a_shell_among_spinners_answers_within_twenty_milliseconds() {
    for how in [Arrival::Woken, Arrival::WokenElsewhere] {
        let worst = worst_latency(how);
        assert!(worst <= 20 * MILLISECOND, "{how:?}: {worst}");
    }
}

/// Two hundred that nap and work a sixteenth of the time want twelve times
/// what there is.
#[test]
fn sleepers_leave_half_to_those_that_compute() {
    let mut queue: RunQueue<usize> = RunQueue::new();
    let mut spinner = Entity::new(0);
    queue.place(&mut spinner, Arrival::Moved, 0);
    let mut favour = Favour::new();
    let given: u64 = (1..=1000)
        .map(|turn| favour.take(3 * MILLISECOND, turn * MILLISECOND))
        .sum();
    assert!(given <= 500 * MILLISECOND + 4 * LATENCY_NS, "{given}");
    assert!(given >= 490 * MILLISECOND, "{given}");
}

#[test]
fn whoever_stood_still_has_not_slept() {
    let mut cpu = Cpu::new(10);
    let mut frozen = Entity::new(0);
    cpu.latency_of(&mut frozen, Arrival::Moved);
    cpu.work(&mut frozen, 3 * MILLISECOND);
    cpu.run_for(500 * MILLISECOND);
    let latency = cpu.latency_of(&mut frozen, Arrival::Thawed);
    assert!(latency >= MIN_SLICE_NS, "{latency}");
}

#[test]
fn a_thaw_is_no_gift() {
    let min = 1 << 40;
    for lag in (-20_000_000..50_000_000_i64).step_by(77_777) {
        let mut frozen = Entity::new(0);
        frozen.place(min);
        let before = frozen.vruntime().cast_signed() - min.cast_signed();
        frozen.leave(min.saturating_add_signed(before - lag));
        frozen.thaw(2 * min);
        let after = frozen.vruntime().cast_signed() - 2 * min.cast_signed();
        assert_eq!(frozen.base(), 2 * min);
        let kept =
            lag.clamp(-LATENCY_NS.cast_signed(), 48 * MILLISECOND as i64);
        assert!(after >= kept, "{lag} became {after}");
        assert!(after <= kept + (1 << 21), "{lag} became {after}");
    }
}

#[test]
fn a_child_of_who_is_owed_time_runs_soon_and_costs_half() {
    let mut cpu = Cpu::new(500);
    cpu.run_for(100 * MILLISECOND);
    let mut shell = Entity::new(0);
    shell.place(cpu.queue.min_vruntime());
    shell.leave(cpu.queue.min_vruntime());
    cpu.run_for(100 * MILLISECOND);
    assert_eq!(cpu.latency_of(&mut shell, Arrival::Woken), 0);
    let min = cpu.queue.min_vruntime();
    let before = min - shell.vruntime();
    let mut child = shell.fork(min);
    cpu.work(&mut shell, MILLISECOND / 10);
    assert_eq!(cpu.latency_of(&mut child, Arrival::Moved), 0);
    let together = 2 * min - shell.vruntime() - child.vruntime();
    assert!(together <= before, "{together} {before}");
}

#[test]
fn a_child_owes_what_its_parent_owes() {
    let queue: RunQueue<usize> = RunQueue::new();
    let mut parent = Entity::new(0);
    parent.place(queue.min_vruntime());
    parent.start(0);
    parent.charge(5 * MILLISECOND);
    let mut child = parent.fork(queue.min_vruntime());
    child.place(queue.min_vruntime());
    assert!(child.vruntime() > parent.vruntime());
}
