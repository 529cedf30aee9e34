//! `clone3(2)` as tests call it: children that go on here, as after a fork.

use user_lib::linux::{__NR_clone3, SIGCHLD, clone_args};
use user_lib::process;
use user_lib::syscall::arbitrary;
use user_lib::{Errno, Result};

/// `CLONE_CLEAR_SIGHAND`
pub const CLEAR_SIGHAND: u64 = 1 << 32;
/// `CLONE_INTO_CGROUP`
pub const INTO_CGROUP: u64 = 1 << 33;

/// The arguments of a plain fork.
pub fn arguments() -> clone_args {
    clone_args {
        flags: 0,
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: u64::from(SIGCHLD),
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    }
}

/// Makes a child that runs `work` and exits with what that gives; its number.
///
/// # Errors
/// Those of `clone3(2)`.
pub fn start(
    arguments: &clone_args,
    work: impl FnOnce() -> i32,
) -> Result<i32> {
    let size = size_of::<clone_args>();
    match raw(core::ptr::from_ref(arguments).addr(), size)? {
        0 => process::exit(work()),
        id => Ok(id as i32),
    }
}

/// The call itself.
///
/// # Errors
/// Those of `clone3(2)`.
pub fn raw(address: usize, size: usize) -> Result<usize> {
    arbitrary(__NR_clone3, [address, size, 0, 0, 0, 0])
}

/// The error with which such a child is refused; none if it was made.
pub fn refusal(arguments: &clone_args) -> Option<Errno> {
    match start(arguments, || 0) {
        Ok(id) => {
            let _ = process::wait_for(id);
            None
        }
        Err(error) => Some(error),
    }
}
