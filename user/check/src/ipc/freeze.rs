//! Waits for semaphores and messages freeze where they are: nobody is woken,
//! nothing ends early, and what a frozen task waits for goes to others.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::SeqCst;

use user_lib::linux::{O_CREAT, O_RDWR, SIGUSR1};
use user_lib::signal;
use user_lib::time::Time;

use super::{
    PRIVATE, REMOVE, mq_open, mq_receive, mq_send, mq_unlink, msgctl, msgget,
    msgrcv, msgsnd, semctl, semget, semop,
};
use crate::freezer::{freeze, look_at, wait_for_place, wait_for_state, words};
use crate::group::Mount;
use crate::tool::{
    Failure, Outcome, ensure, ensure_eq, in_background, soon, tests,
};
use user_lib::child::Child;

tests! {
    a_freeze_ends_no_wait_for_a_semaphore_or_message
    what_a_frozen_task_waits_for_goes_to_another
    a_frozen_wait_for_a_message_can_be_killed
}

/// The objects that are waited for.
#[derive(Clone, Copy)]
struct Objects {
    set: usize,
    empty: usize,
    full: usize,
    queue: i32,
    full_queue: i32,
}

impl Objects {
    fn make() -> user_lib::Result<Self> {
        let [empty, full] = [msgget(PRIVATE, 0o600)?, msgget(PRIVATE, 0o600)?];
        while msgsnd(full, 1, 0, super::NO_WAIT).is_ok() {}
        let queue = mq_open(c"empty", O_CREAT | O_RDWR, 1)?;
        let full_queue = mq_open(c"full", O_CREAT | O_RDWR, 1)?;
        mq_unlink(c"empty")?;
        mq_unlink(c"full")?;
        mq_send(full_queue, b"x", 0, None)?;
        let set = semget(PRIVATE, 1, 0o600)?;
        Ok(Self { set, empty, full, queue, full_queue })
    }

    fn remove(self) -> Outcome {
        semctl(self.set, 0, REMOVE, 0)?;
        msgctl(self.empty, REMOVE, 0)?;
        msgctl(self.full, REMOVE, 0)?;
        Ok(())
    }
}

/// A wait: where it sleeps, what it is, and what ends it.
type Wait = (&'static str, fn(Objects) -> Outcome, fn(Objects) -> Outcome);

const WAITS: [Wait; 5] = [
    (
        "do_semtimedop",
        |it| Ok(semop(it.set, &[[0, -1, 0]], Some(LONG)).map(drop)?),
        |it| Ok(semop(it.set, &[[0, 1, 0]], None).map(drop)?),
    ),
    (
        "do_msgrcv",
        |it| Ok(msgrcv(it.empty, 8, 0, 0).map(drop)?),
        |it| Ok(msgsnd(it.empty, 1, 8, 0).map(drop)?),
    ),
    (
        "do_msgsnd",
        |it| Ok(msgsnd(it.full, 1, 0, 0).map(drop)?),
        |it| Ok(msgrcv(it.full, 8, 0, 0).map(drop)?),
    ),
    (
        "do_mq_timedreceive",
        |it| Ok(mq_receive(it.queue, Some(LONG)).map(drop)?),
        |it| Ok(mq_send(it.queue, b"x", 0, None).map(drop)?),
    ),
    (
        "do_mq_timedsend",
        |it| Ok(mq_send(it.full_queue, b"y", 0, Some(LONG)).map(drop)?),
        |it| Ok(mq_receive(it.full_queue, None).map(drop)?),
    ),
];

const LONG: Time = Time::from_millis(100_000);

/// `PF_FREEZER_SKIP`
const FREEZER_SKIP: u32 = 0x4000_0000;

// spec: X8 S1 N9
fn a_freeze_ends_no_wait_for_a_semaphore_or_message() -> Outcome {
    let objects = Objects::make()?;
    for (place, wait, end) in WAITS {
        let child = in_background(|| wait(objects))?;
        wait_for_place(child.id(), place)?;
        ensure_eq!(look_at(child.id())?.1 & FREEZER_SKIP, FREEZER_SKIP);
        freeze(0)?;
        // It sleeps on, in the same place.
        wait_for_place(child.id(), place)?;
        end(objects)?;
        ensure_eq!((place, child.wait()?.exit_code()), (place, Some(0)));
    }
    objects.remove()
}

extern "C" fn nothing(_: i32) {}

/// Starts a wait, and notes its end.
fn waiter(
    (place, wait, _): Wait,
    objects: Objects,
    ended: &AtomicU32,
) -> Result<Child, Failure> {
    let child = in_background(|| {
        signal::handle(SIGUSR1, nothing)?;
        wait(objects)?;
        ended.store(1, SeqCst);
        Ok(())
    })?;
    wait_for_place(child.id(), place)?;
    Ok(child)
}

// spec: X8 S1
fn what_a_frozen_task_waits_for_goes_to_another() -> Outcome {
    let mount = Mount::v1()?;
    let objects = Objects::make()?;
    for wait in WAITS {
        for is_signalled in [false, true] {
            let group = mount.group("ipc")?;
            let [first, second] = words()?;
            let frozen = waiter(wait, objects, first)?;
            group.add(frozen.id())?;
            let free = waiter(wait, objects, second)?;
            group.freeze()?;
            if is_signalled {
                signal::send(frozen.id(), SIGUSR1)?;
                wait_for_state(frozen.id(), 'D')?;
            }
            wait.2(objects)?;
            ensure!(soon(|| second.load(SeqCst) != 0));
            ensure_eq!(free.wait()?.exit_code(), Some(0));
            ensure_eq!(first.load(SeqCst), 0);
            if is_signalled {
                signal::send(frozen.id(), user_lib::linux::SIGKILL)?;
            } else {
                group.thaw()?;
                wait.2(objects)?;
                ensure_eq!(frozen.wait()?.exit_code(), Some(0));
            }
        }
    }
    objects.remove()
}

// spec: X8
fn a_frozen_wait_for_a_message_can_be_killed() -> Outcome {
    let mount = Mount::v1()?;
    let objects = Objects::make()?;
    for wait in WAITS {
        let group = mount.group("kill")?;
        let [ended] = words()?;
        let child = waiter(wait, objects, ended)?;
        group.add(child.id())?;
        group.freeze()?;
        signal::send(child.id(), user_lib::linux::SIGKILL)?;
        let end = child.wait()?;
        ensure_eq!(end.killed_by(), Some(user_lib::linux::SIGKILL));
        ensure_eq!(ended.load(SeqCst), 0);
    }
    objects.remove()
}
