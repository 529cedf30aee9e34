//! cgroup v2's interface to the same engine.

use user_lib::linux::{O_RDONLY, POLLERR, POLLPRI, SIGKILL};
use user_lib::time::Time;
use user_lib::{Errno, file, signal, terminal};

use super::{Mount, letter, pause};
use crate::check::freezer::{Spinner, wait_for_state};
use crate::check::tool::{Outcome, ensure, ensure_eq, tests};
use crate::child::Child;

tests! {
    a_group_of_v2_has_its_files
    a_group_of_v2_freezes_and_tells
    a_group_of_v2_lets_frozen_tasks_die
    a_task_stands_still_while_either_hierarchy_wants_it
    a_group_of_v2_tells_when_it_is_populated
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
    two.write("cgroup.freeze", "1")?;
    // A task that parks leaves the count of one group after the other's.
    while two.figure("cgroup.events", "frozen ")? == 0 {
        pause(1);
    }
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
