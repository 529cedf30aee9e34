//! POSIX message queues.

use alloc::sync::Arc;

use kernel_abi::ipc::MqAttr;
use kernel_abi::time::Timespec;
use kernel_abi::{Errno, syscall as number};
use kernel_core::path::PATH_MAX;
use kernel_files::{OpenFile, OpenFlags};
use kernel_ipc::posix::{self, Notify};
use kernel_machine::mm::user::{self, UserSlice};
use kernel_task::Deadline;

use crate::call::{Args, Handler, Numbered, Result};
use crate::file::file;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::MQ_OPEN, Handler::Plain(mq_open)),
    (number::MQ_UNLINK, Handler::Plain(mq_unlink)),
    (number::MQ_TIMEDSEND, Handler::Plain(mq_timedsend)),
    (number::MQ_TIMEDRECEIVE, Handler::Plain(mq_timedreceive)),
    (number::MQ_NOTIFY, Handler::Plain(mq_notify)),
    (number::MQ_GETSETATTR, Handler::Plain(mq_getsetattr)),
];

type Checked<T> = core::result::Result<T, Errno>;

/// What lies at an address, if there is one.
fn optional<T: zerocopy::FromBytes>(address: usize) -> Checked<Option<T>> {
    match address {
        0 => Ok(None),
        address => user::read_value(address).map(Some),
    }
}

/// The deadline, which follows the clock of the day; `None` for none.
fn deadline(address: usize) -> Checked<Option<Deadline>> {
    let Some(time) = optional::<Timespec>(address)? else { return Ok(None) };
    Ok(Some(Deadline::Realtime(time.to_ns()?)))
}

fn queue(args: &Args) -> Checked<Arc<OpenFile>> {
    file(args.int(0))
}

fn mq_open(args: &Args) -> Result {
    let flags = OpenFlags::from_bits_retain(args.word(1));
    let shape: Option<MqAttr> = optional(args.x[3])?;
    let name = user::read_cstr(args.x[0], PATH_MAX)?;
    posix::open(&name, flags, args.word(2), shape.as_ref())
}

fn mq_unlink(args: &Args) -> Result {
    let name = user::read_cstr(args.x[0], PATH_MAX)?;
    posix::unlink(&name).map(|()| 0)
}

fn mq_timedsend(args: &Args) -> Result {
    let [_, address, length, ..] = args.x;
    let deadline = deadline(args.x[4])?;
    let queue = queue(args)?;
    posix::send(&queue, [address, length], args.word(3), deadline)?;
    Ok(0)
}

fn mq_timedreceive(args: &Args) -> Result {
    let [_, address, room, place, time, _] = args.x;
    let deadline = deadline(time)?;
    let queue = queue(args)?;
    let (priority, message) = posix::receive(&queue, room, deadline)?;
    if place != 0 {
        user::write_value(place, &priority)?;
    }
    UserSlice::new(address, message.len())?.write(0, &message)?;
    Ok(message.len())
}

fn mq_notify(args: &Args) -> Result {
    let notify = match args.x[1] {
        0 => None,
        address => {
            // The parts of `struct sigevent` that count.
            let value = user::read_value(address)?;
            let [signal, how]: [u32; 2] =
                user::read_value(address.wrapping_add(size_of::<u64>()))?;
            let notify = Notify { how, signal, value };
            notify.check()?;
            Some(notify)
        }
    };
    posix::notify(&*queue(args)?, notify).map(|()| 0)
}

fn mq_getsetattr(args: &Args) -> Result {
    let new: Option<MqAttr> = optional(args.x[1])?;
    let old = posix::attributes(&*queue(args)?, new.as_ref())?;
    if args.x[2] != 0 {
        user::write_value(args.x[2], &old)?;
    }
    Ok(0)
}
