//! Calls about processes: begin, become, end, wait; numbers, limits.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::signal::{SIGCHLD, SigInfo};
use kernel_abi::syscall as number;
use kernel_abi::system::Rlimit;
use kernel_abi::{Errno, time};
use kernel_core::signal::status;

use super::call::{Args, Handler, Numbered, Result};
use kernel_files::size_limit;
use kernel_machine::arch::trap::TrapFrame;
use kernel_machine::mm::{PAGE_SIZE, user};
use kernel_process::fork::{self, Request};
use kernel_process::oom::with_memory;
use kernel_process::ptrace::event;
use kernel_process::wait::{self, Options, Outcome, Which};
use kernel_process::{
    Process, current, exec, exit, group, limits, thread_usage,
};

/// This family's rows of the table.
pub const CALLS: &[Numbered] = &[
    (number::CLONE, Handler::WithFrame(clone)),
    (number::CLONE3, Handler::WithFrame(clone3)),
    (number::EXECVE, Handler::WithFrame(execve)),
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

fn clone(frame: &mut TrapFrame) -> Result {
    let (flags, exit_signal) = Request::check(frame.x[0])?;
    let request = Request {
        flags,
        exit_signal,
        stack: frame.x[1],
        parent_word: frame.x[2] as usize,
        thread_pointer: frame.x[3],
        child_word: frame.x[4] as usize,
    };
    make_child(frame, &request)
}

fn make_child(frame: &mut TrapFrame, request: &Request) -> Result {
    let is_fork = request.exit_signal == SIGCHLD;
    let is_vfork = request.is_vfork();
    let event = match request.is_untraced() {
        true => None,
        false => event::of_clone(is_vfork, is_fork),
    };
    let born = with_memory(|| fork::clone(frame, request, event.is_some()))?;
    if let Some(event) = event {
        event::happened(frame, event, born.id.into());
    }
    let id = born.id;
    if born.wait() {
        event::vfork_done(frame, id);
    }
    Ok(id as usize)
}

/// `struct clone_args`: flags, pidfd, child_tid, parent_tid, exit_signal,
/// stack, stack_size, tls, set_tid, set_tid_size, cgroup.
type CloneArguments = [u64; 11];

/// As `clone`, with its arguments in memory; what `clone` cannot do, it
/// cannot either (`EINVAL`).
fn clone3(frame: &mut TrapFrame) -> Result {
    const LEAST: usize = 64;
    const SIGNAL: u64 = 0xff;
    let [address, size] = [0, 1].map(|at| frame.x[at] as usize);
    let known = size_of::<CloneArguments>();
    match size {
        0..LEAST => return Err(Errno::EINVAL),
        size if size > PAGE_SIZE => return Err(Errno::E2BIG),
        _ => {}
    }
    let mut given = CloneArguments::default();
    for (at, word) in given.iter_mut().enumerate().take(size / 8) {
        *word = user::read_value(address.wrapping_add(at * 8))?;
    }
    for at in known..size {
        if user::read_value::<u8>(address.wrapping_add(at))? != 0 {
            return Err(Errno::E2BIG);
        }
    }
    let [flags, _, child, parent, signal, stack, length, pointer, rest @ ..] =
        given;
    let is_whole = (stack == 0) == (length == 0);
    if flags & SIGNAL != 0 || signal > SIGNAL || !is_whole || rest != [0; 3] {
        return Err(Errno::EINVAL);
    }
    let (flags, exit_signal) = Request::check(flags | signal)?;
    let request = Request {
        flags,
        exit_signal,
        stack: stack.checked_add(length).ok_or(Errno::EINVAL)?,
        parent_word: parent as usize,
        thread_pointer: pointer,
        child_word: child as usize,
    };
    make_child(frame, &request)
}

fn execve(frame: &mut TrapFrame) -> Result {
    let [path, arguments, environment] =
        [0, 1, 2].map(|at| frame.x[at] as usize);
    let old_id = current().id();
    exec::execve(frame, path, arguments, environment)?;
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
    let found = wait::wait(&process, which, options | Options::EXITED)?;
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
    const P_ALL: usize = 0;
    const P_PID: usize = 1;
    const P_PGID: usize = 2;
    let id = args.word(1);
    let which = match (args.x[0], id) {
        (P_ALL, _) => Which::Any,
        (P_PID, 1..) => Which::Process(id),
        (P_PGID, 0) => Which::Group(current().process.group()),
        (P_PGID, _) => Which::Group(id),
        _ => return Err(Errno::EINVAL),
    };
    let options = Options::from_bits(args.word(3)).ok_or(Errno::EINVAL)?;
    let kinds = Options::EXITED | Options::STOPPED | Options::CONTINUED;
    if !options.intersects(kinds) {
        return Err(Errno::EINVAL);
    }
    let process = current().process.clone();
    let outcome = wait::wait(&process, which, options)?;
    if args.x[2] != 0 {
        write_child_info(args.x[2], outcome.as_ref())?;
    }
    if let (Some(outcome), 1..) = (&outcome, args.x[4]) {
        user::write_value(args.x[4], &outcome.usage.to_rusage())?;
    }
    Ok(0)
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
    let is_privileged = current().process.credentials.lock().is_privileged();
    if kind == limits::FILE_SIZE {
        size_limit::enforce();
    }
    let old = process.limits.lock().set(kind, new, is_privileged)?;
    process.limit_changed(kind);
    Ok(old)
}

fn prlimit64(args: &Args) -> Result {
    let process = group::named(args.int(0))?;
    let own = current().process.clone();
    if !Arc::ptr_eq(&own, &process) {
        let credentials = own.credentials.lock().clone();
        if !credentials.may_limit(&process.credentials.lock()) {
            return Err(Errno::EPERM);
        }
    }
    let kind = args.word(1) as usize;
    let old = match args.x[2] {
        0 => process.limits.lock().get(kind)?,
        new => set_limit(&process, kind, user::read_value(new)?)?,
    };
    if args.x[3] != 0 {
        user::write_value(args.x[3], &old)?;
    }
    Ok(0)
}

/// Only Linux's own personality exists; asking gives it.
fn personality(args: &Args) -> Result {
    match args.word(0) {
        0 | u32::MAX => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}
