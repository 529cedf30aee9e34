//! System V IPC and POSIX message queues.
//!
//! Here are the calls that the tests share; `ipc/semaphore.rs`,
//! `ipc/message.rs`, `ipc/segment.rs` and `ipc/queue.rs` are about one kind
//! each, `ipc/freeze.rs` about waits that freeze, `ipc/latency.rs` about calls
//! that take long.

pub mod freeze;
pub mod latency;
pub mod message;
pub mod queue;
pub mod segment;
pub mod semaphore;

use user_lib::linux::{
    __NR_mq_getsetattr, __NR_mq_notify, __NR_mq_open, __NR_mq_timedreceive,
    __NR_mq_timedsend, __NR_mq_unlink, __NR_msgctl, __NR_msgget, __NR_msgrcv,
    __NR_msgsnd, __NR_semctl, __NR_semget, __NR_semtimedop, __NR_shmat,
    __NR_shmctl, __NR_shmdt, __NR_shmget, CLOCK_REALTIME,
};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, Result};

const PRIVATE: usize = 0;
const CREATE: usize = 0o1000;
const EXCLUSIVE: usize = 0o2000;
const NO_WAIT: usize = 0o4000;
const REMOVE: usize = 0;
const SET: usize = 1;
const STAT: usize = 2;
/// `SEM_UNDO`
const UNDO: i16 = 0x1000;
/// `semctl`: `GETVAL`, `GETNCNT`, `GETZCNT`, `SETVAL`.
const VALUE: usize = 12;
const WAITERS: usize = 14;
const WAITERS_FOR_0: usize = 15;
const SET_VALUE: usize = 16;

fn semget(key: usize, count: usize, flags: usize) -> Result<usize> {
    arbitrary(__NR_semget, [key, count, flags, 0, 0, 0])
}

fn semctl(
    id: usize,
    number: usize,
    command: usize,
    arg: usize,
) -> Result<usize> {
    arbitrary(__NR_semctl, [id, number, command, arg, 0, 0])
}

/// Operations: which semaphore, what is added, flags.
fn semop(id: usize, steps: &[[i16; 3]], wait: Option<Time>) -> Result<usize> {
    let place = wait.as_ref().map_or(0, |wait| &raw const *wait as usize);
    let arguments = [id, steps.as_ptr() as usize, steps.len(), place, 0, 0];
    arbitrary(__NR_semtimedop, arguments)
}

fn msgget(key: usize, flags: usize) -> Result<usize> {
    arbitrary(__NR_msgget, [key, flags, 0, 0, 0, 0])
}

fn msgctl(id: usize, command: usize, address: usize) -> Result<usize> {
    arbitrary(__NR_msgctl, [id, command, address, 0, 0, 0])
}

/// A message: its type, and what it says.
type Letter = (i64, [u8; 8]);

fn msgsnd(id: usize, kind: i64, size: usize, flags: usize) -> Result<usize> {
    let letter: Letter = (kind, [kind as u8; 8]);
    let place = &raw const letter as usize;
    arbitrary(__NR_msgsnd, [id, place, size, flags, 0, 0])
}

/// The type of the message that was received.
fn msgrcv(id: usize, size: usize, kind: i64, flags: usize) -> Result<i64> {
    let mut letter: Letter = (0, [0; 8]);
    let place = &raw mut letter as usize;
    arbitrary(__NR_msgrcv, [id, place, size, kind as usize, flags, 0])?;
    Ok(letter.0)
}

fn shmget(key: usize, size: usize, flags: usize) -> Result<usize> {
    arbitrary(__NR_shmget, [key, size, flags, 0, 0, 0])
}

fn shmat(id: usize, address: usize, flags: usize) -> Result<usize> {
    arbitrary(__NR_shmat, [id, address, flags, 0, 0, 0])
}

fn shmdt(address: usize) -> Result<usize> {
    arbitrary(__NR_shmdt, [address, 0, 0, 0, 0, 0])
}

fn shmctl(id: usize, command: usize, address: usize) -> Result<usize> {
    arbitrary(__NR_shmctl, [id, command, address, 0, 0, 0])
}

/// Messages and bytes of a queue (`struct mq_attr`).
fn shape(messages: i64, size: i64) -> [i64; 8] {
    [0, messages, size, 0, 0, 0, 0, 0]
}

fn mq_open(name: &core::ffi::CStr, flags: u32, most: i64) -> Result<i32> {
    let shape = shape(most, 8);
    let place = &raw const shape as usize;
    let name = name.as_ptr() as usize;
    let arguments = [name, flags as usize, 0o600, place, 0, 0];
    Ok(arbitrary(__NR_mq_open, arguments)? as i32)
}

fn mq_unlink(name: &core::ffi::CStr) -> Result<usize> {
    let name = name.as_ptr() as usize;
    arbitrary(__NR_mq_unlink, [name, 0, 0, 0, 0, 0])
}

/// A time so long from now, as `mq_timedsend` takes it.
fn end(wait: Option<Time>) -> Option<Time> {
    wait.map(|wait| time::read(CLOCK_REALTIME).unwrap_or_default() + wait)
}

fn mq_send(
    queue: i32,
    text: &[u8],
    priority: usize,
    wait: Option<Time>,
) -> Result<usize> {
    let end = end(wait);
    let end = end.as_ref().map_or(0, |end| &raw const *end as usize);
    let (place, size) = (text.as_ptr() as usize, text.len());
    let arguments = [queue as usize, place, size, priority, end, 0];
    arbitrary(__NR_mq_timedsend, arguments)
}

/// The first byte and the priority of a message.
fn mq_receive(queue: i32, wait: Option<Time>) -> Result<(u8, u32)> {
    let end = end(wait);
    let end = end.as_ref().map_or(0, |end| &raw const *end as usize);
    let (mut text, mut priority) = ([0_u8; 8], 0_u32);
    let places = [&raw mut text as usize, &raw mut priority as usize];
    let arguments = [queue as usize, places[0], 8, places[1], end, 0];
    arbitrary(__NR_mq_timedreceive, arguments)?;
    Ok((text[0], priority))
}

/// Asks for a signal with the next message, or for none any more.
fn mq_notify(queue: i32, signal: Option<u32>) -> Result<usize> {
    let event = [0_u64, u64::from(signal.unwrap_or(0)), 0, 0, 0, 0, 0, 0];
    let place = signal.map_or(0, |_| &raw const event as usize);
    arbitrary(__NR_mq_notify, [queue as usize, place, 0, 0, 0, 0])
}

/// The attributes of a queue.
fn mq_attributes(queue: i32) -> Result<[i64; 8]> {
    let mut found = [0_i64; 8];
    let place = &raw mut found as usize;
    arbitrary(__NR_mq_getsetattr, [queue as usize, 0, place, 0, 0, 0])?;
    Ok(found)
}

/// What a wait gives that an object's end ends.
const REMOVED: Errno = Errno::EIDRM;
