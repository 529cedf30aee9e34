//! System V IPC: semaphores, message queues, shared memory. POSIX message
//! queues: `ipc/posix.rs`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kernel_abi::ipc::SemBuf;
use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::ipc::message::Receive;
use kernel_ipc::room::zeros;
use kernel_ipc::{message, segment, semaphore};
use kernel_machine::arch;
use kernel_machine::mm::PAGE_SIZE;
use kernel_machine::mm::user::{self, UserSlice};
use kernel_process::current;
use kernel_process::oom::with_memory;
use kernel_task::Deadline;
use zerocopy::{FromZeros, IntoBytes};

use super::call::{Args, Handler, Numbered, Result};
use super::memory;

pub(super) mod posix;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::SEMGET, Handler::Plain(semget)),
    (number::SEMOP, Handler::Plain(semop)),
    (number::SEMTIMEDOP, Handler::Plain(semtimedop)),
    (number::SEMCTL, Handler::Plain(semctl)),
    (number::MSGGET, Handler::Plain(msgget)),
    (number::MSGSND, Handler::Plain(msgsnd)),
    (number::MSGRCV, Handler::Plain(msgrcv)),
    (number::MSGCTL, Handler::Plain(msgctl)),
    (number::SHMGET, Handler::Plain(shmget)),
    (number::SHMAT, Handler::Plain(|args| with_memory(|| shmat(args)))),
    (number::SHMDT, Handler::Plain(shmdt)),
    (number::SHMCTL, Handler::Plain(shmctl)),
];

fn semget(args: &Args) -> Result {
    semaphore::get(args.int(0), args.int(1), args.word(2))
}

fn semop(args: &Args) -> Result {
    operate(args, 0)
}

fn semtimedop(args: &Args) -> Result {
    operate(args, args.x[3])
}

/// Waits `timeout` at most, a place in memory; 0 for as long as it takes.
fn operate(args: &Args, timeout: usize) -> Result {
    let [_, address, count, ..] = args.x;
    let deadline = match timeout {
        0 => None,
        timeout => {
            let time: Timespec = user::read_value(timeout)?;
            let now = arch::timer::now_ns();
            Some(Deadline::Monotonic(now.saturating_add(time.to_ns()?)))
        }
    };
    let count = count as u32 as usize;
    if count == 0 || args.int(0) < 0 {
        return Err(Errno::EINVAL);
    }
    if count > semaphore::operations() {
        return Err(Errno::E2BIG);
    }
    const FEW: usize = 8;
    let size = count * size_of::<SemBuf>();
    let memory = UserSlice::new(address, size)?;
    if count <= FEW {
        let mut few = [SemBuf::new_zeroed(); FEW];
        memory.read(0, few[..count].as_mut_bytes())?;
        semaphore::operate(args.int(0), &few[..count], deadline)?;
    } else {
        let mut many: Vec<SemBuf> = zeros(count)?;
        memory.read(0, many.as_mut_bytes())?;
        semaphore::operate(args.int(0), &many, deadline)?;
    }
    Ok(0)
}

fn semctl(args: &Args) -> Result {
    semaphore::control::control(
        args.int(0),
        args.int(1),
        args.word(2),
        args.x[3],
    )
}

fn msgget(args: &Args) -> Result {
    message::get(args.int(0), args.word(1))
}

/// Bytes of the type in front of a message.
const TYPE_SIZE: usize = size_of::<i64>();

fn msgsnd(args: &Args) -> Result {
    let [_, address, size, ..] = args.x;
    let kind: i64 = user::read_value(address)?;
    if args.int(0) < 0 || kind < 1 {
        return Err(Errno::EINVAL);
    }
    let mut body = message::body(size)?;
    let text = address.wrapping_add(TYPE_SIZE);
    UserSlice::new(text, size)?.read(0, &mut body)?;
    message::send(args.int(0), kind, Arc::new(body), args.word(3))?;
    Ok(0)
}

fn msgrcv(args: &Args) -> Result {
    let [_, address, size, kind, ..] = args.x;
    if args.int(0) < 0 || isize::try_from(size).is_err() {
        return Err(Errno::EINVAL);
    }
    let flags = args.word(4);
    let wants = Receive::decode(size, kind as i64, flags)?;
    let message = message::receive(args.int(0), wants, flags)?;
    user::write_value(address, &message.kind)?;
    let count = message.size.min(size);
    let text = address.wrapping_add(TYPE_SIZE);
    UserSlice::new(text, count)?.write(0, &message.body[..count])?;
    Ok(count)
}

fn msgctl(args: &Args) -> Result {
    message::control::control(args.int(0), args.word(1), args.x[2])
}

fn shmget(args: &Args) -> Result {
    segment::get(args.int(0), args.x[1], args.word(2))
}

fn shmat(args: &Args) -> Result {
    let attachment = segment::attach(args.int(0), args.x[1], args.word(2))?;
    let space = current().space()?;
    let mapped = memory::map(&space, attachment.request.clone());
    mapped.map_err(|error| match error {
        Errno::EEXIST => Errno::EINVAL,
        error => error,
    })
}

fn shmdt(args: &Args) -> Result {
    let [address, ..] = args.x;
    if !address.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    current().space()?.unmap_source(address, segment::is_segment)?;
    Ok(0)
}

fn shmctl(args: &Args) -> Result {
    segment::control::control(args.int(0), args.word(1), args.x[2])
}
