//! The wait status: how `wait4` tells what became of a child.

/// What `wait4` gives for a continued child.
pub const CONTINUED: u32 = 0xffff;
const CORE: u32 = 0x80;

/// Status of a process that called `exit(code)`.
pub const fn exited(code: i32) -> u32 {
    (code as u32 & 0xff) << 8
}

/// Status of a process that a signal ended.
pub const fn killed(signal: u32, core: bool) -> u32 {
    signal & 0x7f | if core { CORE } else { 0 }
}

/// Status of a process that a signal stopped.
pub const fn stopped(signal: u32) -> u32 {
    signal << 8 | 0x7f
}

/// `si_code` and `si_status` of the `SIGCHLD` for an ended process.
pub fn child_code_and_status(status: u32) -> (i32, i32) {
    use kernel_abi::signal::{CLD_DUMPED, CLD_EXITED, CLD_KILLED};
    let signal = (status & 0x7f) as i32;
    match (signal, status & CORE != 0) {
        (0, _) => (CLD_EXITED, (status >> 8 & 0xff) as i32),
        (_, true) => (CLD_DUMPED, signal),
        (_, false) => (CLD_KILLED, signal),
    }
}
