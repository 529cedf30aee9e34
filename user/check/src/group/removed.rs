//! Groups that are gone, tasks that are dead, and files that were given away.

use alloc::format;

use user_lib::linux::{
    __NR_fchownat, __NR_mkdirat, __NR_openat, AT_FDCWD, O_DIRECTORY, O_RDONLY,
    O_WRONLY, POLLERR, POLLPRI,
};
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, file, process, terminal};

use super::{Group, Mount};
use crate::freezer::wait_for_state;
use crate::tool::{
    NOBODY, Outcome, become_user, ensure, ensure_eq, in_child, tests,
};
use user_lib::child::Child;

tests! {
    names_in_a_removed_group_are_gone_and_its_files_fail
    a_dead_task_keeps_its_path_and_does_not_move
    numbers_of_tasks_may_be_octal
    files_of_groups_have_owners_of_their_own
    a_user_moves_tasks_in_the_tree_that_is_its_own
    a_file_that_is_a_users_moves_the_users_tasks_only
}

fn events_of(fd: i32) -> user_lib::Result<u32> {
    let mut entries = [terminal::poll_entry(fd, POLLPRI)];
    terminal::poll(&mut entries, Some(Time::from_millis(0)), None)?;
    Ok(entries[0].revents as u32)
}

// spec: Y2 V10
fn names_in_a_removed_group_are_gone_and_its_files_fail() -> Outcome {
    let [v1, v2] = [Mount::v1()?, Mount::v2()?];
    let names = [
        (&v1, "freezer.state"),
        (&v1, "tasks"),
        (&v2, "cgroup.freeze"),
        (&v2, "cgroup.events"),
    ];
    for (mount, name) in names {
        let group = mount.group("gone")?;
        let fd = group.open(name, O_RDONLY)?;
        let directory =
            file::open(group.name(), O_RDONLY | O_DIRECTORY, 0)? as usize;
        file::read(fd, &mut [0])?;
        file::remove_directory(group.name())?;
        for _ in 0..2 {
            ensure_eq!(file::read_at(fd, &mut [0], 0), Err(Errno::ENODEV));
            ensure_eq!(events_of(fd)?, POLLPRI | POLLERR);
        }
        // Another group in its place changes nothing.
        let other = mount.group("gone")?;
        ensure_eq!(file::read_at(fd, &mut [0], 0), Err(Errno::ENODEV));
        drop(other);
        let path = format!("{name}\0");
        let path = path.as_ptr().addr();
        let opened = arbitrary(__NR_openat, [directory, path, 0, 0, 0, 0]);
        ensure_eq!(opened, Err(Errno::ENOENT));
        let made = [directory, c"x".as_ptr().addr(), 0o755, 0, 0, 0];
        ensure_eq!(arbitrary(__NR_mkdirat, made), Err(Errno::ENOENT));
        file::close(fd)?;
        file::close(directory as i32)?;
    }
    Ok(())
}

// spec: Y3
fn a_dead_task_keeps_its_path_and_does_not_move() -> Outcome {
    let [v1, v2] = [Mount::v1()?, Mount::v2()?];
    let group = v2.group("end")?;
    let name = format!("0::/end-{}", process::current_id());
    let other = v1.group("end")?;
    let (live, id);
    {
        let child = Child::start(|| {
            super::pause(20);
            0
        })?;
        id = child.id();
        let path = format!("/proc/{id}/cgroup");
        group.add(id)?;
        other.add(id)?;
        live = file::text(&path)?.lines().any(|line| line == name) as i32;
        wait_for_state(id, 'Z')?;
        let shows = |line: &str| -> user_lib::Result<bool> {
            Ok(file::text(&path)?.lines().any(|it| it == line))
        };
        ensure!(shows(&name)?);
        ensure!(shows("1:freezer:/")?);
        ensure_eq!(group.read("cgroup.procs")?, "");
        // It does not move, which is no error.
        v2.group("to")?.add(id)?;
        other.write("cgroup.procs", &format!("{id}"))?;
        ensure!(shows(&name)?);
        file::remove_directory(group.name())?;
        ensure!(shows(&format!("{name} (deleted)"))?);
        // A group of the same name is another one.
        let again = v2.group("end")?;
        ensure!(shows(&format!("{name} (deleted)"))?);
        drop(again);
    }
    ensure_eq!(live, 1);
    ensure_eq!(other.add(id), Err(Errno::ESRCH));
    Ok(())
}

// spec: Y4
fn numbers_of_tasks_may_be_octal() -> Outcome {
    let [v1, v2] = [Mount::v1()?, Mount::v2()?];
    for (mount, name) in [(&v1, "tasks"), (&v2, "cgroup.procs")] {
        let group = mount.group("octal")?;
        let child = Child::start(|| {
            super::pause(1 << 40);
            0
        })?;
        let id = child.id();
        group.write(name, &format!("0{id:o}"))?;
        ensure_eq!(group.read("cgroup.procs")?, format!("{id}"));
        ensure_eq!(group.write(name, "08"), Err(Errno::EINVAL));
        ensure_eq!(group.write(name, "077777777"), Err(Errno::ESRCH));
    }
    Ok(())
}

fn give(path: &str, user: u32) -> user_lib::Result<()> {
    let path = format!("{path}\0");
    let here = AT_FDCWD as usize;
    let [user, group] = [user as usize, user as usize];
    let words = [here, path.as_ptr().addr(), user, group, 0, 0];
    arbitrary(__NR_fchownat, words).map(drop)
}

fn owner_and_mode(path: &str) -> user_lib::Result<(u32, u32)> {
    let status = file::status(path)?;
    Ok((status.st_uid, status.st_mode & 0o7777))
}

// spec: V9
fn files_of_groups_have_owners_of_their_own() -> Outcome {
    for mount in [Mount::v1()?, Mount::v2()?] {
        let group = mount.group("owned")?;
        let path = group.path("cgroup.procs");
        ensure_eq!(owner_and_mode(&path)?, (0, 0o644));
        file::change_mode(&path, 0o660)?;
        give(&path, NOBODY)?;
        ensure_eq!(owner_and_mode(&path)?, (NOBODY, 0o660));
        ensure_eq!(owner_and_mode(&group.path("cgroup.kill"))?, (0, 0o200));
        ensure_eq!(owner_and_mode(group.name())?, (0, 0o755));
        give(group.name(), NOBODY)?;
        file::change_mode(group.name(), 0o700)?;
        ensure_eq!(owner_and_mode(group.name())?, (NOBODY, 0o700));
        // What a user makes there is the user's, with all its files.
        let below = group.path("below");
        let end = in_child(|| {
            become_user(NOBODY)?;
            file::make_directory(&below, 0o750)?;
            Ok(0)
        })?;
        ensure_eq!(end.exit_code(), Some(0));
        ensure_eq!(owner_and_mode(&below)?, (NOBODY, 0o750));
        let procs = format!("{below}/cgroup.procs");
        ensure_eq!(owner_and_mode(&procs)?, (NOBODY, 0o644));
        drop(Group::at(&below));
        // Another group of the name has none of it.
        let name = group.name();
        file::remove_directory(name)?;
        file::make_directory(name, 0o755)?;
        ensure_eq!(owner_and_mode(&path)?, (0, 0o644));
    }
    Ok(())
}

// spec: V9
fn a_user_moves_tasks_in_the_tree_that_is_its_own() -> Outcome {
    let mount = Mount::v2()?;
    let mine = mount.group("mine")?;
    let [from, to] = [mine.group("from")?, mine.group("to")?];
    let outside = mount.group("outside")?;
    for group in [&from, &to] {
        give(&group.path("cgroup.procs"), NOBODY)?;
    }
    let child = Child::start(|| {
        super::pause(1 << 40);
        0
    })?;
    from.add(child.id())?;
    let text = format!("{}", child.id());
    let moves = |group: &Group| -> Result<i32, crate::tool::Failure> {
        let end = in_child(|| {
            become_user(NOBODY)?;
            let moved = group.write("cgroup.procs", &text);
            Ok(moved.map_or_else(|error| i32::from(error.0), |_| 0))
        })?;
        Ok(end.exit_code().unwrap_or(-1))
    };
    let refused = i32::from(Errno::EACCES.0);
    // The group above both is not the user's yet.
    ensure_eq!(moves(&to)?, refused);
    give(&mine.path("cgroup.procs"), NOBODY)?;
    ensure_eq!(moves(&to)?, 0);
    ensure_eq!(to.read("cgroup.procs")?, text);
    file::change_mode(&outside.path("cgroup.procs"), 0o666)?;
    ensure_eq!(moves(&outside)?, refused);
    // Who opened the file counts, not who writes.
    let fd = file::open(&from.path("cgroup.procs"), O_WRONLY, 0)?;
    let end = in_child(|| {
        become_user(NOBODY)?;
        file::write(fd, text.as_bytes())?;
        Ok(0)
    })?;
    ensure_eq!(end.exit_code(), Some(0));
    ensure_eq!(from.read("cgroup.procs")?, text);
    file::close(fd)?;
    Ok(())
}

/// cgroup v1: it is not enough that a user may write to the file.
// spec: V9
fn a_file_that_is_a_users_moves_the_users_tasks_only() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("theirs")?;
    let roots = format!("{}", process::current_id());
    for name in ["tasks", "cgroup.procs"] {
        give(&group.path(name), NOBODY)?;
        let end = in_child(|| {
            become_user(NOBODY)?;
            let file = group.open(name, O_WRONLY)?;
            let refused = file::write(file, roots.as_bytes());
            ensure_eq!(refused, Err(Errno::EACCES));
            ensure_eq!(group.read("cgroup.procs")?, "");
            let own = format!("{}", process::current_id());
            ensure_eq!(file::write(file, own.as_bytes()), Ok(own.len()));
            ensure_eq!(group.read("cgroup.procs")?, own);
            Ok(0)
        })?;
        ensure_eq!(end.exit_code(), Some(0));
        ensure_eq!(group.read("cgroup.procs")?, "");
    }
    Ok(())
}
