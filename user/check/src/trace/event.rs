//! Events: fork, vfork, exec and exit of a traced process, and its ends.

use user_lib::linux::{__WALL, SIGCHLD, SIGSTOP, SIGTRAP, WNOHANG};
use user_lib::ptrace::{
    self, CONT, DETACH, EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_VFORK,
    EVENT_VFORK_DONE, O_TRACEEXEC, O_TRACEEXIT, O_TRACEFORK, O_TRACEVFORK,
    O_TRACEVFORKDONE, SEIZE, SETOPTIONS, TRACEME,
};
use user_lib::time::{self, Time};
use user_lib::{Errno, environment, process, signal};

use super::{go_on, next_stop, tracer_of};
use crate::freezer::{wait_for, words};
use crate::tool::{Outcome, ensure_eq, in_background, tests};
use user_lib::child::Child;

tests! {
    a_fork_is_told_and_its_child_traced
    an_exec_is_told_after_it
    an_exec_of_one_that_asked_to_be_traced_is_a_trap
    a_vfork_is_told_and_its_end
    an_exit_is_told_before_it
    a_death_is_told_to_the_tracer_then_to_the_parent
}

fn event(number: u32) -> u32 {
    SIGTRAP | number << 8
}

/// A child that asks to be traced, waits for that, and then works.
fn traced(work: impl FnOnce() -> i32) -> user_lib::Result<Child> {
    Child::start(|| {
        if ptrace::request(TRACEME, 0, 0, 0).is_err() {
            return 99;
        }
        let _ = signal::send(process::current_id(), SIGSTOP);
        work()
    })
}

/// Starts it with options.
fn begin(child: &Child, options: u32) -> Outcome {
    ensure_eq!(next_stop(child.id())?, SIGSTOP);
    ptrace::request(SETOPTIONS, child.id(), 0, options as usize)?;
    Ok(go_on(child.id(), CONT, 0)?)
}

fn a_fork_is_told_and_its_child_traced() -> Outcome {
    let child = traced(|| {
        let inner = Child::start(|| 5).and_then(Child::wait);
        inner.ok().and_then(|status| status.exit_code()).unwrap_or(98)
    })?;
    let pid = child.id();
    begin(&child, O_TRACEFORK)?;
    ensure_eq!(next_stop(pid)?, event(EVENT_FORK));
    let inner = ptrace::message(pid)? as i32;
    ensure_eq!(next_stop(inner)?, SIGSTOP);
    ensure_eq!(tracer_of(inner)?, process::current_id());
    go_on(pid, CONT, 0)?;
    go_on(inner, CONT, 0)?;
    // Not its parent, but its tracer: hears of it first.
    let (_, status) = process::wait(inner, __WALL)?.ok_or(Errno::ECHILD)?;
    ensure_eq!(status.exit_code(), Some(5));
    ensure_eq!(next_stop(pid)?, SIGCHLD);
    go_on(pid, CONT, SIGCHLD)?;
    ensure_eq!(child.wait()?.exit_code(), Some(5));
    Ok(())
}

fn run_true() -> i32 {
    process::execute("/bin/true", &["true"], &environment());
    97
}

fn an_exec_is_told_after_it() -> Outcome {
    let child = traced(run_true)?;
    let pid = child.id();
    begin(&child, O_TRACEEXEC)?;
    ensure_eq!(next_stop(pid)?, event(EVENT_EXEC));
    ensure_eq!(ptrace::message(pid)?, pid as u64);
    ptrace::request(DETACH, pid, 0, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn an_exec_of_one_that_asked_to_be_traced_is_a_trap() -> Outcome {
    let child = traced(run_true)?;
    begin(&child, 0)?;
    ensure_eq!(next_stop(child.id())?, SIGTRAP);
    go_on(child.id(), CONT, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn a_vfork_is_told_and_its_end() -> Outcome {
    let child = traced(|| {
        let inner = process::spawn("/bin/true", &["true"], &environment());
        let ended = inner.and_then(process::wait_for);
        i32::from(ended.map(|status| status.exit_code()) != Ok(Some(0)))
    })?;
    let pid = child.id();
    begin(&child, O_TRACEVFORK | O_TRACEVFORKDONE)?;
    ensure_eq!(next_stop(pid)?, event(EVENT_VFORK));
    let inner = ptrace::message(pid)? as i32;
    ensure_eq!(next_stop(inner)?, SIGSTOP);
    go_on(pid, CONT, 0)?;
    ptrace::request(DETACH, inner, 0, 0)?;
    ensure_eq!(next_stop(pid)?, event(EVENT_VFORK_DONE));
    ensure_eq!(ptrace::message(pid)?, inner as u64);
    ptrace::request(DETACH, pid, 0, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

fn an_exit_is_told_before_it() -> Outcome {
    let child = traced(|| 6)?;
    let pid = child.id();
    begin(&child, O_TRACEEXIT)?;
    ensure_eq!(next_stop(pid)?, event(EVENT_EXIT));
    ensure_eq!(ptrace::message(pid)?, 6 << 8);
    go_on(pid, CONT, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(6));
    Ok(())
}

fn a_death_is_told_to_the_tracer_then_to_the_parent() -> Outcome {
    let [ready, ends, heard] = words()?;
    let child = Child::start(|| {
        wait_for(ends, 1);
        4
    })?;
    let pid = child.id();
    let tracer = in_background(|| {
        ptrace::request(SEIZE, pid, 0, 0)?;
        ready.store(1, core::sync::atomic::Ordering::Release);
        wait_for(heard, 1);
        let (id, status) = process::wait(pid, __WALL)?.ok_or(Errno::ECHILD)?;
        ensure_eq!((id, status.exit_code()), (pid, Some(4)));
        Ok(())
    })?;
    wait_for(ready, 1);
    ends.store(1, core::sync::atomic::Ordering::Release);
    time::sleep(Time::from_millis(50));
    ensure_eq!(process::wait(pid, WNOHANG), Ok(None));
    heard.store(1, core::sync::atomic::Ordering::Release);
    ensure_eq!(child.wait()?.exit_code(), Some(4));
    ensure_eq!(tracer.wait()?.exit_code(), Some(0));
    Ok(())
}
