use core::sync::atomic::Ordering::Relaxed;
use std::collections::{HashMap, HashSet};

use super::{AsidPool, AsidState, Context};

const CPUS: usize = 4;

/// CPUs with a TLB each, which remembers whose entries a number tags.
struct Machine {
    state: AsidState<CPUS>,
    pool: AsidPool<CPUS>,
    spaces: Vec<Context>,
    running: [Option<usize>; CPUS],
    tlb: [HashMap<u16, usize>; CPUS],
    flushes: usize,
}

impl Machine {
    fn new(spaces: usize) -> Self {
        Self {
            state: AsidState::new(),
            pool: AsidPool::new(8),
            spaces: vec![Context::default(); spaces],
            running: [None; CPUS],
            tlb: Default::default(),
            flushes: 0,
        }
    }

    fn activate(&mut self, cpu: usize, space: usize) {
        if !self.state.try_activate(cpu, self.spaces[space]) {
            self.assign(cpu, space);
        }
        self.run(cpu, space);
    }

    fn assign(&mut self, cpu: usize, space: usize) {
        let old = self.spaces[space];
        let assigned = self.pool.assign(&self.state, cpu, old);
        self.spaces[space] = assigned.context;
        if assigned.flush {
            self.tlb[cpu].clear();
            self.flushes += 1;
        }
    }

    /// The CPU loads the number and uses it.
    fn run(&mut self, cpu: usize, space: usize) {
        self.running[cpu] = Some(space);
        self.check();
    }

    /// No CPU hits another space's entries; no number runs for two spaces.
    fn check(&mut self) {
        for cpu in 0..CPUS {
            let Some(space) = self.running[cpu] else { continue };
            let asid = self.spaces[space].asid();
            assert_ne!(asid, 0);
            let tagged = *self.tlb[cpu].entry(asid).or_insert(space);
            assert_eq!(tagged, space, "a stale TLB entry was hit");
        }
    }
}

#[test]
fn every_space_of_a_generation_has_its_own_number() {
    let mut machine = Machine::new(255);
    let mut seen = HashSet::new();
    for space in 0..255 {
        machine.activate(0, space);
        assert!(seen.insert(machine.spaces[space].asid()));
    }
    assert_eq!(machine.flushes, 0);
}

#[test]
fn a_current_space_is_activated_without_the_pool() {
    let mut machine = Machine::new(2);
    machine.activate(0, 0);
    machine.activate(0, 1);
    assert!(machine.state.try_activate(0, machine.spaces[0]));
    assert!(!machine.state.try_activate(1, machine.spaces[0]), "first time");
}

#[test]
fn rollover_flushes_every_cpu_once() {
    let mut machine = Machine::new(300);
    for cpu in 0..CPUS {
        machine.activate(cpu, cpu);
    }
    for space in 0..300 {
        machine.activate(0, space);
    }
    assert_eq!(machine.flushes, 1);
    for _ in 0..2 {
        for cpu in 1..CPUS {
            machine.activate(cpu, cpu);
        }
    }
    assert_eq!(machine.flushes, CPUS);
}

#[test]
fn a_running_space_keeps_its_number_over_rollovers() {
    let mut machine = Machine::new(2000);
    machine.activate(3, 0);
    let number = machine.spaces[0].asid();
    for space in 1..2000 {
        machine.activate(0, space);
    }
    machine.activate(2, 0);
    assert_eq!(machine.spaces[0].asid(), number);
    machine.activate(3, 0);
    assert_eq!(machine.spaces[0].asid(), number);
}

#[test]
fn sixteen_bits_give_65535_numbers() {
    let state = AsidState::<1>::new();
    let mut pool = AsidPool::new(16);
    for _ in 0..65_535 {
        let assigned = pool.assign(&state, 0, Context::default());
        assert!(!assigned.flush);
    }
    assert!(pool.assign(&state, 0, Context::default()).flush);
}

/// The steps of the timeline in the module's head, in every order.
#[test]
fn no_order_of_the_rollover_race_shares_a_number() {
    for rollover_at in 0..4 {
        let mut machine = Machine::new(600);
        machine.activate(0, 0);
        machine.activate(0, 1);
        // Use up the generation on CPU 1, one number short of a rollover.
        for space in 2..255 {
            machine.activate(1, space);
        }
        let roll = |machine: &mut Machine, step: usize| {
            if step == rollover_at {
                machine.activate(1, 400);
            }
        };
        // CPU 0 switches from space 1 to space 0, taken apart.
        let context = machine.spaces[0];
        roll(&mut machine, 0);
        let generation = machine.state.generation.load(Relaxed);
        roll(&mut machine, 1);
        let old = machine.state.active[0].load(Relaxed);
        roll(&mut machine, 2);
        let is_current = (context.0 ^ generation) >> 16 == 0;
        let exchanged = is_current
            && old != 0
            && machine.state.active[0]
                .compare_exchange(old, context.0, Relaxed, Relaxed)
                .is_ok();
        if !exchanged {
            machine.assign(0, 0);
        }
        machine.run(0, 0);
        roll(&mut machine, 3);
        for space in 401..600 {
            machine.activate(1, space);
        }
        machine.check();
    }
}

#[test]
fn random_switches_never_hit_a_stale_entry() {
    let mut machine = Machine::new(700);
    let mut seed = 5u64;
    let mut random = move |bound: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(3);
        (seed >> 33) as usize % bound
    };
    for _ in 0..100_000 {
        let space = random(700).min(random(700));
        machine.activate(random(CPUS), space);
    }
    assert!(machine.flushes > 10);
}
