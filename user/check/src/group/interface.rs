//! cgroup v2's interface to the same engine.

use user_lib::linux::{
    __NR_inotify_add_watch, __NR_inotify_init1, IN_MODIFY, O_NONBLOCK,
    O_RDONLY, POLLERR, POLLIN, POLLPRI, SIGKILL,
};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, file, signal, terminal};

use super::{Mount, letter, pause};
use crate::freezer::{Spinner, wait_for_state};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    a_group_of_v2_has_its_files
    a_group_of_v2_freezes_and_tells
    a_group_of_v2_lets_frozen_tasks_die
    a_task_stands_still_while_either_hierarchy_wants_it
    a_group_of_v2_tells_when_it_is_populated
    who_is_told_of_a_freeze_reads_it
}

// spec: B1
fn a_group_of_v2_has_its_files() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("files")?;
    for name in ["cgroup.controllers", "cgroup.subtree_control"] {
        ensure_eq!(group.read(name)?, "");
    }
    for name in ["cgroup.freeze", "cgroup.events", "cgroup.kill"] {
        ensure!(file::status(&group.path(name)).is_ok());
        ensure!(file::status(&mount.path(name)).is_err());
    }
    ensure_eq!(group.read("cgroup.type")?, "domain");
    ensure_eq!(group.read("cgroup.freeze")?, "0");
    ensure_eq!(group.write("cgroup.freeze", "2"), Err(Errno::ERANGE));
    ensure_eq!(group.write("cgroup.freeze", "-1"), Err(Errno::ERANGE));
    ensure_eq!(group.write("cgroup.freeze", "on"), Err(Errno::EINVAL));
    let controller = group.write("cgroup.subtree_control", "+memory");
    ensure_eq!(controller, Err(Errno::EINVAL));
    let below = group.group("below")?;
    ensure_eq!(group.figure("cgroup.stat", "nr_descendants ")?, 1);
    ensure_eq!(below.figure("cgroup.stat", "nr_descendants ")?, 0);
    let renamed = file::rename(&below.0, &group.path("new"), 0);
    ensure_eq!(renamed, Err(Errno::EPERM));
    let child = Child::start(|| {
        pause(1 << 40);
        0
    })?;
    let id = alloc::format!("{}", child.id());
    let thread = group.write("cgroup.threads", &id);
    ensure_eq!(thread, Err(Errno::EOPNOTSUPP));
    group.write("cgroup.procs", &id)?;
    ensure_eq!(group.read("cgroup.threads")?, id);
    Ok(())
}

// spec: B1 B2 B4 B7
fn a_group_of_v2_freezes_and_tells() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("events")?;
    let below = group.group("below")?;
    let spinner = Spinner::start()?;
    below.add(spinner.child.id())?;
    let events = group.open("cgroup.events", O_RDONLY)?;
    let frozen = || group.figure("cgroup.events", "frozen ");
    ensure_eq!(frozen()?, 0);
    for _ in 0..3 {
        file::read_at(events, &mut [0; 64], 0)?;
        group.write("cgroup.freeze", "1")?;
        while frozen()? == 0 {
            let mut entry = [terminal::poll_entry(events, POLLPRI)];
            let limit = Some(Time::from_millis(10_000));
            terminal::poll(&mut entry, limit, None)?;
            ensure_eq!(entry[0].revents as u32, POLLPRI | POLLERR);
            file::read_at(events, &mut [0; 64], 0)?;
        }
        ensure_eq!(letter(spinner.child.id())?, 'D');
        ensure_eq!(below.figure("cgroup.events", "frozen ")?, 1);
        ensure_eq!(below.read("cgroup.freeze")?, "0");
        group.write("cgroup.freeze", "0")?;
        ensure_eq!(frozen()?, 0);
        spinner.wait_for_more();
    }
    file::close(events)?;
    Ok(())
}

// spec: B3 B8
fn a_group_of_v2_lets_frozen_tasks_die() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("die")?;
    let [one, two] = [Spinner::start()?, Spinner::start()?];
    group.add(one.child.id())?;
    group.add(two.child.id())?;
    group.write("cgroup.freeze", "1")?;
    wait_for_state(two.child.id(), 'D')?;
    signal::send(one.child.id(), SIGKILL)?;
    ensure_eq!(one.child.wait()?.killed_by(), Some(SIGKILL));
    group.write("cgroup.kill", "1")?;
    ensure_eq!(two.child.wait()?.killed_by(), Some(SIGKILL));
    ensure_eq!(group.figure("cgroup.events", "populated ")?, 0);
    Ok(())
}

// spec: D5 B7 B9
fn a_task_stands_still_while_either_hierarchy_wants_it() -> Outcome {
    let [first, second] = [Mount::v1()?, Mount::v2()?];
    let [one, two] = [first.group("both")?, second.group("both")?];
    let spinner = Spinner::start()?;
    let id = spinner.child.id();
    one.add(id)?;
    two.add(id)?;
    one.freeze()?;
    // A task that parks leaves the count of one group after the other's.
    two.set_frozen(true)?;
    one.thaw()?;
    pause(5);
    ensure_eq!(letter(id)?, 'D');
    one.freeze()?;
    two.write("cgroup.freeze", "0")?;
    pause(5);
    ensure_eq!(letter(id)?, 'D');
    // Only what v1 wants holds it now, so a signal does not end it.
    one.thaw()?;
    spinner.wait_for_more();
    Ok(())
}

// spec: B1
fn a_group_of_v2_tells_when_it_is_populated() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("populated")?;
    let below = group.group("below")?;
    let events = group.open("cgroup.events", O_RDONLY)?;
    let populated = || group.figure("cgroup.events", "populated ");
    let changes = || -> user_lib::Result<usize> {
        let mut entry = [terminal::poll_entry(events, POLLPRI)];
        let limit = Some(Time::from_millis(10_000));
        let count = terminal::poll(&mut entry, limit, None)?;
        file::read_at(events, &mut [0; 64], 0)?;
        Ok(count)
    };
    file::read_at(events, &mut [0; 64], 0)?;
    ensure_eq!(populated()?, 0);
    let spinner = Spinner::start()?;
    below.add(spinner.child.id())?;
    ensure_eq!(changes()?, 1);
    ensure_eq!(populated()?, 1);
    drop(spinner);
    ensure_eq!(changes()?, 1);
    ensure_eq!(populated()?, 0);
    file::close(events)?;
    Ok(())
}

/// `inotify` with a watch of `path` for changes of its text.
fn watch(path: &str) -> user_lib::Result<i32> {
    let flags = [O_NONBLOCK as usize, 0, 0, 0, 0, 0];
    let fd = arbitrary(__NR_inotify_init1, flags)?;
    let path = alloc::format!("{path}\0");
    let mask = IN_MODIFY as usize;
    let words = [fd, path.as_ptr().addr(), mask, 0, 0, 0];
    arbitrary(__NR_inotify_add_watch, words)?;
    Ok(fd as i32)
}

/// Waits until `inotify` has something to tell, and takes it.
fn wait_for_news(fd: i32) -> user_lib::Result<()> {
    let mut entries = [terminal::poll_entry(fd, POLLIN)];
    terminal::poll(&mut entries, None, None)?;
    file::read(fd, &mut [0; 512]).map(drop)
}

// spec: Y5
fn who_is_told_of_a_freeze_reads_it() -> Outcome {
    let mount = Mount::v2()?;
    let group = mount.group("news")?;
    let below = group.group("below")?;
    // They stir all the time.
    let mut sleepers = alloc::vec::Vec::new();
    for _ in 0..30 {
        let sleeper = Child::start(|| {
            loop {
                pause(1);
            }
        })?;
        below.add(sleeper.id())?;
        sleepers.push(sleeper);
    }
    let fd = watch(&group.path("cgroup.events"))?;
    for round in 0..30 {
        let is_frozen = round % 2 == 0;
        let text = if is_frozen { "1" } else { "0" };
        group.write("cgroup.freeze", text)?;
        wait_for_news(fd)?;
        let read = group.figure("cgroup.events", "frozen ")?;
        ensure_eq!(read, u64::from(is_frozen));
    }
    file::close(fd)?;
    Ok(())
}
