//! What becomes of a system call that a signal, or the freezer's fake
//! signal, made return early.
//!
//! | the call returned | no handler runs | handler, `SA_RESTART` | handler |
//! |---|---|---|---|
//! | `ERESTARTNOINTR` | again | again | again |
//! | `ERESTARTSYS` | again | again | `EINTR` |
//! | `ERESTARTNOHAND` | again | `EINTR` | `EINTR` |
//! | `ERESTART_RESTARTBLOCK` | `restart_syscall` | `EINTR` | `EINTR` |
//!
//! A fake signal has no handler, so a freeze restarts every call, and the
//! caller never learns of it.

use kernel_abi::Errno;
use kernel_abi::signal::SA_RESTART;

/// What follows the system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// User code goes on where it was.
    NoHandler,
    /// A handler with these `SA_*` flags runs first.
    Handler(u64),
}

/// What to do with the saved registers.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// The result stands.
    Keep,
    /// The call fails with `EINTR`.
    Interrupted,
    /// Restore `x0` and step `pc` back to the `svc` instruction.
    Again,
    /// The same, with `x8` set to `restart_syscall`.
    Block,
}

/// Decides for a call that returned `x0`.
pub fn decide(x0: usize, outcome: Outcome) -> Restart {
    let handler = match outcome {
        Outcome::NoHandler => None,
        Outcome::Handler(flags) => Some(flags & SA_RESTART != 0),
    };
    let errno = x0.wrapping_neg();
    if errno == usize::from(Errno::ERESTARTNOINTR.0) {
        Restart::Again
    } else if errno == usize::from(Errno::ERESTARTSYS.0) {
        match handler {
            Some(false) => Restart::Interrupted,
            _ => Restart::Again,
        }
    } else if errno == usize::from(Errno::ERESTARTNOHAND.0) {
        match handler {
            Some(_) => Restart::Interrupted,
            None => Restart::Again,
        }
    } else if errno == usize::from(Errno::ERESTART_RESTARTBLOCK.0) {
        match handler {
            Some(_) => Restart::Interrupted,
            None => Restart::Block,
        }
    } else {
        Restart::Keep
    }
}
