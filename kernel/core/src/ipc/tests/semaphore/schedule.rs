//! Random calls, compared with a model that tries every waiter, in order,
//! after each change.

use kernel_abi::ipc::SemBuf;

use super::{ME, operation};
use crate::ipc::semaphore::{Attempt, SemaphoreSet};
use crate::ipc::tests::Bell;
use crate::test_random::Random;

const SEMAPHORES: usize = 3;

struct Waiting {
    ticket: u64,
    steps: Vec<SemBuf>,
    bell: Bell,
    /// It freezes, and will try again when it is thawed.
    is_away: bool,
}

/// A set, and the values that it must have.
struct Schedule {
    set: SemaphoreSet<Bell>,
    values: [i32; SEMAPHORES],
    waiting: Vec<Waiting>,
}

/// The values after `steps`, if nothing of them has to wait.
fn after(
    mut values: [i32; SEMAPHORES],
    steps: &[SemBuf],
) -> Option<[i32; SEMAPHORES]> {
    for step in steps {
        let value = &mut values[usize::from(step.number)];
        let waits = step.change == 0 && *value != 0;
        *value += i32::from(step.change);
        if waits || *value < 0 {
            return None;
        }
    }
    Some(values)
}

fn random_steps(random: &mut Random) -> Vec<SemBuf> {
    let steps = 0..1 + random.below(4);
    steps
        .map(|_| {
            let number = random.below(SEMAPHORES as u64) as u16;
            operation(number, random.below(5) as i16 - 2, 0)
        })
        .collect()
}

impl Schedule {
    fn new() -> Self {
        Self {
            set: SemaphoreSet::new(SEMAPHORES).unwrap(),
            values: [0; SEMAPHORES],
            waiting: Vec::new(),
        }
    }

    fn call(&mut self, steps: Vec<SemBuf>) {
        let after = after(self.values, &steps);
        match self.set.attempt(&steps, ME) {
            Ok(Attempt::Done) => {
                self.values = after.expect("the model waits");
            }
            Ok(Attempt::Blocked(wants)) => {
                assert_eq!(after, None);
                let bell = Bell::default();
                let ticket = self.set.wait(bell.clone(), wants);
                let is_away = false;
                self.waiting.push(Waiting { ticket, steps, bell, is_away });
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The waiter at this place tries again. True if it has gone.
    fn retry(&mut self, at: usize) -> bool {
        let Waiting { ticket, steps, .. } = &self.waiting[at];
        let after = after(self.values, steps);
        let result = self.set.retry(*ticket, steps, ME);
        self.waiting[at].is_away = false;
        if let Some(after) = after {
            assert_eq!(result, Ok(Attempt::Done));
            self.values = after;
            self.waiting.remove(at);
            return true;
        }
        assert!(matches!(result, Ok(Attempt::Blocked(_))));
        false
    }

    /// Lets those run that were woken, the first or the last of them first,
    /// until nobody is. None of those who wait then could go.
    fn settle(&mut self, is_reverse: bool) {
        let mut in_vain = 0;
        loop {
            let is_woken = |it: &Waiting| !it.is_away && it.bell.0.get() > 0;
            let found = match is_reverse {
                true => self.waiting.iter().rposition(is_woken),
                false => self.waiting.iter().position(is_woken),
            };
            let Some(at) = found else { break };
            self.waiting[at].bell.take();
            in_vain = if self.retry(at) { 0 } else { in_vain + 1 };
            let bound = self.waiting.len() * (1 + SEMAPHORES) * 4;
            assert!(in_vain <= bound, "waiters wake each other for ever");
        }
        assert!(self.set.values().map(i32::from).eq(self.values));
        for it in self.waiting.iter().filter(|it| !it.is_away) {
            assert_eq!(after(self.values, &it.steps), None, "a lost wake-up");
        }
    }

    /// One waiter gives up, freezes, or is thawed.
    fn disturb(&mut self, random: &mut Random) {
        if self.waiting.is_empty() {
            return;
        }
        let at = random.below(self.waiting.len() as u64) as usize;
        let ticket = self.waiting[at].ticket;
        match random.below(3) {
            0 => {
                self.set.leave(ticket);
                self.waiting.remove(at);
            }
            1 => {
                self.set.step_aside(ticket);
                self.waiting[at].is_away = true;
                self.waiting[at].bell.take();
            }
            _ => {
                self.waiting[at].bell.take();
                self.retry(at);
            }
        }
    }
}

#[test]
fn nobody_sleeps_who_could_go() {
    let mut random = Random::new(12);
    for _ in 0..1000 {
        let mut schedule = Schedule::new();
        for _ in 0..100 {
            schedule.call(random_steps(&mut random));
            // Some come before those that were woken have run.
            if random.below(2) == 0 {
                schedule.disturb(&mut random);
            }
            if random.below(3) != 0 {
                schedule.settle(random.below(2) == 0);
            }
        }
    }
}
