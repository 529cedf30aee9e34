//! Tracers meet freezes.

use core::sync::atomic::Ordering;

use user_lib::linux::{__WALL, SIGSTOP, WNOHANG, WUNTRACED};
use user_lib::ptrace::{self, ATTACH, CONT, DETACH, INTERRUPT, SEIZE};
use user_lib::{process, signal};

use super::{Mount, letter, pause};
use crate::freezer::{wait_for, wait_for_state};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use crate::trace::{
    INTERRUPTED, counter, go_on, interrupt, next_stop, seize, sleeper,
};
use user_lib::child::Child;

tests! {
    a_frozen_task_is_seized_and_traps_after_the_thaw
    a_trace_stopped_task_counts_as_frozen_and_stays_stopped
    a_stopped_and_frozen_task_is_attached_after_the_thaw
    a_task_that_goes_on_while_frozen_runs_after_the_thaw
    a_task_frozen_by_v2_traps_at_once_and_runs_no_code
    a_trap_that_is_taken_back_leaves_the_task_frozen
}

const ANY: u32 = __WALL | WNOHANG;

// spec: G8
fn a_frozen_task_is_seized_and_traps_after_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("seize")?;
    let (spinner, _) = counter()?;
    let sleeper = sleeper()?;
    wait_for_state(sleeper.id(), 'S')?;
    for pid in [spinner.id(), sleeper.id()] {
        group.add(pid)?;
    }
    group.freeze()?;
    for pid in [spinner.id(), sleeper.id()] {
        ensure_eq!(ptrace::request(SEIZE, pid, 0, 0), Ok(0));
        ensure_eq!(ptrace::request(INTERRUPT, pid, 0, 0), Ok(0));
        pause(5);
        ensure_eq!(process::wait(pid, ANY)?, None);
        wait_for_state(pid, 'D')?;
    }
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    for pid in [spinner.id(), sleeper.id()] {
        ensure_eq!(next_stop(pid)?, INTERRUPTED);
        ensure_eq!(letter(pid)?, 't');
        ptrace::request(DETACH, pid, 0, 0)?;
    }
    wait_for_state(sleeper.id(), 'S')
}

// spec: G8 S3 S4
fn a_trace_stopped_task_counts_as_frozen_and_stays_stopped() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("traced")?;
    let (child, count) = counter()?;
    let pid = child.id();
    seize(pid, 0)?;
    ensure_eq!(letter(pid)?, 't');
    let registers = ptrace::registers(pid)?;
    let word = ptrace::peek(pid, registers.pc as usize)?;
    let before = count.load(Ordering::Acquire);
    group.add(pid)?;
    group.freeze()?;
    ensure_eq!(letter(pid)?, 'D');
    // What it is can be read while it is frozen, and does not wake it.
    ensure_eq!(ptrace::registers(pid)?, registers);
    ensure_eq!(ptrace::peek(pid, registers.pc as usize), Ok(word));
    ensure_eq!(process::wait(pid, ANY)?, None);
    group.thaw()?;
    ensure_eq!(letter(pid)?, 't');
    ensure_eq!(ptrace::registers(pid)?, registers);
    ensure_eq!(count.load(Ordering::Acquire), before);
    go_on(pid, CONT, 0)?;
    wait_for(count, before.wrapping_add(1));
    Ok(())
}

// spec: G8
fn a_stopped_and_frozen_task_is_attached_after_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("attach")?;
    let child = sleeper()?;
    let pid = child.id();
    wait_for_state(pid, 'S')?;
    signal::send(pid, SIGSTOP)?;
    ensure!(process::wait(pid, WUNTRACED)?.is_some());
    group.add(pid)?;
    group.freeze()?;
    ensure_eq!(ptrace::request(ATTACH, pid, 0, 0), Ok(0));
    pause(5);
    ensure_eq!(process::wait(pid, ANY)?, None);
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    ensure_eq!(next_stop(pid)?, SIGSTOP);
    Ok(())
}

// spec: G8
fn a_task_that_goes_on_while_frozen_runs_after_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("go-on")?;
    let (child, count) = counter()?;
    let pid = child.id();
    seize(pid, 0)?;
    group.add(pid)?;
    group.freeze()?;
    let before = count.load(Ordering::Acquire);
    go_on(pid, CONT, 0)?;
    pause(5);
    wait_for_state(pid, 'D')?;
    ensure_eq!(group.state()?, "FROZEN");
    ensure_eq!(count.load(Ordering::Acquire), before);
    group.thaw()?;
    wait_for(count, before.wrapping_add(1));
    Ok(())
}

// spec: B3
fn a_task_frozen_by_v2_traps_at_once_and_runs_no_code() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("trap")?;
    let (spinner, count) = counter()?;
    let sleeper = sleeper()?;
    wait_for_state(sleeper.id(), 'S')?;
    for pid in [spinner.id(), sleeper.id()] {
        group.add(pid)?;
    }
    for _ in 0..20 {
        group.set_frozen(true)?;
        let before = count.load(Ordering::Acquire);
        for pid in [spinner.id(), sleeper.id()] {
            seize(pid, 0)?;
            ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
            ptrace::registers(pid)?;
            // Once more, out of where it froze after it went on.
            go_on(pid, CONT, 0)?;
            pause(1);
            interrupt(pid)?;
            ptrace::request(DETACH, pid, 0, 0)?;
            wait_for_state(pid, 'D')?;
        }
        ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
        ensure_eq!(count.load(Ordering::Acquire), before);
        group.write("cgroup.freeze", "0")?;
        wait_for(count, before.wrapping_add(1));
        wait_for_state(sleeper.id(), 'S')?;
    }
    Ok(())
}

/// Its tracer goes before the task has trapped, or right after.
// spec: B3
fn a_trap_that_is_taken_back_leaves_the_task_frozen() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("back")?;
    let (spinner, count) = counter()?;
    let pid = spinner.id();
    group.add(pid)?;
    group.set_frozen(true)?;
    let before = count.load(Ordering::Acquire);
    for _ in 0..30 {
        let tracer = Child::start(|| {
            let asked = ptrace::request(SEIZE, pid, 0, 0)
                .and_then(|_| ptrace::request(INTERRUPT, pid, 0, 0));
            i32::from(asked.is_err())
        })?;
        ensure_eq!(tracer.wait()?.exit_code(), Some(0));
        wait_for_state(pid, 'D')?;
    }
    // A signal with a handler, or without, waits for the thaw as ever.
    signal::send(pid, SIGSTOP)?;
    pause(5);
    ensure_eq!(letter(pid)?, 'D');
    ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
    ensure_eq!(count.load(Ordering::Acquire), before);
    group.write("cgroup.freeze", "0")?;
    wait_for_state(pid, 'T')
}
