//! No call on many semaphores, messages and segments, or with many who wait
//! for them, makes a freeze wait for longer than a millisecond: see
//! `latency.rs` for how that is measured.

use alloc::vec::Vec;

use user_lib::child::Child;
use user_lib::{Errno, file};

use super::{
    NO_WAIT, PRIVATE, REMOVE, REMOVED, SET, SET_VALUE, STAT, UNDO, VALUE,
    WAITERS, WAITERS_FOR_0, msgctl, msgget, msgrcv, msgsnd, semctl, semget,
    semop,
};
use crate::latency::{STRETCHES, measure};
use crate::tool::{
    Failure, Outcome, ensure, ensure_eq, in_background, in_child, soon, tests,
};

tests! {
    many_queues_are_shown_in_pieces: STRETCHES
    much_is_undone_in_pieces: STRETCHES
    sums_of_many_semaphores_are_kept_at_once: STRETCHES
    many_that_wait_for_a_semaphore_are_woken_in_pieces: STRETCHES
    many_that_wait_for_the_end_of_semaphores_are_woken_in_pieces: STRETCHES
    many_that_wait_for_messages_are_woken_in_pieces: STRETCHES
}

const CROWD: usize = 2000;
/// Where memory is little.
const LEAST: usize = 100;

fn many_queues_are_shown_in_pieces() -> Outcome {
    const QUEUES: usize = 16_000;
    let made = (0..QUEUES).map(|_| msgget(PRIVATE, 0o600));
    let ids = made.collect::<user_lib::Result<Vec<usize>>>()?;
    measure(|| {
        let text = file::text("/proc/sysvipc/msg")?;
        ensure!(text.lines().count() > QUEUES);
        Ok(())
    })?;
    for id in ids {
        msgctl(id, REMOVE, 0)?;
    }
    Ok(())
}

fn much_is_undone_in_pieces() -> Outcome {
    const SETS: usize = 4000;
    let made = (0..SETS).map(|_| semget(PRIVATE, 1, 0o600));
    let ids = made.collect::<user_lib::Result<Vec<usize>>>()?;
    measure(|| {
        let status = in_child(|| {
            for id in &ids {
                semop(*id, &[[0, 1, UNDO]], None)?;
            }
            Ok(0)
        })?;
        ensure_eq!(status.exit_code(), Some(0));
        Ok(())
    })?;
    for id in ids {
        ensure_eq!(semctl(id, 0, VALUE, 0), Ok(0));
        semctl(id, 0, REMOVE, 0)?;
    }
    Ok(())
}

fn sums_of_many_semaphores_are_kept_at_once() -> Outcome {
    const SEMAPHORES: i16 = 32_000;
    let id = semget(PRIVATE, SEMAPHORES as usize, 0o600)?;
    measure(|| {
        let status = in_child(|| {
            for first in (0..SEMAPHORES).step_by(500) {
                let all = (first..first + 500).rev();
                let steps: Vec<_> = all.map(|at| [at, 1, UNDO]).collect();
                semop(id, &steps, None)?;
            }
            semctl(id, 0, SET_VALUE, 9)?;
            Ok(0)
        })?;
        ensure_eq!(status.exit_code(), Some(0));
        Ok(())
    })?;
    ensure_eq!(semctl(id, 0, VALUE, 0), Ok(9));
    ensure_eq!(semctl(id, SEMAPHORES as usize - 1, VALUE, 0), Ok(0));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

/// Many that do this: as many as there may be where memory is little.
fn crowd(work: impl Fn() -> Outcome) -> Result<Vec<Child>, Failure> {
    let started = (0..CROWD).map_while(|_| in_background(&work).ok());
    let crowd: Vec<Child> = started.collect();
    ensure!(crowd.len() >= LEAST);
    Ok(crowd)
}

fn all_end_well(children: Vec<Child>) -> Outcome {
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

fn many_that_wait_for_a_semaphore_are_woken_in_pieces() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    let crowd = crowd(|| Ok(semop(id, &[[0, -1, 0]], None).map(drop)?))?;
    ensure!(soon(|| semctl(id, 0, WAITERS, 0) == Ok(crowd.len())));
    measure(|| {
        semctl(id, 0, SET_VALUE, crowd.len())?;
        Ok(())
    })?;
    measure(|| all_end_well(crowd))?;
    ensure_eq!(semctl(id, 0, VALUE, 0), Ok(0));
    semctl(id, 0, REMOVE, 0)?;
    Ok(())
}

fn many_that_wait_for_the_end_of_semaphores_are_woken_in_pieces() -> Outcome {
    let id = semget(PRIVATE, 1, 0o600)?;
    semctl(id, 0, SET_VALUE, 1)?;
    let crowd = crowd(|| {
        ensure_eq!(semop(id, &[[0, 0, 0]], None), Err(REMOVED));
        Ok(())
    })?;
    ensure!(soon(|| semctl(id, 0, WAITERS_FOR_0, 0) == Ok(crowd.len())));
    measure(|| {
        semctl(id, 0, REMOVE, 0)?;
        all_end_well(crowd)
    })
}

fn many_that_wait_for_messages_are_woken_in_pieces() -> Outcome {
    let id = msgget(PRIVATE, 0o600)?;
    let crowd = crowd(|| {
        let result = msgrcv(id, 8, 0, 0);
        ensure!(result == Ok(1) || result == Err(REMOVED));
        Ok(())
    })?;
    for child in &crowd {
        crate::freezer::wait_for_place(child.id(), "do_msgrcv")?;
    }
    measure(|| {
        // All try again, since rights may have changed.
        let mut status = [0_u64; 15];
        let place = &raw mut status as usize;
        msgctl(id, STAT, place)?;
        msgctl(id, SET, place)?;
        msgsnd(id, 1, 8, 0)?;
        ensure_eq!(msgrcv(id, 8, 7, NO_WAIT), Err(Errno::ENOMSG));
        msgctl(id, REMOVE, 0)?;
        Ok(())
    })?;
    measure(|| all_end_well(crowd))
}
