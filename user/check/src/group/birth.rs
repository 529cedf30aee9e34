//! Children that are born in a group, by `clone3` (`CLONE_INTO_CGROUP`).

use alloc::format;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    CLONE_VFORK, O_DIRECTORY, O_PATH, O_RDONLY, SIGKILL, WNOHANG, clone_args,
};
use user_lib::{Errno, file, process, signal};

use super::{Group, Mount, pause};
use crate::clone::{self, INTO_CGROUP};
use crate::freezer::{Spinner, wait_for_state, words};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    a_child_born_in_a_frozen_group_does_nothing_and_can_be_killed
    a_vfork_into_a_frozen_group_ends_with_the_thaw_or_by_a_kill
    children_are_born_in_groups_under_freezes
    what_is_no_group_takes_no_child
}

/// Arguments for a child in the group of the open directory `fd`.
fn into(fd: i32) -> clone_args {
    let mut arguments = clone::arguments();
    arguments.flags |= INTO_CGROUP;
    arguments.cgroup = fd as u64;
    arguments
}

fn open(group: &Group) -> user_lib::Result<i32> {
    // A place is enough.
    file::open(group.name(), O_PATH | O_DIRECTORY, 0)
}

// spec: Y1 B3
fn a_child_born_in_a_frozen_group_does_nothing_and_can_be_killed() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("born")?;
    let fd = open(&group)?;
    let [ran] = words()?;
    for is_killed in [false, true, false] {
        group.set_frozen(true)?;
        ran.store(0, Ordering::SeqCst);
        let child = clone::start(&into(fd), || {
            ran.store(1, Ordering::SeqCst);
            7
        })?;
        ensure_eq!(group.read("cgroup.procs")?, format!("{child}"));
        // The group has been frozen all the while.
        ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
        wait_for_state(child, 'D')?;
        ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
        ensure_eq!(ran.load(Ordering::SeqCst), 0);
        ensure_eq!(process::wait(child, WNOHANG)?, None);
        if is_killed {
            signal::send(child, SIGKILL)?;
            let end = process::wait_for(child)?;
            ensure_eq!(end.killed_by(), Some(SIGKILL));
            ensure_eq!(ran.load(Ordering::SeqCst), 0);
            ensure_eq!(group.figure("cgroup.events", "frozen ")?, 1);
        }
        group.set_frozen(false)?;
        if !is_killed {
            ensure_eq!(process::wait_for(child)?.exit_code(), Some(7));
            ensure_eq!(ran.load(Ordering::SeqCst), 1);
        }
    }
    file::close(fd)?;
    Ok(())
}

/// A parent that waits for its child as after a vfork, in the group of `fd`; the
/// child's number is in `id`. Each has memory of its own.
fn vfork_into(fd: i32, id: &AtomicU32) -> i32 {
    let mut arguments = into(fd);
    arguments.flags |= u64::from(CLONE_VFORK);
    match clone::start(&arguments, || 9) {
        Ok(child) => {
            id.store(child as u32, Ordering::SeqCst);
            let end = process::wait_for(child);
            end.ok().and_then(|end| end.exit_code()).unwrap_or(1)
        }
        Err(_) => 2,
    }
}

// spec: Y1 P3
fn a_vfork_into_a_frozen_group_ends_with_the_thaw_or_by_a_kill() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("vfork")?;
    let fd = open(&group)?;
    for is_killed in [false, true] {
        let [id] = words()?;
        group.set_frozen(true)?;
        let parent = Child::start(|| vfork_into(fd, id))?;
        while group.read("cgroup.procs")?.is_empty() {
            pause(1);
        }
        pause(5);
        ensure_eq!(id.load(Ordering::SeqCst), 0);
        if is_killed {
            signal::send(parent.id(), SIGKILL)?;
            ensure_eq!(parent.wait()?.killed_by(), Some(SIGKILL));
            ensure!(!group.read("cgroup.procs")?.is_empty());
            group.write("cgroup.kill", "1")?;
        } else {
            group.set_frozen(false)?;
            ensure_eq!(parent.wait()?.exit_code(), Some(9));
            ensure!(id.load(Ordering::SeqCst) != 0);
        }
    }
    file::close(fd)?;
    Ok(())
}

// spec: Y1 P1 O7
fn children_are_born_in_groups_under_freezes() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("storm")?;
    let fd = open(&group)?;
    let [made] = words()?;
    let maker = Child::start(|| {
        loop {
            let Ok(child) = clone::start(&into(fd), || 0) else { return 1 };
            made.fetch_add(1, Ordering::Relaxed);
            let _ = process::wait_for(child);
        }
    })?;
    for _ in 0..40 {
        group.set_frozen(true)?;
        group.set_frozen(false)?;
        let before = made.load(Ordering::Relaxed);
        while made.load(Ordering::Relaxed) == before {
            pause(1);
        }
    }
    signal::send(maker.id(), SIGKILL)?;
    maker.wait()?;
    while !group.read("cgroup.procs")?.is_empty() {
        pause(1);
    }
    // All have left it, even who was on its way out.
    file::remove_directory(group.name())?;
    let mut arguments = into(fd);
    ensure_eq!(clone::refusal(&arguments), Some(Errno::ENOENT));
    arguments.cgroup = 9999;
    ensure_eq!(clone::refusal(&arguments), Some(Errno::EBADF));
    file::close(fd)?;
    Ok(())
}

// spec: Y1
fn what_is_no_group_takes_no_child() -> Outcome {
    let [v1, v2] = [Mount::v1()?, Mount::v2()?];
    let other = v1.group("other")?;
    for path in [other.name(), "/tmp", "/proc/self/stat"] {
        let fd = file::open(path, O_RDONLY, 0)?;
        ensure_eq!(clone::refusal(&into(fd)), Some(Errno::EBADF));
        file::close(fd)?;
    }
    // A domain that is none takes no process, and none is made.
    let domain = v2.group("domain")?;
    let part = domain.group("part")?;
    let below = part.group("below")?;
    part.write("cgroup.type", "threaded")?;
    let fd = open(&below)?;
    ensure_eq!(below.read("cgroup.type")?, "domain invalid");
    ensure_eq!(clone::refusal(&into(fd)), Some(Errno::EOPNOTSUPP));
    file::close(fd)?;
    ensure_eq!(below.read("cgroup.threads")?, "");
    let spinner = Spinner::start()?;
    spinner.wait_for_more();
    Ok(())
}
