//! Threaded groups of cgroup v2: the threads of a process in several groups.

use alloc::format;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clone, CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD,
    CLONE_VFORK, CLONE_VM,
};
use user_lib::syscall::arbitrary;
use user_lib::{Errno, cpu, file, process};

use super::{Group, Mount};
use crate::freezer::{wait_for, words};
use crate::tool::{Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    groups_are_made_threaded
    a_thread_freezes_in_a_group_of_its_own
}

fn ensure_refused(result: user_lib::Result<usize>) -> Outcome {
    ensure_eq!(result, Err(Errno::EOPNOTSUPP));
    Ok(())
}

// spec: B1
fn groups_are_made_threaded() -> Outcome {
    let mount = Mount::v2()?;
    let domain = mount.group("domain")?;
    let [part, other] = [domain.group("part")?, domain.group("other")?];
    let kind = |group: &Group| group.read("cgroup.type");
    ensure_eq!(kind(&domain)?, "domain");
    ensure_eq!(part.write("cgroup.type", "domain"), Err(Errno::EINVAL));
    let child = Child::start(|| {
        loop {
            cpu::relax();
        }
    })?;
    let id = format!("{}", child.id());
    // A group with tasks stays what it is, and so does its domain.
    other.write("cgroup.procs", &id)?;
    ensure_refused(part.write("cgroup.type", "threaded"))?;
    domain.write("cgroup.procs", &id)?;
    part.write("cgroup.type", "threaded\n")?;
    ensure_eq!(kind(&domain)?, "domain threaded");
    ensure_eq!(kind(&part)?, "threaded");
    ensure_eq!(kind(&other)?, "domain invalid");
    ensure_refused(other.write("cgroup.procs", &id))?;
    // A process in a part is listed where its domain is.
    part.write("cgroup.threads", &id)?;
    ensure_eq!(part.read("cgroup.threads")?, id);
    ensure_eq!(domain.read("cgroup.threads")?, "");
    ensure_eq!(domain.read("cgroup.procs")?, id);
    ensure_eq!(file::text(&part.path("cgroup.procs")), Err(Errno::EOPNOTSUPP));
    ensure_refused(part.write("cgroup.kill", "1"))?;
    // Out of its domain only the whole process goes.
    let outside = mount.group("outside")?;
    ensure_refused(outside.write("cgroup.threads", &id))?;
    outside.write("cgroup.procs", &id)?;
    ensure_eq!(outside.read("cgroup.threads")?, id);
    Ok(())
}

fn count_up(word: &AtomicU32) -> ! {
    loop {
        word.fetch_add(1, Ordering::Release);
        cpu::relax();
    }
}

/// A thread that counts, on the stack of one that waits for it as for a vfork
/// child; its number is in `thread`.
fn two_threads(thread: &AtomicU32, rounds: &AtomicU32) -> i32 {
    let flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VFORK;
    let flags = flags | CLONE_FS | CLONE_FILES;
    let made = arbitrary(__NR_clone, [flags as usize, 0, 0, 0, 0, 0]);
    if made == Ok(0) {
        thread.store(process::thread_id() as u32, Ordering::Release);
        count_up(rounds);
    }
    1
}

// spec: B1 P8
fn a_thread_freezes_in_a_group_of_its_own() -> Outcome {
    let mount = Mount::v2()?;
    let domain = mount.group("domain")?;
    let part = domain.group("part")?;
    part.write("cgroup.type", "threaded")?;
    let [thread, rounds] = words()?;
    let child = Child::start(|| two_threads(thread, rounds))?;
    wait_for(thread, 1);
    domain.add(child.id())?;
    let id = format!("{}", thread.load(Ordering::Relaxed));
    part.write("cgroup.threads", &id)?;
    ensure_eq!(part.read("cgroup.threads")?, id);
    ensure_eq!(domain.read("cgroup.threads")?, format!("{}", child.id()));
    for _ in 0..5 {
        part.set_frozen(true)?;
        let before = rounds.load(Ordering::Relaxed);
        ensure_eq!(domain.figure("cgroup.events", "frozen ")?, 0);
        super::pause(5);
        ensure_eq!(rounds.load(Ordering::Relaxed), before);
        part.write("cgroup.freeze", "0")?;
        wait_for(rounds, before + 1);
    }
    domain.write("cgroup.kill", "1")?;
    ensure!(child.wait()?.killed_by().is_some());
    Ok(())
}
