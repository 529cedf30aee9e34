//! What a call is: its arguments, its result, the function that handles it.

use kernel_abi::Errno;
use kernel_machine::arch::trap::TrapFrame;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

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
    pub fn of(frame: &TrapFrame) -> &Self {
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

/// What handles the calls of a number.
#[derive(Clone, Copy)]
pub enum Handler {
    /// Nothing: `ENOSYS`.
    Missing,
    /// A function of the arguments.
    Plain(SystemCall),
    /// A function of the user's registers.
    WithFrame(FrameCall),
}

/// A call's number and what handles it.
pub type Numbered = (usize, Handler);
