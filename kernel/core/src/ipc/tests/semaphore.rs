use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, SEM_UNDO, SemBuf};

use super::Bell;
use crate::ipc::semaphore::{Actor, Attempt, Blocked, SemaphoreSet, VALUE_MAX};
use crate::test_random::Random;

const ME: Actor = Actor { process: 7, list: 1 };

fn operation(number: u16, change: i16, flags: u16) -> SemBuf {
    SemBuf { number, change, flags }
}

fn blocked(number: u16, amount: i32) -> Result<Attempt, Errno> {
    Ok(Attempt::Blocked(Blocked { number, amount }))
}

#[test]
fn operations_are_done_together_or_not_at_all() {
    let mut set = SemaphoreSet::<Bell>::new(2);
    let both = [operation(0, 2, 0), operation(1, -1, SEM_UNDO)];
    assert_eq!(set.attempt(&both, ME), blocked(1, 1));
    assert!(set.values().eq([0, 0]));
    assert!(!set.has_undo(ME.list));
    set.set(1, 1, 7).unwrap();
    assert_eq!(set.attempt(&both, ME), Ok(Attempt::Done));
    assert!(set.values().eq([2, 0]));
    // One operation sees what the one before it did.
    let down_to_0 = [operation(0, -2, 0), operation(0, 0, 0)];
    assert_eq!(set.attempt(&down_to_0, ME), Ok(Attempt::Done));
    assert_eq!(set.process(0), Some(7));
}

#[test]
fn values_and_what_is_undone_have_limits() {
    let mut set = SemaphoreSet::<Bell>::new(1);
    let most = VALUE_MAX as i16;
    let up = [operation(0, most, 0)];
    assert_eq!(set.attempt(&up, ME), Ok(Attempt::Done));
    let more = [operation(0, 1, 0)];
    assert_eq!(set.attempt(&more, ME), Err(Errno::ERANGE));
    let down = [operation(0, -most, SEM_UNDO)];
    assert_eq!(set.attempt(&down, ME), Ok(Attempt::Done));
    assert_eq!(set.attempt(&up, ME), Ok(Attempt::Done));
    let again = [operation(0, -1, SEM_UNDO)];
    assert_eq!(set.attempt(&again, ME), Err(Errno::ERANGE));
    let refused = [operation(0, -1, 0), operation(0, 0, IPC_NOWAIT as u16)];
    assert_eq!(set.attempt(&refused, ME), Err(Errno::EAGAIN));
    assert_eq!(set.value(0), Some(VALUE_MAX));
    assert_eq!(set.set(0, VALUE_MAX + 1, 0), Err(Errno::ERANGE));
    assert_eq!(set.set_all(&[40_000], 0), Err(Errno::ERANGE));
}

#[test]
fn what_was_done_is_undone_and_stays_within_limits() {
    let mut set = SemaphoreSet::<Bell>::new(2);
    let steps = [operation(0, 5, SEM_UNDO), operation(1, 3, SEM_UNDO)];
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    let other = Actor { process: 9, list: 2 };
    let down = [operation(0, -4, 0)];
    assert_eq!(set.attempt(&down, other), Ok(Attempt::Done));
    assert!(set.undo(ME));
    assert!(!set.undo(ME));
    assert!(set.values().eq([0, 0]), "no value falls below 0");
}

#[test]
fn a_set_value_is_not_undone() {
    let mut set = SemaphoreSet::<Bell>::new(2);
    let steps = [operation(0, 5, SEM_UNDO), operation(1, 3, SEM_UNDO)];
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    set.set(0, 9, 1).unwrap();
    set.undo(ME);
    assert!(set.values().eq([9, 0]));
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    set.set_all(&[1, 2], 1).unwrap();
    assert!(!set.undo(ME));
    assert!(set.values().eq([1, 2]));
}

#[test]
fn only_those_are_woken_for_whom_there_is_something() {
    let mut set = SemaphoreSet::new(1);
    let bells = [(); 3].map(|()| Bell::default());
    let take = |amount| [operation(0, amount, 0)];
    let wants = |amount| Blocked { number: 0, amount };
    let first = set.wait(bells[0].clone(), wants(2));
    let second = set.wait(bells[1].clone(), wants(1));
    set.wait(bells[2].clone(), wants(1));
    assert_eq!(set.waiters_for_more(0), 3);
    let _ = set.attempt(&take(1), ME);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1, 0]);
    // It freezes: the next one gets its turn.
    set.step_aside(second);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 0, 1]);
    let _ = set.attempt(&take(2), ME);
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0, 0]);
    // After the thaw it tries first, and is not behind others then.
    assert_eq!(set.retry(second, &take(-1), ME), Ok(Attempt::Done));
    assert_eq!(set.retry(first, &take(-2), ME), Ok(Attempt::Done));
    assert_eq!(set.waiters_for_more(0), 1);
}

#[test]
fn who_gives_up_leaves_its_turn_to_the_next() {
    let mut set = SemaphoreSet::new(1);
    let bells = [(); 2].map(|()| Bell::default());
    let wants = Blocked { number: 0, amount: 1 };
    let first = set.wait(bells[0].clone(), wants);
    set.wait(bells[1].clone(), wants);
    let _ = set.attempt(&[operation(0, 1, 0)], ME);
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0]);
    set.leave(first);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1]);
}

#[test]
fn all_that_wait_for_zero_see_it() {
    let mut set = SemaphoreSet::new(1);
    set.set(0, 1, 1).unwrap();
    let bells = [(); 2].map(|()| Bell::default());
    let wants = Blocked { number: 0, amount: 0 };
    for bell in &bells {
        set.wait(bell.clone(), wants);
    }
    assert_eq!(set.waiters_for_zero(0), 2);
    let _ = set.attempt(&[operation(0, -1, 0)], ME);
    assert_eq!(bells.each_ref().map(Bell::take), [1, 1]);
}

/// Nobody sleeps for what is there, whatever others do.
#[test]
fn no_wake_up_is_lost() {
    let mut random = Random::new(12);
    for _ in 0..300 {
        let mut set = SemaphoreSet::new(2);
        let mut waiters = Vec::new();
        for _ in 0..200 {
            step(&mut set, &mut waiters, &mut random);
            for (_, steps, bell, _) in &waiters {
                let bell: &Bell = bell;
                let may_go = clone_of(&set, steps);
                let claimed = waiters.iter().any(|it| it.2.0.get() > 0);
                assert!(!may_go || claimed || bell.0.get() > 0);
            }
        }
    }
}

type Waiting = (u64, Vec<SemBuf>, Bell, bool);

fn clone_of(set: &SemaphoreSet<Bell>, steps: &[SemBuf]) -> bool {
    let mut values: Vec<i32> = set.values().map(i32::from).collect();
    steps.iter().all(|step| {
        let value = &mut values[usize::from(step.number)];
        let may_go = step.change != 0 || *value == 0;
        *value += i32::from(step.change);
        may_go && *value >= 0
    })
}

fn step(
    set: &mut SemaphoreSet<Bell>,
    waiters: &mut Vec<Waiting>,
    random: &mut Random,
) {
    let number = random.below(2) as u16;
    match random.below(5) {
        0 | 1 => {
            let up = [operation(number, 1 + random.below(2) as i16, 0)];
            let _ = set.attempt(&up, ME);
        }
        2 => {
            let change = -(random.below(3) as i16);
            let steps = vec![operation(number, change, 0)];
            if let Ok(Attempt::Blocked(wants)) = set.attempt(&steps, ME) {
                let bell = Bell::default();
                let ticket = set.wait(bell.clone(), wants);
                waiters.push((ticket, steps, bell, false));
            }
        }
        choice => {
            // One that was woken runs, or gives up, or freezes and thaws.
            let woken = waiters.iter().position(|it| it.2.0.get() > 0);
            let Some(at) = woken else { return };
            let (ticket, steps, bell, _) = waiters.remove(at);
            bell.take();
            match choice {
                3 if random.below(2) == 0 => set.leave(ticket),
                _ => {
                    if random.below(2) == 0 {
                        set.step_aside(ticket);
                    }
                    let result = set.retry(ticket, &steps, ME);
                    if matches!(result, Ok(Attempt::Blocked(_))) {
                        waiters.push((ticket, steps, bell, false));
                    }
                }
            }
        }
    }
}
