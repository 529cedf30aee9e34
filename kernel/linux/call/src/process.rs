//! Calls about processes: become, end, wait; numbers, limits.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::signal::{SIGCHLD, SigInfo};
use kernel_abi::syscall as number;
use kernel_abi::system::Rlimit;
use kernel_abi::{Errno, time};
use kernel_core::capability::Capability;
use kernel_core::signal::status;

use super::call::{Args, Handler, Numbered, Result};
use super::file::{AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, check_flags};
use super::pidfd;
use kernel_files::file::Blocking;
use kernel_files::size_limit;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::user;
use kernel_process::authority;
use kernel_process::ptrace::event;
use kernel_process::wait::{self, Options, Outcome, Which};
use kernel_process::{
    Process, current, exec, exit, group, limits, thread_usage, timer,
};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::EXECVE, Handler::WithFrame(execve)),
    (number::EXECVEAT, Handler::WithFrame(execveat)),
    (number::EXIT, Handler::WithFrame(exit)),
    (number::EXIT_GROUP, Handler::WithFrame(exit_group)),
    (number::WAIT4, Handler::Plain(wait4)),
    (number::WAITID, Handler::Plain(waitid)),
    (number::GETPID, Handler::Plain(getpid)),
    (number::GETPPID, Handler::Plain(getppid)),
    (number::GETTID, Handler::Plain(gettid)),
    (number::GETPGID, Handler::Plain(getpgid)),
    (number::SETPGID, Handler::Plain(setpgid)),
    (number::GETSID, Handler::Plain(getsid)),
    (number::SETSID, Handler::Plain(setsid)),
    (number::SET_TID_ADDRESS, Handler::Plain(set_tid_address)),
    (number::GETRUSAGE, Handler::Plain(getrusage)),
    (number::GETRLIMIT, Handler::Plain(getrlimit)),
    (number::SETRLIMIT, Handler::Plain(setrlimit)),
    (number::PRLIMIT64, Handler::Plain(prlimit64)),
    (number::PERSONALITY, Handler::Plain(personality)),
];

fn execve(frame: &mut TrapFrame) -> Result {
    execute(frame, exec::Place::USUAL, 0)
}

fn execveat(frame: &mut TrapFrame) -> Result {
    let flags = frame.x[4] as u32;
    check_flags(flags, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)?;
    let place = exec::Place {
        base: frame.x[0] as i32,
        takes_empty: flags & AT_EMPTY_PATH != 0,
        refuses_link: flags & AT_SYMLINK_NOFOLLOW != 0,
    };
    execute(frame, place, 1)
}

/// The path, the arguments and the environment begin with register `first`.
fn execute(frame: &mut TrapFrame, place: exec::Place, first: usize) -> Result {
    let [path, arguments, environment] =
        [0, 1, 2].map(|at| frame.x[first + at] as usize);
    let old_id = current().id();
    exec::execve(frame, place, path, arguments, environment)?;
    event::executed(frame, old_id);
    Ok(0)
}

fn exit(frame: &mut TrapFrame) -> Result {
    let status = status::exited(frame.x[0] as i32);
    event::exiting(frame, status);
    exit::exit_thread(status)
}

fn exit_group(frame: &mut TrapFrame) -> Result {
    let status = status::exited(frame.x[0] as i32);
    event::exiting(frame, status);
    exit::exit_group(status)
}

fn wait4(args: &Args) -> Result {
    let which = match args.int(0) {
        -1 => Which::Any,
        0 => Which::Group(current().process.group()),
        i32::MIN => return Err(Errno::ESRCH),
        id if id < 0 => Which::Group(id.unsigned_abs()),
        id => Which::Process(id as u32),
    };
    let options = Options::from_bits(args.word(2)).ok_or(Errno::EINVAL)?;
    if options.intersects(Options::EXITED | Options::NO_WAIT) {
        return Err(Errno::EINVAL);
    }
    let process = current().process.clone();
    let found = wait::wait(&process, &which, options | Options::EXITED)?;
    let Some(outcome) = found else { return Ok(0) };
    if args.x[1] != 0 {
        user::write_value(args.x[1], &outcome.status)?;
    }
    if args.x[3] != 0 {
        user::write_value(args.x[3], &outcome.usage.to_rusage())?;
    }
    Ok(outcome.id as usize)
}

fn waitid(args: &Args) -> Result {
    let options = Options::from_bits(args.word(3)).ok_or(Errno::EINVAL)?;
    let kinds = Options::EXITED | Options::STOPPED | Options::CONTINUED;
    if !options.intersects(kinds) {
        return Err(Errno::EINVAL);
    }
    let (which, blocking) = whom(args.x[0], args.int(1))?;
    // Who must not wait is told otherwise that nobody has ended.
    let options = match blocking {
        Blocking::Sleep => options,
        Blocking::Fail => options | Options::NO_HANG,
    };
    let process = current().process.clone();
    let outcome = wait::wait(&process, &which, options)?;
    if outcome.is_none() && blocking == Blocking::Fail {
        return Err(Errno::EAGAIN);
    }
    if args.x[2] != 0 {
        write_child_info(args.x[2], outcome.as_ref())?;
    }
    if let (Some(outcome), 1..) = (&outcome, args.x[4]) {
        user::write_value(args.x[4], &outcome.usage.to_rusage())?;
    }
    Ok(0)
}

/// Whom the first two arguments of `waitid` mean, and whether a descriptor
/// says that it must not sleep.
fn whom(
    kind: usize,
    id: i32,
) -> core::result::Result<(Which, Blocking), Errno> {
    const P_ALL: usize = 0;
    const P_PID: usize = 1;
    const P_PGID: usize = 2;
    const P_PIDFD: usize = 3;
    let which = match (kind, id) {
        (P_ALL, _) => Which::Any,
        (P_PID, 1..) => Which::Process(id as u32),
        (P_PGID, 0) => Which::Group(current().process.group()),
        (P_PGID, 1..) => Which::Group(id as u32),
        (P_PIDFD, 0..) => return pidfd::of_wait(id),
        _ => return Err(Errno::EINVAL),
    };
    Ok((which, Blocking::Sleep))
}

/// The fields of `siginfo_t` that `waitid` writes; zeros for nobody.
fn write_child_info(
    address: usize,
    outcome: Option<&Outcome>,
) -> core::result::Result<(), Errno> {
    let info = match outcome {
        None => SigInfo::default(),
        Some(outcome) => {
            let (code, status) = outcome.code_and_status();
            let (id, user) = (outcome.id, outcome.user);
            SigInfo::child(code, id, user, status, [0; 2])
        }
    };
    debug_assert!(outcome.is_none() || info.signo == SIGCHLD as i32);
    user::write_value(address, &info)
}

fn getpid(_: &Args) -> Result {
    Ok(current().process.id as usize)
}

fn getppid(_: &Args) -> Result {
    Ok(current().process.parent() as usize)
}

fn gettid(_: &Args) -> Result {
    Ok(current().id() as usize)
}

fn getpgid(args: &Args) -> Result {
    Ok(group::named(args.int(0))?.group() as usize)
}

fn setpgid(args: &Args) -> Result {
    group::set_group(args.int(0), args.int(1)).map(|()| 0)
}

fn getsid(args: &Args) -> Result {
    Ok(group::named(args.int(0))?.session() as usize)
}

fn setsid(_: &Args) -> Result {
    group::set_session().map(|id| id as usize)
}

fn set_tid_address(args: &Args) -> Result {
    let thread = current();
    thread.clear_at_exit.store(args.x[0] as u64, Relaxed);
    Ok(thread.id() as usize)
}

fn getrusage(args: &Args) -> Result {
    const SELF: i32 = 0;
    const CHILDREN: i32 = -1;
    const THREAD: i32 = 1;
    let thread = current();
    let process = &thread.process;
    let mut usage = match args.int(0) {
        SELF => process.usage(),
        CHILDREN => *process.children_usage.lock(),
        THREAD => thread_usage(&thread.task()),
        _ => return Err(Errno::EINVAL),
    };
    if args.int(0) != CHILDREN {
        let pages = thread.space()?.resident_pages() as u64;
        usage.peak_pages = usage.peak_pages.max(pages);
    }
    let usage: time::Rusage = usage.to_rusage();
    user::write_value(args.x[1], &usage)?;
    Ok(0)
}

fn getrlimit(args: &Args) -> Result {
    let limit = current().process.limits.lock().get(args.x[0])?;
    user::write_value(args.x[1], &limit)?;
    Ok(0)
}

fn setrlimit(args: &Args) -> Result {
    let new: Rlimit = user::read_value(args.x[1])?;
    set_limit(&current().process, args.x[0], new).map(|_| 0)
}

/// Sets a limit; gives what it was.
fn set_limit(
    process: &Process,
    kind: usize,
    new: Rlimit,
) -> core::result::Result<Rlimit, Errno> {
    let may_more = authority::has(Capability::SYS_RESOURCE);
    if kind == limits::FILE_SIZE {
        size_limit::enforce();
    }
    let old = process.limits.lock().set(kind, new, may_more)?;
    if kind == limits::CPU {
        timer::cpu::watch(process);
    }
    process.limit_changed(kind);
    Ok(old)
}

fn prlimit64(args: &Args) -> Result {
    // It is read first: whose the process is may change meanwhile.
    let new: Option<Rlimit> = match args.x[2] {
        0 => None,
        address => Some(user::read_value(address)?),
    };
    let process = group::named(args.int(0))?;
    let own = current().process.clone();
    if !Arc::ptr_eq(&own, &process) {
        let credentials = own.credentials.lock().clone();
        if !credentials.may_limit(&process.credentials.lock()) {
            return Err(Errno::EPERM);
        }
    }
    let kind = args.word(1) as usize;
    let old = match new {
        None => process.limits.lock().get(kind)?,
        Some(new) => set_limit(&process, kind, new)?,
    };
    if args.x[3] != 0 {
        user::write_value(args.x[3], &old)?;
    }
    Ok(0)
}

/// Sets how the thread wants the kernel to behave; -1 only asks. What it was.
fn personality(args: &Args) -> Result {
    let own = &current().personality;
    let old = match args.word(0) {
        u32::MAX => own.get(),
        word => own.set(word),
    };
    Ok(old as usize)
}
