//! Signals, stops and waits meet freezes.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGSEGV, SIGSTOP,
    SIGTERM, SIGUSR1, WCONTINUED, WNOHANG, WUNTRACED,
};
use user_lib::time::{self, Time};
use user_lib::{Errno, process, signal};

use super::{Group, Mount, letter, pause};
use crate::freezer::{Spinner, wait_for_state, words};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    a_killed_frozen_task_dies_at_the_thaw
    a_handler_runs_after_the_thaw_once
    a_stopped_task_counts_as_frozen_and_stays_stopped
    a_continue_is_told_at_once_and_acts_at_the_thaw
    a_stop_of_a_frozen_task_acts_at_the_thaw
    a_parent_never_hears_of_a_freeze
    v2_lets_any_deadly_signal_end_a_frozen_task
}

fn sleeper() -> user_lib::Result<Child> {
    Child::start(|| {
        time::sleep(Time::from_millis(1 << 40));
        0
    })
}

// spec: G1 G2
fn a_killed_frozen_task_dies_at_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("kill")?;
    group.write("freezer.kill_frozen", "0")?;
    let spinner = Spinner::start()?;
    let sleeper = sleeper()?;
    wait_for_state(sleeper.id(), 'S')?;
    group.add(spinner.child.id())?;
    group.add(sleeper.id())?;
    group.freeze()?;
    for id in [spinner.child.id(), sleeper.id()] {
        signal::send(id, SIGKILL)?;
        pause(5);
        wait_for_state(id, 'D')?;
        ensure_eq!(process::wait(id, WNOHANG)?, None);
    }
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    ensure_eq!(spinner.child.wait()?.killed_by(), Some(SIGKILL));
    ensure_eq!(sleeper.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

// spec: G3
fn a_handler_runs_after_the_thaw_once() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("handler")?;
    let [result] = words()?;
    let child = Child::start(|| {
        let _ = signal::handle(SIGUSR1, count);
        let slept = time::try_sleep(Time::from_millis(1 << 40));
        let was_interrupted = slept.is_err_and(|it| it.0 == Errno::EINTR);
        let handled = HANDLED.load(Ordering::Relaxed);
        result
            .store(handled + 10 * u32::from(was_interrupted), Ordering::SeqCst);
        0
    })?;
    wait_for_state(child.id(), 'S')?;
    group.add(child.id())?;
    group.freeze()?;
    signal::send(child.id(), SIGUSR1)?;
    pause(10);
    wait_for_state(child.id(), 'D')?;
    ensure_eq!(group.state()?, "FROZEN");
    ensure_eq!(result.load(Ordering::SeqCst), 0);
    group.thaw()?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(result.load(Ordering::SeqCst), 11);
    Ok(())
}

/// A stopped child in a frozen group.
fn stopped(group: &Group) -> Result<Child, crate::tool::Failure> {
    let child = sleeper()?;
    wait_for_state(child.id(), 'S')?;
    signal::send(child.id(), SIGSTOP)?;
    wait_for_state(child.id(), 'T')?;
    ensure!(process::wait(child.id(), WUNTRACED)?.is_some());
    group.add(child.id())?;
    group.freeze()?;
    Ok(child)
}

// spec: G4 S4 N4
fn a_stopped_task_counts_as_frozen_and_stays_stopped() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("stopped")?;
    let child = stopped(&group)?;
    ensure_eq!(letter(child.id())?, 'D');
    group.thaw()?;
    ensure_eq!(letter(child.id())?, 'T');
    Ok(())
}

// spec: G5
fn a_continue_is_told_at_once_and_acts_at_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("continued")?;
    let child = stopped(&group)?;
    signal::send(child.id(), SIGCONT)?;
    let told = process::wait(child.id(), WCONTINUED)?;
    ensure!(told.is_some_and(|(_, status)| status.is_continued()));
    pause(5);
    wait_for_state(child.id(), 'D')?;
    ensure_eq!(group.state()?, "FROZEN");
    ensure_eq!(process::wait(child.id(), WCONTINUED | WNOHANG)?, None);
    group.thaw()?;
    wait_for_state(child.id(), 'S')?;
    Ok(())
}

// spec: G6
fn a_stop_of_a_frozen_task_acts_at_the_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("stop")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    group.freeze()?;
    signal::send(spinner.child.id(), SIGSTOP)?;
    pause(5);
    ensure_eq!(letter(spinner.child.id())?, 'D');
    let options = WUNTRACED | WNOHANG;
    ensure_eq!(process::wait(spinner.child.id(), options)?, None);
    group.thaw()?;
    wait_for_state(spinner.child.id(), 'T')?;
    signal::send(spinner.child.id(), SIGCONT)?;
    spinner.wait_for_more();
    Ok(())
}

// spec: G7
fn a_parent_never_hears_of_a_freeze() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("quiet")?;
    let spinner = Spinner::start()?;
    let sleeper = sleeper()?;
    group.add(spinner.child.id())?;
    group.add(sleeper.id())?;
    for _ in 0..3 {
        group.freeze()?;
        group.thaw()?;
        let options = WUNTRACED | WCONTINUED | WNOHANG;
        ensure_eq!(process::wait(-1, options)?, None);
    }
    Ok(())
}

/// Signals whose default is to end a task, the last one of which is the first
/// of those that programs give a meaning to.
const DEADLY: [u32; 6] = [SIGHUP, SIGINT, SIGUSR1, SIGALRM, SIGTERM, 32];
/// Those that dump core: the task must run for it.
const DUMPING: [u32; 2] = [SIGQUIT, SIGSEGV];

// spec: Y6 B3
fn v2_lets_any_deadly_signal_end_a_frozen_task() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("deadly")?;
    for deadly in DEADLY.into_iter().chain(DUMPING) {
        let spinner = Spinner::start()?;
        let sleeper = sleeper()?;
        wait_for_state(sleeper.id(), 'S')?;
        group.add(spinner.child.id())?;
        group.add(sleeper.id())?;
        group.set_frozen(true)?;
        for child in [spinner.child, sleeper] {
            wait_for_state(child.id(), 'D')?;
            signal::send(child.id(), deadly)?;
            if DUMPING.contains(&deadly) {
                pause(10);
                wait_for_state(child.id(), 'D')?;
                group.write("cgroup.freeze", "0")?;
            }
            ensure_eq!(child.wait()?.killed_by(), Some(deadly));
            group.write("cgroup.freeze", "1")?;
        }
        group.write("cgroup.freeze", "0")?;
    }
    Ok(())
}
