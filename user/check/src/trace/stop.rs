//! Who may trace whom, and the stops by signals and by the tracer.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __WALL, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGUSR1, WNOHANG,
};
use user_lib::ptrace::{
    self, ATTACH, CONT, DETACH, EVENT_STOP, INTERRUPT, LISTEN, O_EXITKILL,
    SEIZE, SETOPTIONS, TRACEME,
};
use user_lib::{Errno, process, signal};

use super::{
    INTERRUPTED, attach, counter, go_on, interrupt, next_stop, seize, sleeper,
    tracer_of,
};
use crate::freezer::{look_at, wait_for, wait_for_state, words};
use crate::tool::{Outcome, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    only_the_tracer_may_ask_and_only_of_a_stopped_process
    nobody_traces_itself_or_twice
    a_tracer_decides_what_a_signal_does
    a_child_may_ask_to_be_traced
    an_interrupt_stops_a_seized_process
    a_group_stop_can_be_listened_to
    a_process_goes_on_when_its_tracer_ends
    a_process_dies_with_its_tracer_if_that_wants_it
    a_stop_sends_sigchld
    a_killed_process_leaves_its_stop
}

fn only_the_tracer_may_ask_and_only_of_a_stopped_process() -> Outcome {
    let child = sleeper()?;
    let pid = child.id();
    ensure_eq!(ptrace::request(CONT, pid, 0, 0), Err(Errno::ESRCH));
    ensure_eq!(ptrace::registers(pid), Err(Errno::ESRCH));
    ensure_eq!(ptrace::request(SEIZE, 1 << 21, 0, 0), Err(Errno::ESRCH));
    ensure_eq!(ptrace::request(SEIZE, pid, 1, 0), Err(Errno::EIO));
    ensure_eq!(ptrace::request(SEIZE, pid, 0, 1 << 30), Err(Errno::EIO));
    ptrace::request(SEIZE, pid, 0, 0)?;
    ensure_eq!(ptrace::registers(pid), Err(Errno::ESRCH));
    ensure_eq!(ptrace::request(DETACH, pid, 0, 0), Err(Errno::ESRCH));
    interrupt(pid)?;
    let options = ptrace::request(SETOPTIONS, pid, 0, 1 << 30);
    ensure_eq!(options, Err(Errno::EINVAL));
    ensure_eq!(ptrace::request(CONT, pid, 0, 65), Err(Errno::EIO));
    ensure_eq!(ptrace::request(0x4fff, pid, 0, 0), Err(Errno::EIO));
    ensure_eq!(tracer_of(pid)?, process::current_id());
    ensure_eq!(look_at(pid)?.0, 't');
    let other = in_child(|| {
        let asked = ptrace::registers(pid);
        Ok(i32::from(asked != Err(Errno::ESRCH)))
    })?;
    ensure_eq!(other.exit_code(), Some(0));
    ptrace::request(DETACH, pid, 0, 0)?;
    ensure_eq!(tracer_of(pid)?, 0);
    wait_for_state(pid, 'S')
}

fn nobody_traces_itself_or_twice() -> Outcome {
    let own = process::current_id();
    ensure_eq!(ptrace::request(ATTACH, own, 0, 0), Err(Errno::EPERM));
    // Nobody is to end the system by a wrong byte in its first process.
    for how in [ATTACH, SEIZE] {
        ensure_eq!(ptrace::request(how, 1, 0, 0), Err(Errno::EPERM));
    }
    let child = sleeper()?;
    ptrace::request(SEIZE, child.id(), 0, 0)?;
    let again = ptrace::request(SEIZE, child.id(), 0, 0);
    ensure_eq!(again, Err(Errno::EPERM));
    ensure_eq!(ptrace::request(ATTACH, 2, 0, 0), Err(Errno::EPERM));
    Ok(())
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(number: i32) {
    HANDLED.store(number as u32, Ordering::Release);
}

fn a_tracer_decides_what_a_signal_does() -> Outcome {
    let [handled, ready] = words()?;
    let child = Child::start(|| {
        let _ = signal::handle(SIGUSR1, count);
        ready.store(1, Ordering::Release);
        loop {
            handled.store(HANDLED.load(Ordering::Acquire), Ordering::Release);
        }
    })?;
    let pid = child.id();
    wait_for(ready, 1);
    attach(pid)?;
    go_on(pid, CONT, 0)?;
    // One that would kill is swallowed, another is exchanged.
    signal::send(pid, SIGKILL - 1)?;
    ensure_eq!(next_stop(pid)?, SIGKILL - 1);
    ensure_eq!(ptrace::signal(pid)?, [SIGKILL as i32 - 1, 0, 0]);
    go_on(pid, CONT, 0)?;
    signal::send(pid, SIGKILL - 1)?;
    ensure_eq!(next_stop(pid)?, SIGKILL - 1);
    go_on(pid, CONT, SIGUSR1)?;
    wait_for(handled, SIGUSR1);
    signal::send(pid, SIGKILL - 1)?;
    ensure_eq!(next_stop(pid)?, SIGKILL - 1);
    go_on(pid, CONT, SIGKILL - 1)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL - 1));
    Ok(())
}

fn a_child_may_ask_to_be_traced() -> Outcome {
    let child = Child::start(|| {
        let asked = ptrace::request(TRACEME, 0, 0, 0);
        let again = ptrace::request(TRACEME, 0, 0, 0);
        if asked != Ok(0) || again != Err(Errno::EPERM) {
            return 1;
        }
        let _ = signal::send(process::current_id(), SIGSTOP);
        7
    })?;
    ensure_eq!(next_stop(child.id())?, SIGSTOP);
    ensure_eq!(tracer_of(child.id())?, process::current_id());
    go_on(child.id(), CONT, 0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(7));
    Ok(())
}

fn an_interrupt_stops_a_seized_process() -> Outcome {
    let (child, count) = counter()?;
    seize(child.id(), 0)?;
    let before = count.load(Ordering::Acquire);
    ensure_eq!(process::wait(child.id(), WNOHANG | __WALL), Ok(None));
    ensure_eq!(count.load(Ordering::Acquire), before);
    go_on(child.id(), CONT, 0)?;
    wait_for(count, before.wrapping_add(1));
    let sleeper = sleeper()?;
    attach(sleeper.id())?;
    let asked = ptrace::request(INTERRUPT, sleeper.id(), 0, 0);
    ensure_eq!(asked, Err(Errno::EIO));
    Ok(())
}

fn a_group_stop_can_be_listened_to() -> Outcome {
    let child = sleeper()?;
    let pid = child.id();
    ptrace::request(SEIZE, pid, 0, 0)?;
    signal::send(pid, SIGSTOP)?;
    ensure_eq!(next_stop(pid)?, SIGSTOP);
    ensure_eq!(ptrace::request(LISTEN, pid, 0, 0), Err(Errno::EIO));
    go_on(pid, CONT, SIGSTOP)?;
    ensure_eq!(next_stop(pid)?, SIGSTOP | EVENT_STOP << 8);
    ptrace::request(LISTEN, pid, 0, 0)?;
    ensure_eq!(ptrace::registers(pid), Err(Errno::ESRCH));
    signal::send(pid, SIGCONT)?;
    ensure_eq!(next_stop(pid)?, INTERRUPTED);
    go_on(pid, CONT, 0)?;
    ensure_eq!(next_stop(pid)?, SIGCONT);
    ptrace::request(DETACH, pid, 0, 0)?;
    wait_for_state(pid, 'S')
}

/// A tracer that stops a process and ends.
fn lose_tracer(pid: i32, options: u32) -> Outcome {
    let tracer = in_child(|| seize(pid, options).map(|()| 0))?;
    ensure_eq!(tracer.exit_code(), Some(0));
    Ok(())
}

fn a_process_goes_on_when_its_tracer_ends() -> Outcome {
    let (child, count) = counter()?;
    lose_tracer(child.id(), 0)?;
    let before = count.load(Ordering::Acquire);
    wait_for(count, before.wrapping_add(1));
    ensure_eq!(tracer_of(child.id())?, 0);
    Ok(())
}

fn a_process_dies_with_its_tracer_if_that_wants_it() -> Outcome {
    let child = sleeper()?;
    lose_tracer(child.id(), O_EXITKILL)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}

/// The signal is there before `wait4` shows the stop, also to one that asks
/// without pause from another CPU.
fn a_stop_sends_sigchld() -> Outcome {
    signal::handle(SIGCHLD, count)?;
    let (child, _) = counter()?;
    let pid = child.id();
    ptrace::request(SEIZE, pid, 0, 0)?;
    for _ in 0..100 {
        HANDLED.store(0, Ordering::Release);
        ptrace::request(INTERRUPT, pid, 0, 0)?;
        while process::wait(pid, WNOHANG | __WALL)?.is_none() {}
        ensure_eq!(HANDLED.load(Ordering::Acquire), SIGCHLD);
        go_on(pid, CONT, 0)?;
    }
    Ok(())
}

fn a_killed_process_leaves_its_stop() -> Outcome {
    let child = sleeper()?;
    seize(child.id(), 0)?;
    signal::send(child.id(), SIGKILL)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}
