//! `prctl(2)`: what a process says of itself, and its thread's name.

use alloc::vec::Vec;
use core::sync::atomic::AtomicBool;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::signal::SIGRTMAX;
use kernel_abi::{Errno, syscall as number};

use super::call::{Args, Handler, Numbered, Result};
use super::capability::{
    self, CAP_AMBIENT, CAPBSET_DROP, CAPBSET_READ, GET_KEEPCAPS,
    GET_SECUREBITS, SET_KEEPCAPS, SET_SECUREBITS,
};
use kernel_machine::mm::user;
use kernel_process::current;
use kernel_task as task;

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[(number::PRCTL, Handler::Plain(prctl))];

const SET_PDEATHSIG: i32 = 1;
const GET_PDEATHSIG: i32 = 2;
const GET_DUMPABLE: i32 = 3;
const SET_DUMPABLE: i32 = 4;
const SET_NAME: i32 = 15;
const GET_NAME: i32 = 16;
const GET_SECCOMP: i32 = 21;
const SET_TIMERSLACK: i32 = 29;
const GET_TIMERSLACK: i32 = 30;
const SET_CHILD_SUBREAPER: i32 = 36;
const GET_CHILD_SUBREAPER: i32 = 37;
const SET_NO_NEW_PRIVS: i32 = 38;
const GET_NO_NEW_PRIVS: i32 = 39;

fn prctl(args: &Args) -> Result {
    let thread = current();
    let attributes = &thread.process.attributes;
    let [_, value, rest @ ..] = args.x;
    match args.int(0) {
        SET_PDEATHSIG if value <= SIGRTMAX as usize => {
            attributes.death_signal.store(args.word(1), Relaxed);
        }
        GET_PDEATHSIG => {
            let signal = attributes.death_signal.load(Relaxed);
            user::write_value(value, &signal)?;
        }
        GET_DUMPABLE => {
            let credentials = thread.process.credentials.lock();
            return Ok(usize::from(credentials.is_dumpable));
        }
        SET_DUMPABLE if value <= 1 => {
            thread.process.credentials.lock().is_dumpable = value == 1;
        }
        option @ (GET_KEEPCAPS | SET_KEEPCAPS | CAPBSET_READ | CAPBSET_DROP
        | GET_SECUREBITS | SET_SECUREBITS | CAP_AMBIENT) => {
            return capability::control(option, &args.x);
        }
        SET_NAME => thread.task().set_name(&read_name(value)?),
        GET_NAME => write_name(value)?,
        // No process is confined.
        GET_SECCOMP => return Ok(0),
        SET_TIMERSLACK => thread.timer_slack.set(value as u64),
        GET_TIMERSLACK => {
            return Ok(thread.timer_slack.get() as usize);
        }
        SET_CHILD_SUBREAPER => attributes.is_reaper.store(value != 0, Relaxed),
        GET_CHILD_SUBREAPER => {
            let is_reaper = i32::from(attributes.is_reaper.load(Relaxed));
            user::write_value(value, &is_reaper)?;
        }
        SET_NO_NEW_PRIVS if value == 1 && rest[..3] == [0; 3] => {
            attributes.no_new_rights.store(true, Relaxed);
        }
        GET_NO_NEW_PRIVS if value == 0 && rest[..3] == [0; 3] => {
            return given(&attributes.no_new_rights);
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

fn given(flag: &AtomicBool) -> Result {
    Ok(usize::from(flag.load(Relaxed)))
}

fn write_name(address: usize) -> core::result::Result<(), Errno> {
    let mut name = [0_u8; task::NAME_LENGTH + 1];
    let own = current().task().name();
    let bytes = own.as_bytes();
    name[..bytes.len()].copy_from_slice(bytes);
    user::write_value(address, &name)
}

/// Up to 15 bytes before a NUL.
fn read_name(address: usize) -> core::result::Result<Vec<u8>, Errno> {
    let mut name = Vec::new();
    while name.len() < task::NAME_LENGTH {
        let byte: u8 = user::read_value(address.wrapping_add(name.len()))?;
        if byte == 0 {
            break;
        }
        name.push(byte);
    }
    Ok(name)
}
