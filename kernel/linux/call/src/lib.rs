//! System calls: Linux's numbers and structures, aarch64.
//!
//! [`dispatch`] finds the function of a number in one table and puts its
//! result into `x0`. A call is one short function: it decodes and checks its
//! arguments, then calls the layer that does the work. Calls that read or
//! replace the user's registers (`clone`, `execve`, `rt_sigreturn`) get the
//! whole frame, all others get [`Args`].
//!
//! Start with `call.rs`, what a call is; then one file for each family of
//! calls; above them `table.rs`, and here.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use kernel_abi::Errno;

use kernel_machine::arch::trap::TrapFrame;
use kernel_process::ptrace::event;
use kernel_process::signal::restart;
use kernel_task::stretch::{self, Place};

mod call;
mod capability;
mod clone;
mod file;
mod futex;
mod identity;
mod ipc;
mod kcmp;
mod memory;
mod pidfd;
mod prctl;
pub mod proc;
mod process;
mod ptrace;
mod remote;
mod sched;
mod signal;
mod system;
mod table;
mod time;
mod timer;
mod unknown;

use call::{Args, Handler};

/// Carries out the call in `frame` (number in `x8`). The machine's `svc`
/// entry calls it with interrupts enabled.
pub extern "C" fn dispatch(frame: &mut TrapFrame) {
    let number = frame.x[8] as usize;
    stretch::begin(Place::call(number));
    let result = match table::find(number) {
        Handler::Plain(call) => call(Args::of(frame)),
        Handler::WithFrame(call) => call(frame),
        Handler::Missing => unknown::refuse(number),
    };
    match result {
        Ok(value) => frame.x[0] = value as u64,
        Err(error) => fail(frame, error),
    }
    stretch::end();
}

/// As [`dispatch`], for a traced task: its tracer hears of the call before
/// and after, and may change all of it.
pub extern "C" fn dispatch_traced(frame: &mut TrapFrame) {
    let asked = frame.x[8];
    if let Some(number) = event::entry(frame) {
        frame.x[8] = number as u64;
        dispatch(frame);
        if frame.x[8] == number as u64 {
            frame.x[8] = asked;
        }
    }
    event::exit(frame);
}

#[inline]
fn fail(frame: &mut TrapFrame, error: Errno) {
    if restart::is_restart(error) {
        restart::note(frame.x[0]);
    }
    frame.x[0] = error.to_return() as u64;
}
