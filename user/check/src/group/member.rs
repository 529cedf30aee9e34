//! Tasks: joining, leaving, being born, ending.

use alloc::format;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clone, CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD,
    CLONE_VFORK, CLONE_VM, O_WRONLY, SIGCHLD, SIGKILL, WNOHANG,
};
use user_lib::process::Fork;
use user_lib::syscall::arbitrary;
use user_lib::{Errno, cpu, file, process, signal};

use super::{Group, Mount, letter, pause};
use crate::freezer::{Spinner, wait_for, wait_for_state, words};
use crate::tool::{Outcome, become_user, ensure, ensure_eq, in_child, tests};
use user_lib::child::Child;

tests! {
    a_task_that_joins_a_frozen_group_freezes
    a_task_that_leaves_a_frozen_group_runs
    writes_that_name_no_task_fail
    another_users_task_does_not_move
    roots_tasks_are_moved_by_root_alone
    children_are_born_into_their_parents_group
    a_fork_bomb_freezes_every_time
    a_vfork_parent_counts_as_frozen
    a_program_that_executes_another_freezes_with_it
    a_task_that_ends_does_not_hold_its_group_up
    threads_freeze_one_by_one
    a_task_may_freeze_its_own_group
    a_frozen_group_stays_so_through_a_suspend
}

// spec: V8
fn a_task_that_joins_a_frozen_group_freezes() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("join")?;
    group.freeze()?;
    for _ in 0..5 {
        let spinner = Spinner::start()?;
        group.add(spinner.child.id())?;
        group.freeze()?;
        ensure_eq!(letter(spinner.child.id())?, 'D');
        let before = spinner.rounds.load(Ordering::Relaxed);
        pause(5);
        ensure_eq!(spinner.rounds.load(Ordering::Relaxed), before);
        group.thaw()?;
        spinner.wait_for_more();
        group.freeze()?;
        signal::send(spinner.child.id(), SIGKILL)?;
        group.thaw()?;
        drop(spinner);
        group.freeze()?;
    }
    Ok(())
}

// spec: V8 G1
fn a_task_that_leaves_a_frozen_group_runs() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("leave")?;
    group.write("freezer.kill_frozen", "0")?;
    let spinner = Spinner::start()?;
    group.add(spinner.child.id())?;
    group.freeze()?;
    let id = format!("{}", spinner.child.id());
    file::overwrite(&mount.path("tasks"), id.as_bytes())?;
    spinner.wait_for_more();
    ensure_eq!(group.state()?, "FROZEN");
    group.add(spinner.child.id())?;
    group.freeze()?;
    // Killed and then moved out, it dies.
    signal::send(spinner.child.id(), SIGKILL)?;
    pause(5);
    ensure_eq!(process::wait(spinner.child.id(), WNOHANG)?, None);
    file::overwrite(&mount.path("tasks"), id.as_bytes())?;
    let status = spinner.child.wait()?;
    ensure_eq!(status.killed_by(), Some(SIGKILL));
    Ok(())
}

// spec: V9
fn writes_that_name_no_task_fail() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("none")?;
    for name in ["tasks", "cgroup.procs"] {
        ensure_eq!(group.write(name, "x"), Err(Errno::EINVAL));
        ensure_eq!(group.write(name, "-1"), Err(Errno::EINVAL));
        ensure_eq!(group.write(name, "32000"), Err(Errno::ESRCH));
    }
    // A worker of the kernel stays where it is.
    ensure_eq!(group.write("tasks", "3"), Err(Errno::EINVAL));
    let own = format!("{}", process::current_id());
    group.write("tasks", "0")?;
    ensure_eq!(group.read("tasks")?, own);
    file::overwrite(&mount.path("tasks"), b"0\n")?;
    ensure_eq!(group.read("tasks")?, "");
    Ok(())
}

/// Another user moves its own tasks only. Who may is asked of who opened the
/// file: what root has opened serves whoever has it.
// spec: V9
fn another_users_task_does_not_move() -> Outcome {
    const USER: u32 = 1000;
    let mounts = [Mount::v1()?, Mount::v2()?];
    for (mount, names) in
        mounts.iter().zip([&["tasks", "cgroup.procs"][..], &["cgroup.procs"]])
    {
        let group = mount.group("user")?;
        let theirs = format!("{}", process::current_id());
        for name in names {
            let status = in_child(|| {
                let file = group.open(name, O_WRONLY)?;
                become_user(USER)?;
                let written = file::write(file, theirs.as_bytes());
                ensure_eq!(written, Ok(theirs.len()));
                ensure_eq!(group.open(name, O_WRONLY), Err(Errno::EACCES));
                ensure_eq!(file::write(file, b"0")?, 1);
                Ok(0)
            })?;
            ensure_eq!(status.exit_code(), Some(0));
            ensure_eq!(group.read("cgroup.procs")?, theirs);
            file::overwrite(&mount.path("cgroup.procs"), b"0\n")?;
        }
        ensure_eq!(group.read("cgroup.procs")?, "");
    }
    Ok(())
}

/// Whoever opened the file: init and what the kernel runs are root's.
// spec: V9
fn roots_tasks_are_moved_by_root_alone() -> Outcome {
    const USER: u32 = 1000;
    let mount = Mount::v1()?;
    let group = mount.group("root")?;
    file::change_mode(&group.path("tasks"), 0o666)?;
    let status = in_child(|| {
        become_user(USER)?;
        for task in ["1", "2", "3"] {
            let written = group.write("tasks", task);
            ensure_eq!((task, written), (task, Err(Errno::EACCES)));
        }
        Ok(0)
    })?;
    ensure_eq!(status.exit_code(), Some(0));
    ensure_eq!(group.read("tasks")?, "");
    Ok(())
}

// spec: P1 P8
fn children_are_born_into_their_parents_group() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("born")?;
    let [child, go] = words()?;
    let parent = Child::start(|| {
        wait_for(go, 1);
        let Ok(Fork::Parent(id)) = process::fork() else { spin() };
        child.store(id as u32, Ordering::Release);
        spin()
    })?;
    group.add(parent.id())?;
    go.store(1, Ordering::Release);
    wait_for(child, 1);
    let both = format!("{}\n{}", parent.id(), child.load(Ordering::Relaxed));
    ensure_eq!(group.read("cgroup.procs")?, both);
    group.freeze()?;
    ensure_eq!(letter(child.load(Ordering::Relaxed) as i32)?, 'D');
    group.thaw()?;
    group.write("cgroup.kill", "1")?;
    Ok(())
}

fn spin() -> ! {
    loop {
        cpu::relax();
    }
}

/// Makes children that make children, for ever. Each lives for a while.
fn explode(births: &AtomicU32) -> ! {
    loop {
        match process::fork() {
            Ok(Fork::Child) => {
                births.fetch_add(1, Ordering::Relaxed);
                for _ in 0..3 {
                    if let Ok(Fork::Child) = process::fork() {
                        process::exit(0);
                    }
                }
                process::exit(0);
            }
            Ok(Fork::Parent(_)) | Err(_) => {
                while let Ok(Some(_)) = process::wait(-1, WNOHANG) {}
            }
        }
    }
}

// spec: P1 P2 V12 N8
fn a_fork_bomb_freezes_every_time() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("bomb")?;
    let [births] = words()?;
    let bomb = Child::start(|| explode(births))?;
    group.add(bomb.id())?;
    for _ in 0..20 {
        wait_for(births, births.load(Ordering::Relaxed) + 3);
        group.freeze()?;
        let (before, tasks) = (births.load(Ordering::Relaxed), tasks(&group)?);
        pause(2);
        ensure_eq!(births.load(Ordering::Relaxed), before);
        ensure_eq!(self::tasks(&group)?, tasks);
        group.thaw()?;
    }
    Ok(())
}

fn tasks(group: &Group) -> user_lib::Result<usize> {
    Ok(group.read("tasks")?.lines().count())
}

// spec: P3
fn a_vfork_parent_counts_as_frozen() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("vfork")?;
    let [born, go, done] = words()?;
    let parent = Child::start(|| {
        let flags = (CLONE_VFORK | SIGCHLD) as usize;
        match arbitrary(__NR_clone, [flags, 0, 0, 0, 0, 0]) {
            Ok(0) => {
                born.store(process::current_id() as u32, Ordering::Release);
                wait_for(go, 1);
                process::exit(7)
            }
            Ok(child) => {
                let status = process::wait_for(child as i32);
                let code = status.ok().and_then(|it| it.exit_code());
                done.store(code.unwrap_or(99) as u32, Ordering::Release);
                0
            }
            Err(_) => 1,
        }
    })?;
    wait_for(born, 1);
    wait_for_state(parent.id(), 'D')?;
    // Only the parent: its child runs on and ends while it is frozen.
    group.add(parent.id())?;
    group.freeze()?;
    go.store(1, Ordering::Release);
    wait_for_state(born.load(Ordering::Relaxed) as i32, 'Z')?;
    pause(100);
    ensure_eq!(done.load(Ordering::Relaxed), 0);
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    wait_for(done, 1);
    ensure_eq!(done.load(Ordering::Relaxed), 7);
    Ok(())
}

// spec: P4
fn a_program_that_executes_another_freezes_with_it() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("exec")?;
    let runner = Child::start(|| {
        let arguments = ["sh", "-c", "while true; do /bin/true; done"];
        let error = process::execute("/bin/sh", &arguments, &[""; 0]);
        i32::from(error.0)
    })?;
    group.add(runner.id())?;
    for _ in 0..20 {
        pause(3);
        group.freeze()?;
        let before = tasks(&group)?;
        pause(2);
        ensure_eq!(tasks(&group)?, before);
        group.thaw()?;
    }
    Ok(())
}

// spec: P5 P6
fn a_task_that_ends_does_not_hold_its_group_up() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("end")?;
    let [noted, go] = words()?;
    // The parent is frozen while its child, outside, ends.
    let parent = Child::start(|| {
        let Ok(Fork::Parent(child)) = process::fork() else {
            wait_for(go, 1);
            process::exit(5)
        };
        noted.store(child as u32, Ordering::Release);
        let status = process::wait_for(child);
        status.ok().and_then(|it| it.exit_code()).unwrap_or(99)
    })?;
    wait_for(noted, 1);
    let zombie = Child::start(|| 0)?;
    group.add(parent.id())?;
    // It may have ended already.
    let _ = group.add(zombie.id());
    wait_for_state(zombie.id(), 'Z')?;
    group.freeze()?;
    go.store(1, Ordering::Release);
    let child = noted.load(Ordering::Relaxed) as i32;
    wait_for_state(child, 'Z')?;
    // The end of its child stirs the parent, which freezes anew.
    wait_for_state(parent.id(), 'D')?;
    pause(50);
    ensure_eq!(letter(child)?, 'Z');
    ensure_eq!(letter(parent.id())?, 'D');
    group.thaw()?;
    ensure_eq!(parent.wait()?.exit_code(), Some(5));
    Ok(())
}

/// A thread that spins, on the stack of one that waits for it as for a vfork
/// child; its number is in `thread`.
fn two_threads(thread: &AtomicU32) -> i32 {
    let flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK;
    let flags = flags | CLONE_FS | CLONE_FILES;
    let made = arbitrary(__NR_clone, [flags as usize, 0, 0, 0, 0, 0]);
    if made == Ok(0) {
        thread.store(process::thread_id() as u32, Ordering::Release);
        spin();
    }
    1
}

// spec: P8
fn threads_freeze_one_by_one() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("threads")?;
    let [thread] = words()?;
    let child = Child::start(|| two_threads(thread))?;
    wait_for(thread, 1);
    let thread = thread.load(Ordering::Relaxed);
    group.write("tasks", &format!("{thread}"))?;
    ensure_eq!(group.read("tasks")?, format!("{thread}"));
    ensure_eq!(group.read("cgroup.procs")?, format!("{}", child.id()));
    group.freeze()?;
    let stat = |thread: u32| {
        let path = format!("/proc/{}/task/{thread}/stat", child.id());
        file::text(&path)
    };
    ensure!(stat(thread)?.contains(") D "));
    // The whole process moves by any of its threads.
    group.thaw()?;
    group.write("cgroup.procs", &format!("{thread}"))?;
    ensure_eq!(group.read("tasks")?, format!("{}\n{thread}", child.id()));
    group.freeze()?;
    Ok(())
}

// spec: O6
fn a_task_may_freeze_its_own_group() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("own")?;
    let [noted] = words()?;
    let child = Child::start(|| {
        let written = group.open("freezer.state", O_WRONLY).and_then(|state| {
            group.write("tasks", "0")?;
            file::write(state, b"FROZEN")
        });
        noted.store(written.map_or(99, |count| count as u32), Ordering::SeqCst);
        0
    })?;
    wait_for_state(child.id(), 'D')?;
    while group.state()? != "FROZEN" {
        pause(1);
    }
    ensure_eq!(noted.load(Ordering::SeqCst), 0);
    group.thaw()?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(noted.load(Ordering::SeqCst), 6);
    Ok(())
}

// spec: R3 O4 C1
fn a_frozen_group_stays_so_through_a_suspend() -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("suspend")?;
    let [inside, outside] = [Spinner::start()?, Spinner::start()?];
    group.add(inside.child.id())?;
    group.freeze()?;
    crate::freezer::freeze(0)?;
    outside.wait_for_more();
    ensure_eq!(letter(inside.child.id())?, 'D');
    ensure_eq!(group.state()?, "FROZEN");
    group.thaw()?;
    inside.wait_for_more();
    Ok(())
}
