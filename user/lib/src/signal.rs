//! Signals: sending, handling, blocking, waiting.
//!
//! A handler runs between any two instructions of the program. It may set
//! atomics and make system calls; it must not print or allocate, since the
//! program may hold those locks.

use core::ffi::c_void;

use crate::linux::{
    __NR_kill, __NR_rt_sigaction, __NR_rt_sigpending, __NR_rt_sigprocmask,
    __NR_rt_sigsuspend, __NR_rt_sigtimedwait, __NR_sigaltstack, __NR_tgkill,
    SA_RESTORER, SIG_SETMASK,
};
use crate::syscall::{call2, call3, call4, plain};
use crate::time::Time;
use crate::{Result, file};

/// A function that handles a signal; it is told the number.
pub type Handler = extern "C" fn(i32);

/// A handler that asked for details (`SA_SIGINFO`): the second argument
/// starts with signal, errno and code; the third is the saved state.
pub type DetailedHandler = extern "C" fn(i32, &Details, *const c_void);

/// The head of Linux's `siginfo_t` on 64-bit machines.
#[repr(C)]
pub struct Details {
    /// Signal number.
    pub signal: i32,
    /// Error number, mostly 0.
    pub error: i32,
    /// Why: `SI_USER`, `SEGV_MAPERR` …
    pub code: i32,
    padding: i32,
    /// The first word of the union: an address for faults, sender and user
    /// for `kill`.
    pub word: u64,
    /// The second word of the union.
    pub second: u64,
}

/// What a process does on a signal.
#[derive(Clone, Copy)]
pub enum Action {
    /// What Linux does by default.
    Default,
    /// Nothing.
    Ignore,
    /// Runs a function.
    Handle(Handler),
    /// Runs a function that gets details.
    HandleDetailed(DetailedHandler),
}

/// Linux's `struct sigaction` as the kernel takes it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Disposition {
    /// 0: default, 1: ignore, else the handler's address.
    pub handler: usize,
    /// The `SA_` bits.
    pub flags: usize,
    restorer: usize,
    /// Signals blocked meanwhile, by [`bit`].
    pub mask: u64,
}

// SAFETY: integers only.
unsafe impl file::Plain for Disposition {}

/// Size of a signal set, in bytes.
const SET: usize = size_of::<u64>();

unsafe extern "C" {
    /// The `rt_sigreturn` call in `start.s`.
    fn firn_user_restorer();
}

/// A signal's bit in a set.
pub const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// Says what to do on a signal; `mask` is blocked while a handler runs.
///
/// # Errors
/// `EINVAL` for a signal that has no choice.
pub fn set_action(
    signal: u32,
    action: Action,
    flags: u32,
    mask: u64,
) -> Result<()> {
    let (handler, more) = match action {
        Action::Default => (0, 0),
        Action::Ignore => (1, 0),
        Action::Handle(function) => (function as usize, 0),
        Action::HandleDetailed(function) => {
            (function as usize, crate::linux::SA_SIGINFO)
        }
    };
    let disposition = Disposition {
        handler,
        flags: (flags | more | SA_RESTORER) as usize,
        restorer: firn_user_restorer as *const () as usize,
        mask,
    };
    let place = &raw const disposition as usize;
    let number = __NR_rt_sigaction;
    // SAFETY: the kernel reads `disposition`; a handler is a function that
    // lives as long as the program, and the restorer ends it properly.
    unsafe { call4(number, signal as usize, place, 0, SET) }.map(drop)
}

/// What happens on a signal now.
///
/// # Errors
/// `EINVAL`.
pub fn disposition(signal: u32) -> Result<Disposition> {
    file::filled(|place| {
        // SAFETY: `place` has room for a disposition.
        unsafe { call4(__NR_rt_sigaction, signal as usize, 0, place, SET) }
    })
}

/// Runs `handler` on a signal, with the calls it interrupts made again.
///
/// # Errors
/// As [`set_action`].
pub fn handle(signal: u32, handler: Handler) -> Result<()> {
    set_action(signal, Action::Handle(handler), crate::linux::SA_RESTART, 0)
}

/// Sends a signal to a process, a group (negative) or all (-1).
///
/// # Errors
/// Those of `kill(2)`.
pub fn send(pid: i32, signal: u32) -> Result<()> {
    plain(__NR_kill, [pid as usize, signal as usize]).map(drop)
}

/// Sends a signal to one thread of a process.
///
/// # Errors
/// Those of `tgkill(2)`.
pub fn send_to_thread(pid: i32, thread: i32, signal: u32) -> Result<()> {
    plain(__NR_tgkill, [pid as usize, thread as usize, signal as usize])
        .map(drop)
}

/// Changes the set of blocked signals (`how`: `SIG_BLOCK` …); gives the old.
///
/// # Errors
/// `EINVAL` for an unknown `how`.
pub fn change_mask(how: u32, set: u64) -> Result<u64> {
    let mut old = 0u64;
    let set = &raw const set as usize;
    let place = &raw mut old as usize;
    // SAFETY: the kernel reads one set and writes the other.
    unsafe { call4(__NR_rt_sigprocmask, how as usize, set, place, SET) }?;
    Ok(old)
}

/// Blocks exactly these signals; gives the old set.
pub fn set_mask(set: u64) -> u64 {
    change_mask(SIG_SETMASK, set).unwrap_or(0)
}

/// While this is there no signal is handled but in calls that are told to
/// wait with the mask from before (`ppoll(2)`), so none arrives between a look
/// at what a handler has noted and the wait that it should end.
pub struct Blocked {
    before: u64,
}

impl Blocked {
    /// Blocks all signals that can be blocked.
    pub fn all() -> Self {
        Self { before: set_mask(!0) }
    }

    /// What was blocked before.
    pub fn before(&self) -> u64 {
        self.before
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        set_mask(self.before);
    }
}

/// The signals that wait because they are blocked.
///
/// # Errors
/// None that a program can cause.
pub fn pending() -> Result<u64> {
    let mut set = 0u64;
    let place = &raw mut set as usize;
    // SAFETY: the kernel writes one set.
    unsafe { call2(__NR_rt_sigpending, place, SET) }?;
    Ok(set)
}

/// Sleeps with another set of blocked signals until a handler has run.
pub fn suspend(set: u64) {
    let place = &raw const set as usize;
    // SAFETY: the kernel reads the set. The result is always EINTR.
    let _ = unsafe { call2(__NR_rt_sigsuspend, place, SET) };
}

/// Takes one of these (blocked) signals, waiting at most `timeout`.
///
/// # Errors
/// `EAGAIN` after the time, `EINTR`.
pub fn wait(set: u64, timeout: Option<Time>) -> Result<u32> {
    let timeout = timeout.as_ref().map_or(0, |time| &raw const *time as usize);
    let place = &raw const set as usize;
    // SAFETY: the kernel reads the set and the time.
    let signal =
        unsafe { call4(__NR_rt_sigtimedwait, place, 0, timeout, SET) }?;
    Ok(signal as u32)
}

/// Lets handlers with `SA_ONSTACK` run on these bytes, for ever.
///
/// # Errors
/// Those of `sigaltstack(2)`.
pub fn set_alternate_stack(stack: &'static mut [u8]) -> Result<()> {
    let description = [stack.as_mut_ptr() as usize, 0, stack.len()];
    let place = description.as_ptr() as usize;
    // SAFETY: the kernel reads the description; the stack is given up to it.
    unsafe { call3(__NR_sigaltstack, place, 0, 0) }.map(drop)
}

/// Names by number, from 1 (`HUP`).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
    "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
    "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH",
    "IO", "PWR", "SYS",
];

/// The short name of a signal (`TERM`), if it has one.
pub fn name(signal: u32) -> Option<&'static str> {
    NAMES.get((signal as usize).checked_sub(1)?).copied()
}

/// The signal that a word names: a number, `TERM` or `SIGTERM`.
pub fn by_name(word: &str) -> Option<u32> {
    if let Ok(number) = word.parse() {
        return (number <= 64).then_some(number);
    }
    let word = word.strip_prefix("SIG").unwrap_or(word);
    let index = NAMES.iter().position(|name| *name == word)?;
    Some(index as u32 + 1)
}
