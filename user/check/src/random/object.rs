//! What outlives a child of the random calls: objects of System V IPC, and
//! queues of POSIX. A watcher makes some for each child; the child's calls
//! are about these, and what it makes itself has their keys and their name.
//! So the watcher finds and removes all, and no run leaves less to the next.

use alloc::ffi::CString;
use alloc::format;

use user_lib::linux::{
    __NR_mq_getsetattr, __NR_mq_notify, __NR_mq_open, __NR_mq_timedreceive,
    __NR_mq_timedsend, __NR_mq_unlink, __NR_msgctl, __NR_msgget, __NR_msgrcv,
    __NR_msgsnd, __NR_semctl, __NR_semget, __NR_semop, __NR_semtimedop,
    __NR_shmat, __NR_shmctl, __NR_shmget, O_CREAT, O_EXCL, O_NONBLOCK, O_RDWR,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result, file};

use crate::tool::{Failure, Outcome};

/// One of so many calls is about an object.
pub const ONE_OF: u64 = 16;

/// Keys of watchers' objects follow this one.
const KEY: u64 = 0x5eed_0000;
const CREATE: usize = 0o1000;
const EXCLUSIVE: usize = 0o2000;
const REMOVE: usize = 0;

/// What the first argument of a call says.
#[derive(Clone, Copy)]
enum First {
    Key,
    Semaphores,
    Messages,
    Segment,
    Queue,
    Name,
}

/// Calls about objects.
const CALLS: [(u32, First); 17] = [
    (__NR_semget, First::Key),
    (__NR_msgget, First::Key),
    (__NR_shmget, First::Key),
    (__NR_semctl, First::Semaphores),
    (__NR_semop, First::Semaphores),
    (__NR_semtimedop, First::Semaphores),
    (__NR_msgctl, First::Messages),
    (__NR_msgsnd, First::Messages),
    (__NR_msgrcv, First::Messages),
    (__NR_shmctl, First::Segment),
    (__NR_shmat, First::Segment),
    (__NR_mq_open, First::Name),
    (__NR_mq_unlink, First::Name),
    (__NR_mq_timedsend, First::Queue),
    (__NR_mq_timedreceive, First::Queue),
    (__NR_mq_notify, First::Queue),
    (__NR_mq_getsetattr, First::Queue),
];

/// The number of a call about an object.
pub fn any_call(choice: u64) -> u32 {
    CALLS[(choice % CALLS.len() as u64) as usize].0
}

/// One object of each kind.
pub struct Objects {
    key: usize,
    semaphores: usize,
    messages: usize,
    segment: usize,
    queue: usize,
    name: CString,
}

impl Objects {
    /// Those of the watcher with this number, which has none.
    ///
    /// # Errors
    /// Those of `semget(2)`, `msgget(2)`, `shmget(2)` and `mq_open(3)`:
    /// something is left of the child before.
    pub fn new(watcher: u64) -> core::result::Result<Self, Failure> {
        const SEMAPHORES: usize = 4;
        const LENGTH: usize = 5000;
        let key = (KEY + watcher) as usize;
        let flags = CREATE | EXCLUSIVE | 0o600;
        let make = |call, words: [usize; 3]| {
            arbitrary(call, [words[0], words[1], words[2], 0, 0, 0])
        };
        let name = CString::new(format!("random-{watcher}"))
            .map_err(|_| Errno::EINVAL)?;
        // Messages, and bytes of each.
        let shape = [0_i64, 4, 64, 0, 0, 0, 0, 0];
        let open = (O_CREAT | O_EXCL | O_RDWR | O_NONBLOCK) as usize;
        let places = [name.as_ptr() as usize, shape.as_ptr() as usize];
        let words = [places[0], open, 0o600, places[1], 0, 0];
        Ok(Self {
            key,
            semaphores: make(__NR_semget, [key, SEMAPHORES, flags])?,
            messages: make(__NR_msgget, [key, flags, 0])?,
            segment: make(__NR_shmget, [key, LENGTH, flags])?,
            queue: arbitrary(__NR_mq_open, words)?,
            name,
        })
    }

    /// Makes a call about some object one about these.
    pub fn aim(&self, number: u32, arguments: &mut [usize; 6]) {
        let Some((_, first)) = CALLS.iter().find(|(it, _)| *it == number)
        else {
            return;
        };
        arguments[0] = match first {
            First::Key => self.key,
            First::Semaphores => self.semaphores,
            First::Messages => self.messages,
            First::Segment => self.segment,
            First::Queue => self.queue,
            First::Name => self.name.as_ptr() as usize,
        };
    }

    /// Removes these, or what the child has made in their place.
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn remove(self) -> Outcome {
        let command = [0, REMOVE, 0];
        remove_all(self.key, __NR_semget, __NR_semctl, command)?;
        let command = [REMOVE, 0, 0];
        remove_all(self.key, __NR_msgget, __NR_msgctl, command)?;
        remove_all(self.key, __NR_shmget, __NR_shmctl, command)?;
        file::close(self.queue as i32)?;
        let name = self.name.as_ptr() as usize;
        none_left(arbitrary(__NR_mq_unlink, [name, 0, 0, 0, 0, 0]))
    }
}

/// Removes the object with the key, if there is one.
fn remove_all(
    key: usize,
    get: u32,
    control: u32,
    command: [usize; 3],
) -> Outcome {
    let [second, third, fourth] = command;
    none_left(
        arbitrary(get, [key, 0, 0, 0, 0, 0]).and_then(|id| {
            arbitrary(control, [id, second, third, fourth, 0, 0])
        }),
    )
}

/// It was there, or the child has removed it.
fn none_left(removed: Result<usize>) -> Outcome {
    match removed {
        Ok(_) | Err(Errno::ENOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
