use kernel_abi::Errno;
use kernel_abi::ipc::{IPC_NOWAIT, SEM_UNDO, SemBuf};

use super::Bell;
use crate::ipc::line::PIECE;
use crate::ipc::semaphore::{
    Actor, Attempt, Blocked, Need, SemaphoreSet, Sums, VALUE_MAX,
};

mod schedule;

const ME: Actor = Actor { process: 7, list: 1 };

/// A set in which what is done for the list of `ME` can be undone.
fn set_of(count: usize) -> SemaphoreSet<Bell> {
    let mut set = SemaphoreSet::new(count).unwrap();
    let sums = || Sums::new(count).unwrap();
    assert!(set.add_list(ME.list, sums()).is_none());
    assert!(set.add_list(ME.list, sums()).is_some(), "it has some");
    set
}

fn operation(number: u16, change: i16, flags: u16) -> SemBuf {
    SemBuf { number, change, flags }
}

fn blocked(number: u16, need: Need) -> Result<Attempt, Errno> {
    Ok(Attempt::Blocked(Blocked { number, need }))
}

fn more(amount: i32) -> Blocked {
    Blocked { number: 0, need: Need::AtLeast(amount) }
}

#[test]
fn operations_are_done_together_or_not_at_all() {
    let mut set = set_of(2);
    let both = [operation(0, 2, 0), operation(1, -1, SEM_UNDO)];
    assert_eq!(set.attempt(&both, ME), blocked(1, Need::AtLeast(1)));
    assert!(set.values().eq([0, 0]));
    assert!(set.undo(ME).unwrap().iter().all(|sum| sum == 0));
    assert!(set.add_list(ME.list, Sums::new(2).unwrap()).is_none());
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
    let mut set = set_of(1);
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
fn nothing_is_undone_without_room_for_it() {
    let mut set = SemaphoreSet::<Bell>::new(1).unwrap();
    let steps = [operation(0, 5, 0), operation(0, -1, SEM_UNDO)];
    assert_eq!(set.attempt(&steps, ME), Err(Errno::ENOMEM));
    assert_eq!(set.value(0), Some(0));
    assert!(!set.has_list(ME.list));
}

#[test]
fn what_was_done_is_undone_and_stays_within_limits() {
    let mut set = set_of(2);
    let steps = [operation(0, 5, SEM_UNDO), operation(1, 3, SEM_UNDO)];
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    let other = Actor { process: 9, list: 2 };
    let down = [operation(0, -4, 0)];
    assert_eq!(set.attempt(&down, other), Ok(Attempt::Done));
    let undone = set.undo(ME).unwrap();
    assert!(undone.iter().eq([-5, -3]));
    assert!(set.undo(ME).is_none());
    assert!(set.values().eq([0, 0]), "no value falls below 0");
}

#[test]
fn a_set_value_is_not_undone() {
    let mut set = set_of(2);
    let steps = [operation(0, 5, SEM_UNDO), operation(1, 3, SEM_UNDO)];
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    set.set(0, 9, 1).unwrap();
    set.undo(ME);
    assert!(set.values().eq([9, 0]));
    let mut set = set_of(2);
    assert_eq!(set.attempt(&steps, ME), Ok(Attempt::Done));
    set.set_all(&[1, 2], 1).unwrap();
    // What is done after that is undone again.
    assert_eq!(set.attempt(&steps[..1], ME), Ok(Attempt::Done));
    assert!(set.undo(ME).is_some());
    assert!(set.values().eq([1, 2]));
}

#[test]
fn only_those_are_woken_for_whom_there_is_something() {
    let mut set = set_of(1);
    let bells = [(); 3].map(|()| Bell::default());
    let take = |amount| [operation(0, amount, 0)];
    let first = set.wait(bells[0].clone(), more(2));
    let second = set.wait(bells[1].clone(), more(1));
    set.wait(bells[2].clone(), more(1));
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
    let mut set = set_of(1);
    let bells = [(); 2].map(|()| Bell::default());
    let first = set.wait(bells[0].clone(), more(1));
    set.wait(bells[1].clone(), more(1));
    let _ = set.attempt(&[operation(0, 1, 0)], ME);
    assert_eq!(bells.each_ref().map(Bell::take), [1, 0]);
    set.leave(first);
    assert_eq!(bells.each_ref().map(Bell::take), [0, 1]);
}

#[test]
fn all_that_wait_for_zero_see_it() {
    let mut set = set_of(1);
    set.set(0, 1, 1).unwrap();
    let bells = [(); 2].map(|()| Bell::default());
    let wants = Blocked { number: 0, need: Need::Exactly(0) };
    for bell in &bells {
        set.wait(bell.clone(), wants);
    }
    assert_eq!(set.waiters_for_zero(0), 2);
    let _ = set.attempt(&[operation(0, -1, 0)], ME);
    assert_eq!(bells.each_ref().map(Bell::take), [1, 1]);
}

/// Lets those run that were woken until nobody is. Each wakes few others.
fn run(
    set: &mut SemaphoreSet<Bell>,
    waiting: &mut Vec<(u64, Bell)>,
    run: impl Fn(&mut SemaphoreSet<Bell>, u64),
) {
    let is_woken = |it: &(u64, Bell)| it.1.0.get() > 0;
    let mut before = 0;
    loop {
        let woken = waiting.iter().filter(|it| is_woken(it)).count();
        assert!(woken <= before + 2 * PIECE);
        let Some(at) = waiting.iter().position(is_woken) else { return };
        let (ticket, _) = waiting.remove(at);
        run(set, ticket);
        before = woken - 1;
    }
}

#[test]
fn many_are_woken_in_pieces() {
    const MANY: usize = 1000;
    let down = [operation(0, -1, 0)];
    let wait = |set: &mut SemaphoreSet<Bell>, wants| {
        let bell = Bell::default();
        (set.wait(bell.clone(), wants), bell)
    };
    let mut set = set_of(1);
    let mut crowd: Vec<_> =
        (0..MANY).map(|_| wait(&mut set, more(1))).collect();
    set.set(0, MANY as i32, 1).unwrap();
    run(&mut set, &mut crowd, |set, ticket| {
        assert_eq!(set.retry(ticket, &down, ME), Ok(Attempt::Done));
    });
    assert!(crowd.is_empty());
    assert_eq!(set.value(0), Some(0));
    // So are those that wait for 0, some of whom freeze.
    set.set(0, 1, 1).unwrap();
    let zero = Blocked { number: 0, need: Need::Exactly(0) };
    let mut crowd: Vec<_> = (0..MANY).map(|_| wait(&mut set, zero)).collect();
    set.set(0, 0, 1).unwrap();
    run(&mut set, &mut crowd, |set, ticket| match ticket % 3 {
        0 => set.step_aside(ticket),
        1 => set.leave(ticket),
        _ => {
            let result = set.retry(ticket, &[operation(0, 0, 0)], ME);
            assert_eq!(result, Ok(Attempt::Done));
        }
    });
    assert!(crowd.is_empty());
    // All see the end of the set.
    let mut set = set_of(1);
    let mut crowd: Vec<_> =
        (0..MANY).map(|_| wait(&mut set, more(1))).collect();
    drop(set.remove());
    run(&mut set, &mut crowd, SemaphoreSet::leave);
    assert!(crowd.is_empty());
}

#[test]
fn what_a_call_does_itself_counts_for_what_it_waits_for() {
    let mut set = set_of(1);
    let bell = Bell::default();
    // 1 more is enough, since the call adds 1 itself.
    let up_and_down = [operation(0, 1, 0), operation(0, -2, 0)];
    let result = set.attempt(&up_and_down, ME);
    assert_eq!(result, blocked(0, Need::AtLeast(1)));
    let ticket = set.wait(bell.clone(), more(1));
    let _ = set.attempt(&[operation(0, 1, 0)], ME);
    assert_eq!(bell.take(), 1);
    assert_eq!(set.retry(ticket, &up_and_down, ME), Ok(Attempt::Done));
    assert_eq!(set.value(0), Some(0));
    // It waits for 0 and takes 1 before.
    set.set(0, 2, 1).unwrap();
    let down_to_0 = [operation(0, -1, 0), operation(0, 0, 0)];
    let need = Need::Exactly(1);
    assert_eq!(set.attempt(&down_to_0, ME), blocked(0, need));
    let ticket = set.wait(bell.clone(), Blocked { number: 0, need });
    assert_eq!(set.waiters_for_zero(0), 1);
    let _ = set.attempt(&[operation(0, -1, 0)], ME);
    assert_eq!(bell.take(), 1);
    assert_eq!(set.retry(ticket, &down_to_0, ME), Ok(Attempt::Done));
}

#[test]
fn who_must_wait_does_not_wake_itself() {
    let mut set = set_of(2);
    set.set(0, 1, 1).unwrap();
    let bell = Bell::default();
    let twice = [operation(1, -1, 0), operation(0, -1, 0), operation(0, -1, 0)];
    let Ok(Attempt::Blocked(wants)) = set.attempt(&twice, ME) else {
        panic!("there is too little");
    };
    let ticket = set.wait(bell.clone(), wants);
    let _ = set.attempt(&[operation(1, 1, 0)], ME);
    assert_eq!(bell.take(), 1);
    let result = set.retry(ticket, &twice, ME);
    assert_eq!(result, blocked(0, Need::AtLeast(2)));
    assert_eq!(bell.take(), 0);
}
