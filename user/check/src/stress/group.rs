//! Groups under load: each round freezes all of them, looks that nobody in
//! them moves, and thaws them.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clone, __NR_exit, CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD,
    CLONE_VFORK, CLONE_VM, SIGCHLD, WNOHANG,
};
use user_lib::process::{self, Fork};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{cpu, file, memory, println};

use crate::group::{Group, Mount};
use crate::tool::{Failure, Outcome, ensure, ensure_eq};
use user_lib::child::Child;

const DEPTH: usize = 32;
const WIDTH: usize = 1000;
const CROWD: usize = 5000;

/// How long a freeze may take, in milliseconds, on a host with other things
/// to do.
const LIMIT: &str = "20000";

/// What workers count, each in a word of its own.
type Words = &'static [AtomicU32];

const WORKERS: [fn(&AtomicU32); 5] = [bomb, vfork, execute, threads, spin];

/// Makes children that make children and end.
fn bomb(steps: &AtomicU32) {
    match process::fork() {
        Ok(Fork::Child) => {
            for _ in 0..2 {
                if let Ok(Fork::Child) = process::fork() {
                    steps.fetch_add(1, Ordering::Relaxed);
                    process::exit(0);
                }
            }
            process::exit(0)
        }
        _ => reap(),
    }
    steps.fetch_add(1, Ordering::Relaxed);
}

fn reap() {
    while let Ok(Some(_)) = process::wait(-1, WNOHANG) {}
}

/// The child has memory of its own; the parent waits for it all the same.
fn vfork(steps: &AtomicU32) {
    let flags = (CLONE_VFORK | SIGCHLD) as usize;
    if arbitrary(__NR_clone, [flags, 0, 0, 0, 0, 0]) == Ok(0) {
        steps.fetch_add(1, Ordering::Relaxed);
        process::exit(0);
    }
    reap();
}

/// A process that becomes one program after the other.
fn execute(steps: &AtomicU32) {
    const LOOP: &str = "exec /bin/sh -c 'exec /bin/sh -c \"exec /bin/true\"'";
    steps.fetch_add(1, Ordering::Relaxed);
    if let Ok(Fork::Child) = process::fork() {
        process::execute("/bin/sh", &["sh", "-c", LOOP], &[""; 0]);
        process::exit(1);
    }
    reap();
}

/// A thread on the stack of one that waits for it.
fn threads(steps: &AtomicU32) {
    let flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK;
    let flags = (flags | CLONE_FS | CLONE_FILES) as usize;
    if arbitrary(__NR_clone, [flags, 0, 0, 0, 0, 0]) == Ok(0) {
        steps.fetch_add(1, Ordering::Relaxed);
        // Only the thread ends.
        let _ = arbitrary(__NR_exit, [0; 6]);
    }
}

fn spin(steps: &AtomicU32) {
    steps.fetch_add(1, Ordering::Relaxed);
    cpu::relax();
}

/// A worker that begins when it `may`: what it makes is then born into its
/// group, and nothing is left outside.
fn start(
    steps: &'static AtomicU32,
    work: fn(&AtomicU32),
    may: &'static AtomicU32,
) -> Started {
    Ok(Child::start(|| {
        while may.load(Ordering::Acquire) == 0 {
            cpu::relax();
        }
        loop {
            work(steps);
        }
    })?)
}

type Started = Result<Child, Failure>;

/// Writes `FROZEN` with a limit: done when all stand still.
pub fn freeze(group: &Group) -> Outcome {
    let written = group.write("freezer.state", &format!("FROZEN {LIMIT}"));
    if let Err(error) = written {
        let who = group.read("freezer.wait").unwrap_or_default();
        return Err(Failure(format!("{error}: {who}")));
    }
    ensure_eq!(group.read("freezer.state")?, "FROZEN");
    Ok(())
}

/// What the words hold.
pub fn counts(words: &[AtomicU32]) -> Vec<u32> {
    words.iter().map(|word| word.load(Ordering::SeqCst)).collect()
}

/// Fork bombs, vforks, programs, threads, tasks that wander between a
/// thousand groups, joins during the freeze, groups 32 deep.
pub fn nested(rounds: u32) -> Outcome {
    let mount = Mount::v1()?;
    let top = mount.group("stress")?;
    let words = memory::shared_words(WORKERS.len())?;
    let mut deep = top.path("d");
    for _ in 0..DEPTH {
        file::make_directory(&deep, 0o755)?;
        deep += "/d";
    }
    let deep = Group::at(deep.strip_suffix("/d").unwrap_or(&deep));
    for at in 0..WIDTH {
        file::make_directory(&top.path(&format!("w{at}")), 0o755)?;
    }
    let result = rounds_of(rounds, &top, &deep, words);
    let _ = top.write("freezer.state", "THAWED");
    top.write("cgroup.kill", "1")?;
    while !is_removed(&top, deep.name()) {
        time::sleep(Time::from_millis(1));
    }
    core::mem::forget(deep);
    result
}

/// Removes all groups below, if they are empty.
fn is_removed(top: &Group, deepest: &str) -> bool {
    let mut path = deepest;
    while path.len() > top.name().len() {
        let _ = file::remove_directory(path);
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
    for at in 0..WIDTH {
        let _ = file::remove_directory(&top.path(&format!("w{at}")));
    }
    file::status(&top.path("d")).is_err()
        && file::status(&top.path("w0")).is_err()
}

fn rounds_of(rounds: u32, top: &Group, deep: &Group, words: Words) -> Outcome {
    let may = &memory::shared_words(1)?[0];
    let mut workers = Vec::new();
    for (steps, work) in words.iter().zip(WORKERS) {
        workers.push(start(steps, work, may)?);
    }
    for (at, worker) in workers.iter().enumerate() {
        match at % 2 {
            0 => top.add(worker.id())?,
            _ => deep.add(worker.id())?,
        }
    }
    may.store(1, Ordering::Release);
    for round in 0..rounds {
        // A spinner wanders; during the freeze it joins once more.
        let wide = |at: u32| top.path(&format!("w{}/tasks", at % WIDTH as u32));
        let wanderer = format!("{}", workers[4].id());
        file::overwrite(&wide(round * 7), wanderer.as_bytes())?;
        top.write("freezer.state", "FROZEN")?;
        file::overwrite(&wide(round * 7 + 1), wanderer.as_bytes())?;
        let joiner = Child::start(|| {
            loop {
                cpu::relax();
            }
        })?;
        let joins = format!("{}", joiner.id());
        file::overwrite(&wide(round * 7 + 2), joins.as_bytes())?;
        let result = stand_still(top, words);
        // Whatever came of it: nobody dies before the thaw.
        top.write("freezer.state", "THAWED")?;
        drop(joiner);
        // Everybody goes on.
        for (word, count) in words.iter().zip(result?) {
            while word.load(Ordering::Relaxed) == count {
                time::sleep(Time::from_millis(1));
            }
        }
    }
    println!("{rounds} freezes, steps {:?}", counts(words));
    Ok(())
}

/// Freezes all, and looks that nobody moves; what they have counted.
fn stand_still(top: &Group, words: Words) -> Result<Vec<u32>, Failure> {
    freeze(top)?;
    let before = counts(words);
    time::sleep(Time::from_millis(1));
    ensure_eq!(counts(words), before);
    ensure_eq!(top.read("freezer.state")?, "FROZEN");
    Ok(before)
}

/// Five thousand tasks in one group.
pub fn crowd(rounds: u32) -> Outcome {
    let mount = Mount::v1()?;
    let group = mount.group("crowd")?;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let child = Child::start(|| {
            time::sleep(Time::from_millis(1 << 40));
            0
        })?;
        group.add(child.id())?;
        crowd.push(child);
    }
    for _ in 0..rounds {
        freeze(&group)?;
        group.write("freezer.state", "THAWED")?;
    }
    ensure_eq!(group.read("tasks")?.lines().count(), CROWD);
    freeze(&group)?;
    group.write("cgroup.kill", "1")?;
    for child in crowd {
        ensure!(child.wait()?.killed_by().is_some());
    }
    ensure_eq!(group.read("tasks")?, "");
    Ok(())
}
