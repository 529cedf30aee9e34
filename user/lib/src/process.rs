//! Processes: making them, becoming another program, ending and waiting.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::arch::asm;
use core::ptr;

use crate::file::c_string;
use crate::linux::{
    __NR_clone, __NR_execve, __NR_exit, __NR_exit_group, __NR_getpgid,
    __NR_getpid, __NR_getppid, __NR_getsid, __NR_gettid, __NR_getuid,
    __NR_setpgid, __NR_setsid, __NR_setuid, __NR_wait4, CLONE_VFORK, CLONE_VM,
    SIGCHLD,
};
use crate::syscall::{call3, call4, call5, plain};
use crate::{Errno, Result, output};

/// How a process ended or changed, as `wait4(2)` encodes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitStatus(pub i32);

impl WaitStatus {
    /// The status given to `exit`, if it exited.
    pub fn exit_code(self) -> Option<i32> {
        (self.0 & 0x7f == 0).then_some(self.0 >> 8 & 0xff)
    }

    /// The signal that killed it, if one did.
    pub fn killed_by(self) -> Option<u32> {
        let signal = self.0 as u32 & 0x7f;
        (signal != 0 && signal != 0x7f).then_some(signal)
    }

    /// The signal that stopped it, if it is stopped.
    pub fn stopped_by(self) -> Option<u32> {
        (self.0 & 0xff == 0x7f).then_some(self.0 as u32 >> 8 & 0xff)
    }

    /// Whether it was continued.
    pub fn is_continued(self) -> bool {
        self.0 == 0xffff
    }

    /// One number for a shell: the exit code, or 128 and the signal.
    pub fn shell_status(self) -> i32 {
        let signal = self.killed_by().or(self.stopped_by()).unwrap_or(0);
        self.exit_code().unwrap_or(128 + signal as i32)
    }
}

/// Which of the two processes returns from [`fork`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fork {
    /// The old process; the child has this id.
    Parent(i32),
    /// The new process.
    Child,
}

/// Makes a child that is a copy of this process. Flushes standard output.
///
/// # Errors
/// Those of `clone(2)`.
pub fn fork() -> Result<Fork> {
    // An error of the flush stays noted for the end of the program.
    let _ = output::flush();
    // SAFETY: no shared memory and no new stack: the child has its own copy
    // of everything.
    let child = unsafe { call5(__NR_clone, SIGCHLD as usize, 0, 0, 0, 0) }?;
    Ok(if child == 0 { Fork::Child } else { Fork::Parent(child as i32) })
}

/// Strings as `execve` wants them: pointers up to a null.
struct Vector {
    _strings: Vec<CString>,
    pointers: Vec<*const u8>,
}

impl Vector {
    fn new<T: AsRef<str>>(strings: &[T]) -> Result<Self> {
        let strings = strings
            .iter()
            .map(|text| c_string(text.as_ref()))
            .collect::<Result<Vec<_>>>()?;
        let mut pointers: Vec<_> =
            strings.iter().map(|text| text.as_ptr().cast()).collect();
        pointers.push(ptr::null());
        Ok(Self { _strings: strings, pointers })
    }

    fn address(&self) -> usize {
        self.pointers.as_ptr() as usize
    }
}

/// Becomes another program; returns only if that failed. Flushes standard
/// output.
pub fn execute<A: AsRef<str>, E: AsRef<str>>(
    path: &str,
    arguments: &[A],
    environment: &[E],
) -> Errno {
    let _ = output::flush();
    match try_execute(path, arguments, environment) {
        Ok(_) => Errno::ENOEXEC,
        Err(error) => error,
    }
}

fn try_execute<A: AsRef<str>, E: AsRef<str>>(
    path: &str,
    arguments: &[A],
    environment: &[E],
) -> Result<usize> {
    let path = c_string(path)?;
    let arguments = Vector::new(arguments)?;
    let environment = Vector::new(environment)?;
    let address = path.as_ptr() as usize;
    let (arguments, environment) = (arguments.address(), environment.address());
    // SAFETY: path and vectors outlive the call, which copies them.
    unsafe { call3(__NR_execve, address, arguments, environment) }
}

/// Starts another program the `vfork` way: the child borrows this process's
/// memory until it has become the other program. A child that cannot exits
/// with 127. Flushes standard output.
///
/// # Errors
/// Those of `clone(2)`.
pub fn spawn<A: AsRef<str>, E: AsRef<str>>(
    path: &str,
    arguments: &[A],
    environment: &[E],
) -> Result<i32> {
    let _ = output::flush();
    let path = c_string(path)?;
    let arguments = Vector::new(arguments)?;
    let environment = Vector::new(environment)?;
    let flags = (CLONE_VM | CLONE_VFORK | SIGCHLD) as usize;
    let result: isize;
    // SAFETY: the child runs only these instructions, all in registers, on
    // strings that live until the parent goes on, which is after them.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x0, x10",
            "mov x1, x11",
            "mov x2, x12",
            "mov x8, {execve}",
            "svc 0",
            "mov x0, 127",
            "mov x8, {exit}",
            "svc 0",
            "2:",
            execve = const __NR_execve,
            exit = const __NR_exit,
            inlateout("x8") __NR_clone as usize => _,
            inlateout("x0") flags => result,
            inlateout("x1") 0usize => _,
            inlateout("x2") 0usize => _,
            in("x3") 0usize,
            in("x4") 0usize,
            in("x10") path.as_ptr(),
            in("x11") arguments.address(),
            in("x12") environment.address(),
        );
    }
    if result < 0 {
        return Err(Errno(-result as u16));
    }
    Ok(result as i32)
}

/// Ends the process, and every thread of it, without flushing anything.
pub fn exit(status: i32) -> ! {
    loop {
        // It cannot fail; the loop says so to the compiler.
        let _ = plain(__NR_exit_group, [status as usize]);
    }
}

/// Waits for a change of a child: `pid` and `options` as for `wait4(2)`.
/// Gives the child and what happened to it, or `None` with `WNOHANG` when
/// nothing did.
///
/// # Errors
/// Those of `wait4(2)`.
pub fn wait(pid: i32, options: u32) -> Result<Option<(i32, WaitStatus)>> {
    let mut status = 0i32;
    let place = &raw mut status as usize;
    // SAFETY: the kernel writes one word to `status`.
    let child =
        unsafe { call4(__NR_wait4, pid as usize, place, options as usize, 0) }?;
    Ok((child != 0).then_some((child as i32, WaitStatus(status))))
}

/// Waits until the child ends, whatever signals arrive meanwhile.
///
/// # Errors
/// `ECHILD`.
pub fn wait_for(pid: i32) -> Result<WaitStatus> {
    loop {
        match wait(pid, 0) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

#[inline(always)]
fn id(number: u32, argument: usize) -> i32 {
    plain(number, [argument]).unwrap_or(0) as i32
}

/// The id of this process.
pub fn current_id() -> i32 {
    id(__NR_getpid, 0)
}

/// The id of this thread.
pub fn thread_id() -> i32 {
    id(__NR_gettid, 0)
}

/// The id of the parent.
#[inline(always)]
pub fn parent_id() -> i32 {
    id(__NR_getppid, 0)
}

/// The user this process runs as.
pub fn user_id() -> i32 {
    id(__NR_getuid, 0)
}

/// Becomes another user, for good if this one is not root.
///
/// # Errors
/// Those of `setuid(2)`.
pub fn set_user_id(user: u32) -> Result<()> {
    plain(__NR_setuid, [user as usize]).map(drop)
}

/// The process group of a process (0: this one).
///
/// # Errors
/// Those of `getpgid(2)`.
pub fn group(pid: i32) -> Result<i32> {
    plain(__NR_getpgid, [pid as usize]).map(|group| group as i32)
}

/// Puts a process (0: this one) into a group (0: one of its own).
///
/// # Errors
/// Those of `setpgid(2)`.
pub fn set_group(pid: i32, group: i32) -> Result<()> {
    plain(__NR_setpgid, [pid as usize, group as usize]).map(drop)
}

/// The session of a process (0: this one).
///
/// # Errors
/// Those of `getsid(2)`.
pub fn session(pid: i32) -> Result<i32> {
    plain(__NR_getsid, [pid as usize]).map(|session| session as i32)
}

/// Starts a session with this process as its leader.
///
/// # Errors
/// `EPERM` if the process leads a group already.
pub fn new_session() -> Result<i32> {
    plain(__NR_setsid, []).map(|session| session as i32)
}
