//! Every kind of task stands still, wherever it is, and goes on.

use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    __NR_clone, CLONE_VFORK, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGUSR1,
};
use user_lib::schedule::{futex_wait, set_affinity, set_nice, usable_cpus};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time};
use user_lib::{Errno, directory, file, process, signal, terminal};

use super::{
    FREEZER_SKIP, FROZEN, KTHREAD, NOFREEZE, SUSPEND_TASK, Spinner, figure,
    freeze, look_at, look_in, own_flags, prepare, sleeps_of, wait_for,
    wait_for_state, words,
};
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_some_round, tests};
use user_lib::child::Child;

tests! {
    spinners_stand_still_while_frozen
    sleepers_freeze_where_they_sleep
    sleepers_carry_the_skip_flag
    user_tasks_may_freeze_and_kernel_threads_may_not
    the_freezing_task_is_marked_for_the_freeze_only
    a_thawed_task_clears_its_own_mark
    a_dead_child_does_not_hold_a_freeze_up
    forking_programs_freeze_every_time
    failed_freezes_leave_no_residue
}

/// Longer than any test.
const FOREVER: Time = Time::from_millis(1 << 40);

// spec: U2 U4 K7 D6
fn spinners_stand_still_while_frozen() -> Outcome {
    let cpus = usable_cpus();
    let mut spinners = Vec::new();
    for _ in 0..=cpus {
        spinners.push(Spinner::start()?);
    }
    freeze(1)?;
    ensure_eq!(figure("refusing")?, 0);
    // On one CPU no spinner runs while the freezer does; on more it may
    // happen that the others are just between two tasks, but not for ever.
    let mut rounds = 0..1000;
    while cpus > 1 && figure("ipis")? == 0 {
        ensure!(rounds.next().is_some());
        time::sleep(Time::from_millis(5));
        freeze(0)?;
    }
    for spinner in spinners {
        ensure!(spinner.longest_ms() >= 1000);
    }
    Ok(())
}

/// A way to sleep, and its letter in `/proc/PID/stat`.
type Sleep = (char, fn());

const SLEEPS: [Sleep; 9] = [
    ('S', || time::sleep(FOREVER)),
    ('S', || _ = time::sleep_until(FOREVER)),
    ('S', || _ = futex_wait(&AtomicU32::new(0), 0, None)),
    ('S', || _ = signal::wait(signal::bit(SIGUSR1), None)),
    ('S', || _ = terminal::poll(&mut [], None, None)),
    ('S', || _ = read_for_ever()),
    ('S', || signal::suspend(0)),
    ('S', || _ = wait_for_a_child()),
    ('D', || _ = wait_for_a_vfork_child()),
];

fn read_for_ever() -> user_lib::Result<usize> {
    let [from, _to] = file::pipe(0)?;
    file::read(from, &mut [0])
}

fn wait_for_a_child() -> user_lib::Result<()> {
    let child = Child::start(|| {
        time::sleep(FOREVER);
        0
    })?;
    child.wait().map(drop)
}

/// The child has memory of its own, so that this is safe; the parent waits
/// all the same.
fn wait_for_a_vfork_child() -> user_lib::Result<()> {
    let flags = (CLONE_VFORK | SIGCHLD) as usize;
    let child = arbitrary(__NR_clone, [flags, 0, 0, 0, 0, 0])?;
    if child == 0 {
        time::sleep(FOREVER);
    }
    Ok(())
}

/// Waits until a process sleeps with this letter where it counts as frozen,
/// which is a step later.
fn wait_for_sleep(pid: i32, letter: char) -> Outcome {
    loop {
        let (state, flags) = look_at(pid)?;
        if state == letter && flags & FREEZER_SKIP != 0 {
            return Ok(());
        }
        time::sleep(Time::from_millis(1));
    }
}

/// One child for each way to sleep, all of them asleep.
fn sleepers() -> Result<Vec<Child>, Failure> {
    let mut children = Vec::new();
    for (letter, sleep) in SLEEPS {
        let child = Child::start(|| {
            sleep();
            0
        })?;
        wait_for_sleep(child.id(), letter)?;
        children.push(child);
    }
    let child = Child::start(|| {
        time::sleep(FOREVER);
        0
    })?;
    signal::send(child.id(), SIGSTOP)?;
    wait_for_sleep(child.id(), 'T')?;
    children.push(child);
    // The grandchildren fall asleep too.
    time::sleep(Time::from_millis(20));
    Ok(children)
}

fn states(children: &[Child]) -> Result<String, Failure> {
    let mut all = String::new();
    for child in children {
        all.push(look_at(child.id())?.0);
    }
    Ok(all)
}

fn sleeps(children: &[Child]) -> Result<Vec<String>, Failure> {
    children.iter().map(|child| sleeps_of(child.id())).collect()
}

// spec: S1 S3 S4 T1 P3
fn sleepers_freeze_where_they_sleep() -> Outcome {
    // Whoever started this test falls asleep first.
    time::sleep(Time::from_millis(100));
    let mut last = String::new();
    // On its way to sleep, past all that can be seen, one may be held up.
    let outcome = in_some_round(|| {
        freeze(0)?;
        let (signalled, asleep) = (figure("signalled")?, figure("asleep")?);
        let children = sleepers()?;
        // Two of them have a child that sleeps too.
        let all = asleep + children.len() as u64 + 2;
        let (letters, counts) = (states(&children)?, sleeps(&children)?);
        let before = (all, signalled, letters, counts);
        freeze(0)?;
        let (signalled, asleep) = (figure("signalled")?, figure("asleep")?);
        let (letters, counts) = (states(&children)?, sleeps(&children)?);
        let after = (asleep, signalled, letters, counts);
        last = alloc::format!("{after:?}, not {before:?}");
        Ok(after == before)
    });
    outcome.map_err(|Failure(why)| Failure(why + ": " + &last))
}

// spec: F5
fn sleepers_carry_the_skip_flag() -> Outcome {
    let children = sleepers()?;
    for child in &children {
        ensure!(look_at(child.id())?.1 & FREEZER_SKIP != 0);
    }
    ensure_eq!(own_flags()? & FREEZER_SKIP, 0);
    let spinner = Spinner::start()?;
    ensure_eq!(look_at(spinner.child.id())?.1 & FREEZER_SKIP, 0);
    signal::send(children[children.len() - 1].id(), SIGCONT)?;
    Ok(())
}

/// Name and flags of every process.
fn all_flags() -> Result<Vec<(String, u32)>, Failure> {
    let mut all = Vec::new();
    for entry in directory::entries("/proc")? {
        let path = alloc::format!("/proc/{}/stat", entry.name);
        // Others are no processes, or have just gone.
        let Ok(line) = file::text(&path) else { continue };
        let Some((_, flags)) = look_in(&line) else { continue };
        let name = line.split(['(', ')']).nth(1).unwrap_or("").into();
        all.push((name, flags));
    }
    Ok(all)
}

// spec: F1 F2 F3 F7
fn user_tasks_may_freeze_and_kernel_threads_may_not() -> Outcome {
    let init = look_at(1)?.1;
    ensure_eq!(init & (NOFREEZE | KTHREAD), 0);
    ensure_eq!(own_flags()? & (NOFREEZE | KTHREAD), 0);
    let all = all_flags()?;
    let kthreads = all.iter().filter(|(_, flags)| flags & KTHREAD != 0);
    ensure!(kthreads.clone().count() >= 3);
    let freezable: Vec<_> =
        kthreads.filter(|(_, flags)| flags & NOFREEZE == 0).collect();
    ensure!(freezable.iter().any(|(name, _)| name == "khubd"));
    ensure!(!freezable.iter().any(|(name, _)| name == "ttyinput"));
    Ok(())
}

// spec: F6
fn the_freezing_task_is_marked_for_the_freeze_only() -> Outcome {
    for _ in 0..3 {
        freeze(0)?;
        ensure_eq!(own_flags()? & (SUSPEND_TASK | FROZEN), 0);
    }
    let is_marked = |(_, flags): &(String, u32)| flags & SUSPEND_TASK != 0;
    ensure!(!all_flags()?.iter().any(is_marked));
    Ok(())
}

/// On one CPU a thawed task has not run yet when the task that thawed it
/// looks: it is awake and still wears the mark that only it takes off.
// spec: F4 R2
fn a_thawed_task_clears_its_own_mark() -> Outcome {
    set_affinity(0, 1)?;
    let mut spinners = Vec::new();
    for _ in 0..20 {
        spinners.push(Spinner::start()?);
        set_nice(spinners[spinners.len() - 1].child.id(), 19)?;
    }
    set_nice(0, -20)?;
    let flags = |spinner: &Spinner| look_at(spinner.child.id());
    let mut marked = 0;
    for _ in 0..5 {
        freeze(0)?;
        for spinner in &spinners {
            marked += u32::from(flags(spinner)?.1 & FROZEN != 0);
        }
    }
    ensure!(marked > 0);
    for spinner in &spinners {
        spinner.wait_for_more();
        ensure_eq!(flags(spinner)?.1 & FROZEN, 0);
    }
    Ok(())
}

// spec: F3 P5 T5
fn a_dead_child_does_not_hold_a_freeze_up() -> Outcome {
    let child = Child::start(|| 0)?;
    wait_for_state(child.id(), 'Z')?;
    // It takes this flag a step later.
    while look_at(child.id())?.1 & NOFREEZE == 0 {
        time::sleep(Time::from_millis(1));
    }
    freeze(0)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}

/// Forks and runs programs for ever; counts those that ended well.
fn multiply(count: &AtomicU32) -> i32 {
    loop {
        let Ok(fork) = Child::start(|| 0) else { return 1 };
        let Ok(spawned) = process::spawn("/bin/true", &["true"], &[""; 0])
        else {
            return 2;
        };
        let ended = (fork.wait(), process::wait_for(spawned));
        let (Ok(forked), Ok(spawned)) = ended else { return 3 };
        if [forked, spawned].iter().any(|end| end.exit_code() != Some(0)) {
            return 4;
        }
        count.fetch_add(1, Ordering::Release);
    }
}

// spec: T6 P2 P3 P4 N8
fn forking_programs_freeze_every_time() -> Outcome {
    let [count] = words()?;
    let children = [0; 3].map(|_| Child::start(|| multiply(count)));
    wait_for(count, 3);
    for _ in 0..15 {
        freeze(0)?;
        let before = count.load(Ordering::Relaxed);
        wait_for(count, before + 1);
    }
    for child in children {
        let child = child?;
        ensure_eq!(look_at(child.id())?.0 == 'Z', false);
        signal::send(child.id(), SIGKILL)?;
        ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    }
    Ok(())
}

/// A time-out of nothing makes freezes fail at random steps.
// spec: L4 L5 O1 O2 O3 O7 C2
fn failed_freezes_leave_no_residue() -> Outcome {
    let mut spinners = Vec::new();
    for _ in 0..=usable_cpus() {
        spinners.push(Spinner::start()?);
    }
    let mut failed = 0;
    let mut rounds = 0..1000;
    while failed == 0 || rounds.start < 10 {
        let Some(round) = rounds.next() else { break };
        prepare(0)?;
        let timeout = alloc::format!("{}", round % 2);
        file::overwrite(super::TIMEOUT, timeout.as_bytes())?;
        match file::overwrite(super::STATE, b"mem") {
            Ok(()) => {}
            Err(Errno::EBUSY) => failed += 1,
            Err(error) => return Err(error.into()),
        }
        spinners.iter().for_each(Spinner::wait_for_more);
        freeze(0)?;
        spinners.iter().for_each(Spinner::wait_for_more);
        ensure_eq!(own_flags()? & (SUSPEND_TASK | FROZEN | NOFREEZE), 0);
    }
    ensure!(failed > 0);
    Ok(())
}
