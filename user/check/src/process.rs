//! Processes: fork, exit, wait, groups, orphans.

use alloc::format;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    POLLHUP, SA_RESTART, SIGKILL, SIGTERM, SIGUSR1, WNOHANG,
};
use user_lib::signal::Action;
use user_lib::terminal::{poll, poll_entry};
use user_lib::time::Time;
use user_lib::{
    Errno, environment, file, memory, process, schedule, signal, time,
};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_child, soon, tests};
use user_lib::child::Child;

tests! {
    fork_gives_the_child_another_id
    exit_status_reaches_the_parent
    death_by_signal_reaches_the_parent
    wait_without_children_fails
    wait_nohang_returns_at_once
    wait_for_a_stranger_fails
    a_zombie_is_there_until_it_is_waited_for
    vforked_program_runs_and_reports
    orphans_get_another_parent
    many_children_end_in_any_order
    groups_are_inherited_and_changed
    a_signal_to_a_group_reaches_its_members_only
    a_signal_to_a_group_reaches_children_of_its_forks
    a_session_leader_cannot_start_another
    wait_by_group_finds_members
    a_deep_chain_of_forks_ends
    kill_zero_only_asks
    a_fork_that_signals_put_off_keeps_no_file
}

fn fork_gives_the_child_another_id() -> Outcome {
    let parent = process::current_id();
    let status = in_child(|| {
        ensure_eq!(process::parent_id(), parent);
        ensure!(process::current_id() != parent);
        ensure_eq!(process::thread_id(), process::current_id());
        Ok(9)
    })?;
    ensure_eq!(status.exit_code(), Some(9));
    Ok(())
}

fn exit_status_reaches_the_parent() -> Outcome {
    for code in [0, 1, 42, 255] {
        ensure_eq!(Child::start(|| code)?.wait()?.0, code << 8);
    }
    ensure_eq!(Child::start(|| 256 + 7)?.wait()?.exit_code(), Some(7));
    Ok(())
}

fn death_by_signal_reaches_the_parent() -> Outcome {
    for number in [SIGTERM, SIGKILL] {
        let child = Child::start(forever)?;
        signal::send(child.id(), number)?;
        ensure_eq!(child.wait()?.0, number as i32);
    }
    Ok(())
}

fn forever() -> i32 {
    loop {
        time::sleep(Time::from_millis(1000));
    }
}

fn wait_without_children_fails() -> Outcome {
    ensure_eq!(process::wait(-1, 0), Err(Errno::ECHILD));
    ensure_eq!(process::wait(-1, WNOHANG), Err(Errno::ECHILD));
    Ok(())
}

fn wait_nohang_returns_at_once() -> Outcome {
    let child = Child::start(forever)?;
    ensure_eq!(process::wait(child.id(), WNOHANG), Ok(None));
    ensure_eq!(process::wait(-1, WNOHANG), Ok(None));
    Ok(())
}

fn wait_for_a_stranger_fails() -> Outcome {
    let _child = Child::start(forever)?;
    ensure_eq!(process::wait(1, WNOHANG), Err(Errno::ECHILD));
    ensure_eq!(process::wait(-1, 0x4000), Err(Errno::EINVAL));
    Ok(())
}

fn a_zombie_is_there_until_it_is_waited_for() -> Outcome {
    let child = Child::start(|| 0)?;
    let id = child.id();
    time::sleep(Time::from_millis(20));
    ensure_eq!(signal::send(id, 0), Ok(()));
    child.wait()?;
    ensure_eq!(signal::send(id, 0), Err(Errno::ESRCH));
    ensure_eq!(process::wait(id, 0), Err(Errno::ECHILD));
    Ok(())
}

fn vforked_program_runs_and_reports() -> Outcome {
    let child = process::spawn("/bin/false", &["false"], &environment())?;
    ensure_eq!(process::wait_for(child)?.exit_code(), Some(1));
    let child = process::spawn("/bin/nothing", &["x"], &environment())?;
    ensure_eq!(process::wait_for(child)?.exit_code(), Some(127));
    Ok(())
}

/// An orphan's parent is process 1, and what is reaped there is gone.
fn orphans_get_another_parent() -> Outcome {
    let words = memory::shared_words(2)?;
    let [orphan, parent] = words else { return Err(Errno::ENOMEM.into()) };
    let middle = Child::start(|| {
        let first = process::current_id();
        let _ = Child::start(|| {
            while process::parent_id() == first {
                time::sleep(Time::from_millis(1));
            }
            parent.store(process::parent_id() as u32, Ordering::Release);
            orphan.store(process::current_id() as u32, Ordering::Release);
            0
        })
        .map(core::mem::forget);
        0
    })?;
    middle.wait()?;
    let id = wait_for_value(orphan) as i32;
    ensure_eq!(parent.load(Ordering::Acquire), 1);
    while signal::send(id, 0) != Err(Errno::ESRCH) {
        time::sleep(Time::from_millis(10));
    }
    Ok(())
}

fn wait_for_value(word: &AtomicU32) -> u32 {
    loop {
        match word.load(Ordering::Acquire) {
            0 => time::sleep(Time::from_millis(1)),
            value => return value,
        }
    }
}

fn many_children_end_in_any_order() -> Outcome {
    const COUNT: i32 = 40;
    for index in 0..COUNT {
        let child = Child::start(|| {
            let steps = i64::from(index * 7 % COUNT);
            time::sleep(Time::from_nanos(steps * 200_000));
            index
        })?;
        core::mem::forget(child);
    }
    let mut sum = 0;
    for _ in 0..COUNT {
        let (_, status) = process::wait(-1, 0)?.ok_or(Errno::ECHILD)?;
        sum += status.exit_code().unwrap_or(1000);
    }
    ensure_eq!(sum, COUNT * (COUNT - 1) / 2);
    ensure_eq!(process::wait(-1, 0), Err(Errno::ECHILD));
    Ok(())
}

fn groups_are_inherited_and_changed() -> Outcome {
    let group = process::group(0)?;
    let status = in_child(|| {
        ensure_eq!(process::group(0)?, group);
        process::set_group(0, 0)?;
        ensure_eq!(process::group(0)?, process::current_id());
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(process::set_group(0, -1), Err(Errno::EINVAL));
    ensure_eq!(process::set_group(1, 1), Err(Errno::ESRCH));
    Ok(())
}

fn a_signal_to_a_group_reaches_its_members_only() -> Outcome {
    let first = Child::start(forever)?;
    process::set_group(first.id(), first.id())?;
    let second = Child::start(forever)?;
    process::set_group(second.id(), first.id())?;
    let other = Child::start(forever)?;
    signal::send(-first.id(), SIGTERM)?;
    ensure_eq!(first.wait()?.killed_by(), Some(SIGTERM));
    ensure_eq!(second.wait()?.killed_by(), Some(SIGTERM));
    ensure_eq!(process::wait(other.id(), WNOHANG), Ok(None));
    Ok(())
}

/// Forks, as its children do, until there are enough of them.
fn breed(born: &AtomicU32) -> i32 {
    while born.fetch_add(1, Ordering::Relaxed) < 24 {
        let _ = process::fork();
    }
    forever()
}

fn a_signal_to_a_group_reaches_children_of_its_forks() -> Outcome {
    for round in 0..60 {
        let born = &memory::shared_words(1)?[0];
        let leader = Child::start(|| {
            let _ = process::set_group(0, 0);
            breed(born)
        })?;
        let group = leader.id();
        process::set_group(group, group)?;
        while born.load(Ordering::Relaxed) < round % 20 {
            schedule::give_way();
        }
        signal::send(-group, SIGKILL)?;
        leader.wait()?;
        // The others are children of process 1 by now, which waits for them.
        let is_gone = || signal::send(-group, 0) == Err(Errno::ESRCH);
        if !soon(is_gone) {
            while signal::send(-group, SIGKILL).is_ok() {}
            return Err(Failure(format!("round {round}: somebody lives on")));
        }
    }
    Ok(())
}

fn a_session_leader_cannot_start_another() -> Outcome {
    let status = in_child(|| {
        let own = process::current_id();
        ensure_eq!(process::new_session()?, own);
        ensure_eq!(process::session(0)?, own);
        ensure_eq!(process::group(0)?, own);
        ensure_eq!(process::new_session(), Err(Errno::EPERM));
        ensure_eq!(process::set_group(0, 0), Err(Errno::EPERM));
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    Ok(())
}

fn wait_by_group_finds_members() -> Outcome {
    let first = Child::start(forever)?;
    process::set_group(first.id(), first.id())?;
    let other = Child::start(|| 3)?;
    let group = -first.id();
    ensure_eq!(process::wait(group, WNOHANG), Ok(None));
    signal::send(first.id(), SIGKILL)?;
    let (found, status) = process::wait(group, 0)?.ok_or(Errno::ECHILD)?;
    ensure_eq!(found, first.id());
    ensure_eq!(status.killed_by(), Some(SIGKILL));
    core::mem::forget(first);
    let (found, _) = process::wait(0, 0)?.ok_or(Errno::ECHILD)?;
    ensure_eq!(found, other.id());
    core::mem::forget(other);
    Ok(())
}

fn a_deep_chain_of_forks_ends() -> Outcome {
    fn descend(depth: i32) -> i32 {
        if depth == 0 {
            return 0;
        }
        match Child::start(|| descend(depth - 1)) {
            Ok(child) => match child.wait() {
                Ok(status) => status.exit_code().unwrap_or(200) + 1,
                Err(_) => 201,
            },
            Err(_) => 202,
        }
    }
    ensure_eq!(descend(30), 30);
    Ok(())
}

fn kill_zero_only_asks() -> Outcome {
    ensure_eq!(signal::send(process::current_id(), 0), Ok(()));
    ensure_eq!(signal::send(0x3fff_ffff, 0), Err(Errno::ESRCH));
    ensure_eq!(signal::send(process::current_id(), 65), Err(Errno::EINVAL));
    Ok(())
}

extern "C" fn ignore(_: i32) {}

/// A fork into which a signal comes begins anew. What it had made for the
/// child until then must go, or the pipe never ends.
fn a_fork_that_signals_put_off_keeps_no_file() -> Outcome {
    let [from, to] = file::pipe(0)?;
    let this = process::current_id();
    signal::set_action(SIGUSR1, Action::Handle(ignore), SA_RESTART, 0)?;
    let sender = Child::start(|| {
        while signal::send(this, SIGUSR1).is_ok() {
            schedule::give_way();
        }
        0
    })?;
    for _ in 0..200 {
        ensure_eq!(Child::start(|| 0)?.wait()?.exit_code(), Some(0));
    }
    signal::send(sender.id(), SIGKILL)?;
    sender.wait()?;
    file::close(to)?;
    let mut ends = [poll_entry(from, 0)];
    ensure_eq!(poll(&mut ends, Some(Time::from_millis(2000)), None)?, 1);
    ensure_eq!(ends[0].revents, POLLHUP as i16);
    Ok(())
}
