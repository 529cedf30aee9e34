//! The tree: files, states, names, mounts.

use alloc::format;

use user_lib::linux::O_RDONLY;
use user_lib::{Errno, file, process, system};

use super::{DETACH, Group, Mount, letter};
use crate::freezer::{FROZEN, Spinner, look_at, wait_for_state};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    groups_have_their_files_and_the_root_has_its_own
    states_are_one_of_two_words
    empty_groups_are_frozen_at_once
    spinners_and_sleepers_freeze_and_thaw
    groups_below_follow_their_parent
    groups_are_removed_and_renamed
    hierarchies_are_mounted_in_several_places
    processes_tell_their_groups
}

// spec: V1 V2
fn groups_have_their_files_and_the_root_has_its_own() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("files")?;
    for name in ["tasks", "cgroup.procs", "notify_on_release"] {
        ensure!(file::status(&mount.path(name)).is_ok());
        ensure!(file::status(&group.path(name)).is_ok());
    }
    for name in ["state", "self_freezing", "parent_freezing"] {
        let name = format!("freezer.{name}");
        ensure!(file::status(&group.path(&name)).is_ok());
        let opened = file::open(&mount.path(&name), O_RDONLY, 0);
        ensure_eq!(opened, Err(Errno::ENOENT));
    }
    for name in ["release_agent", "cgroup.sane_behavior"] {
        ensure!(file::status(&mount.path(name)).is_ok());
        ensure!(file::status(&group.path(name)).is_err());
    }
    ensure_eq!(group.state()?, "THAWED");
    ensure_eq!(group.read("freezer.self_freezing")?, "0");
    ensure_eq!(group.read("freezer.parent_freezing")?, "0");
    ensure_eq!(group.read("tasks")?, "");
    ensure_eq!(group.read("cgroup.clone_children")?, "0");
    group.write("cgroup.clone_children", "1\n")?;
    ensure_eq!(group.read("cgroup.clone_children")?, "1");
    Ok(())
}

// spec: V3
fn states_are_one_of_two_words() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("words")?;
    ensure_eq!(group.write("freezer.state", " FROZEN ")?, 8);
    ensure_eq!(group.state()?, "FROZEN");
    for text in ["FREEZING", "frozen", "FROZENX", "1", "\n"] {
        let result = group.write("freezer.state", text);
        ensure_eq!(result, Err(Errno::EINVAL));
        ensure_eq!(group.state()?, "FROZEN");
    }
    ensure_eq!(group.write("freezer.state", "")?, 0);
    ensure_eq!(group.write("freezer.state", "THAWED\n")?, 7);
    ensure_eq!(group.state()?, "THAWED");
    for name in ["freezer.self_freezing", "freezer.parent_freezing"] {
        ensure_eq!(group.write(name, "1"), Err(Errno::EINVAL));
    }
    Ok(())
}

// spec: V4
fn empty_groups_are_frozen_at_once() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("empty")?;
    group.write("freezer.state", "FROZEN")?;
    ensure_eq!(group.state()?, "FROZEN");
    Ok(())
}

// spec: V4 V5 U7 F4
fn spinners_and_sleepers_freeze_and_thaw() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("kinds")?;
    let spinner = Spinner::start()?;
    let sleeper = Child::start(|| {
        super::pause(1 << 40);
        0
    })?;
    wait_for_state(sleeper.id(), 'S')?;
    let [spins, sleeps] = [spinner.child.id(), sleeper.id()];
    group.add(spins)?;
    group.add(sleeps)?;
    ensure_eq!(group.read("tasks")?, format!("{spins}\n{sleeps}"));
    for _ in 0..20 {
        group.freeze()?;
        let (state, flags) = look_at(spins)?;
        ensure_eq!(state, 'D');
        ensure!(flags & FROZEN != 0);
        ensure_eq!(letter(sleeps)?, 'D');
        let channel = file::text(&format!("/proc/{spins}/wchan"))?;
        ensure_eq!(channel, "__refrigerator");
        group.thaw()?;
        ensure_eq!(group.state()?, "THAWED");
        spinner.wait_for_more();
        ensure_eq!(letter(sleeps)?, 'S');
    }
    Ok(())
}

/// State, `self_freezing` and `parent_freezing`.
fn ensure_reads(
    group: &Group,
    state: &str,
    own: &str,
    parent: &str,
) -> Outcome {
    ensure_eq!(group.state()?, state);
    ensure_eq!(group.read("freezer.self_freezing")?, own);
    ensure_eq!(group.read("freezer.parent_freezing")?, parent);
    Ok(())
}

// spec: V2 V6 V7
fn groups_below_follow_their_parent() -> Outcome {
    let mount = Mount::v1()?;
    let above = mount.group("above")?;
    let spinner = Spinner::start()?;
    let below = above.group("below")?;
    below.add(spinner.child.id())?;
    above.freeze()?;
    ensure_reads(&above, "FROZEN", "1", "0")?;
    ensure_reads(&below, "FROZEN", "0", "1")?;
    let newborn = above.group("newborn")?;
    ensure_reads(&newborn, "FROZEN", "0", "1")?;
    below.thaw()?;
    ensure_reads(&below, "FROZEN", "0", "1")?;
    below.freeze()?;
    above.thaw()?;
    ensure_reads(&above, "THAWED", "0", "0")?;
    ensure_reads(&below, "FROZEN", "1", "0")?;
    ensure_reads(&newborn, "THAWED", "0", "0")?;
    ensure_eq!(letter(spinner.child.id())?, 'D');
    below.thaw()?;
    spinner.wait_for_more();
    Ok(())
}

// spec: V10
fn groups_are_removed_and_renamed() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("place")?;
    let remove = |group: &Group| file::remove_directory(&group.0);
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    ensure_eq!(remove(&group), Err(Errno::EBUSY));
    group.freeze()?;
    ensure_eq!(remove(&group), Err(Errno::EBUSY));
    let below = group.group("below")?;
    drop(below);
    group.thaw()?;
    drop(spinner);
    let below = group.group("below")?;
    ensure_eq!(remove(&group), Err(Errno::EBUSY));
    let other = mount.group("other")?;
    let rename = |from: &str, to: &str| file::rename(from, to, 0);
    ensure_eq!(rename(&group.0, &other.0), Err(Errno::EEXIST));
    ensure_eq!(rename(&below.0, &other.path("new")), Err(Errno::EIO));
    let (old, new) = (below.0.clone(), group.path("new"));
    rename(&old, &new)?;
    ensure!(file::status(&old).is_err());
    remove(&Group(new.clone()))?;
    let state = group.open_both("freezer.state")?;
    group.freeze()?;
    remove(&group)?;
    ensure_eq!(file::read(state, &mut [0]), Err(Errno::ENODEV));
    file::close(state)?;
    Ok(())
}

// spec: V10
fn hierarchies_are_mounted_in_several_places() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("seen")?;
    let second = format!("{}-second", mount.0);
    file::make_directory(&second, 0o755)?;
    system::mount("any", &second, "cgroup", 0, "freezer")?;
    let name = format!("{second}/seen-{}/freezer.state", process::current_id());
    group.freeze()?;
    ensure_eq!(file::text(&name)?, "FROZEN\n");
    let open = file::open(&name, O_RDONLY, 0)?;
    ensure_eq!(system::unmount(&second, 0), Err(Errno::EBUSY));
    system::unmount(&second, DETACH)?;
    file::read(open, &mut [0])?;
    file::close(open)?;
    file::remove_directory(&second)?;
    let unknown = system::mount("x", &mount.0, "cgroup", 0, "no_such");
    ensure_eq!(unknown, Err(Errno::EINVAL));
    ensure_eq!(group.state()?, "FROZEN");
    Ok(())
}

// spec: V10 P1
fn processes_tell_their_groups() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("told")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    let path = format!("/proc/{}/cgroup", spinner.child.id());
    let text = file::text(&path)?;
    let line = format!("1:freezer:/told-{}\n", process::current_id());
    ensure!(text.starts_with(&line));
    let controllers = file::text("/proc/cgroups")?;
    ensure!(controllers.contains("\nfreezer\t1\t"));
    let mounts = file::text("/proc/mounts")?;
    let mine = format!("none {} cgroup rw", mount.0);
    let line = mounts.lines().find(|line| line.starts_with(&mine));
    let line = line.ok_or_else(|| Failure(mounts.clone()))?;
    ensure!(line.contains("freezer"));
    Ok(())
}
