//! What becomes of an interrupted system call.
//!
//! A call that a signal ends early returns one of the `ERESTART*` numbers,
//! which no program ever sees: on the way out either the call begins anew, as
//! if it had never been entered, or it fails with `EINTR` because a handler
//! runs. `kernel_core::signal::restart` has the table.
//!
//! A call with a time-out keeps its deadline ([`keep_deadline`]); begun anew,
//! it asks [`deadline_after`] and gets the old one instead of counting again
//! from the start. So a stop and continue stretches no time-out
//! (SPECIFICATION.md X8; a freeze does not even interrupt).

use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::{Errno, syscall};
use kernel_core::signal::restart::{Outcome, Restart, decide};

use crate::{Thread, current};
use kernel_machine::arch;
use kernel_machine::arch::thread::work;
use kernel_machine::arch::trap::TrapFrame;

mod note;

pub use note::RestartNote;

/// Bytes of the `svc` instruction.
const CALL_SIZE: u64 = 4;

/// True for an error that no program sees.
#[inline]
pub fn is_restart(error: Errno) -> bool {
    error.0 >= Errno::ERESTARTSYS.0
}

/// Notes that the current call returned such an error. `first_argument` is
/// what `x0` held.
#[cold]
pub fn note(first_argument: u64) {
    let thread = current();
    thread.restart.first_argument.store(first_argument, Relaxed);
    thread.restart.is_noted.store(true, Relaxed);
    thread.task().set_work(work::SIGNAL);
}

/// The monotonic time, ns, `timeout_ns` from now; or, in a call that begins
/// anew, the deadline that it kept.
#[inline]
pub fn deadline_after(timeout_ns: u64) -> u64 {
    deadline_after_on(arch::timer::now_ns(), timeout_ns)
}

/// As [`deadline_after`], on a clock that reads `now_ns`.
#[inline]
pub fn deadline_after_on(now_ns: u64, timeout_ns: u64) -> u64 {
    match current().restart.deadline_ns.swap(0, Relaxed) {
        0 => now_ns.saturating_add(timeout_ns).max(1),
        kept => kept,
    }
}

/// Keeps the deadline of a call that is about to return an `ERESTART*`.
#[cold]
pub fn keep_deadline(deadline_ns: u64) {
    current().restart.deadline_ns.store(deadline_ns, Relaxed);
}

/// No handler runs: an interrupted call begins anew.
pub(super) fn without_handler(thread: &Thread, frame: &mut TrapFrame) {
    apply(thread, frame, Outcome::NoHandler);
}

/// A handler with these `SA_*` flags runs first. Its own calls must not find
/// a kept deadline.
pub(super) fn with_handler(thread: &Thread, frame: &mut TrapFrame, flags: u64) {
    thread.restart.deadline_ns.store(0, Relaxed);
    apply(thread, frame, Outcome::Handler(flags));
}

fn apply(thread: &Thread, frame: &mut TrapFrame, outcome: Outcome) {
    if !thread.restart.is_noted.swap(false, Relaxed) {
        return;
    }
    match decide(frame.x[0] as usize, outcome) {
        Restart::Keep => {}
        Restart::Interrupted => {
            frame.x[0] = Errno::EINTR.to_return() as u64;
        }
        Restart::Again => again(thread, frame),
        Restart::Block => {
            again(thread, frame);
            frame.x[8] = syscall::RESTART_SYSCALL as u64;
        }
    }
}

fn again(thread: &Thread, frame: &mut TrapFrame) {
    frame.x[0] = thread.restart.first_argument.load(Relaxed);
    frame.pc = frame.pc.wrapping_sub(CALL_SIZE);
}
