//! System calls: Linux's numbers and structures, aarch64.
//!
//! [`dispatch`] finds the function of a number in one table and puts its
//! result into `x0`. A call is one short function: it decodes and checks its
//! arguments, then calls the layer that does the work. Calls that read or
//! replace the user's registers (`clone`, `execve`, `rt_sigreturn`) get the
//! whole frame, all others get [`Args`].
//!
//! Start with `table.rs`; then one file for each family of calls.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use kernel_abi::Errno;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use kernel_machine::arch::trap::TrapFrame;
use kernel_process::ptrace::event;
use kernel_process::signal::restart;

mod capability;
pub mod file;
mod futex;
mod identity;
mod memory;
mod prctl;
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

pub use table::Entry;

/// The arguments of a call, `x0` to `x5`: the frame's own registers.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Args {
    /// As the user gave them.
    pub x: [usize; 6],
}

impl Args {
    /// In place: a copy would cost each call more than a look at them.
    #[inline(always)]
    fn of(frame: &TrapFrame) -> &Self {
        match Self::ref_from_prefix(frame.x.as_bytes()) {
            Ok((args, _)) => args,
            Err(_) => unreachable!("a frame has six aligned registers"),
        }
    }

    /// Argument `at` as a C `int`.
    #[inline]
    pub fn int(&self, at: usize) -> i32 {
        self.x[at] as i32
    }

    /// Argument `at` as a C `unsigned int`.
    #[inline]
    pub fn word(&self, at: usize) -> u32 {
        self.x[at] as u32
    }
}

/// What a call gives: the value for `x0`, or why it failed.
pub type Result = core::result::Result<usize, Errno>;

/// A call that needs only its arguments.
pub type SystemCall = fn(&Args) -> Result;

/// A call that needs the user's registers.
pub type FrameCall = fn(&mut TrapFrame) -> Result;

/// Carries out the call in `frame` (number in `x8`). The machine's `svc`
/// entry calls it with interrupts enabled.
pub extern "C" fn dispatch(frame: &mut TrapFrame) {
    let number = frame.x[8] as usize;
    let result = match table::find(number) {
        Entry::Plain(call) => call(Args::of(frame)),
        Entry::WithFrame(call) => call(frame),
        Entry::Missing => unknown::refuse(number),
    };
    match result {
        Ok(value) => frame.x[0] = value as u64,
        Err(error) => fail(frame, error),
    }
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
