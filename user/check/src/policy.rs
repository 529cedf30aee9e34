//! Policies and priorities: who may have which, and what comes of it.

use alloc::format;
use core::hint::black_box;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{__NR_prlimit64, SIGKILL};
use user_lib::schedule::{
    self, Attributes, BATCH, FIFO, IDLE, OTHER, RESET_ON_FORK, ROUND_ROBIN,
};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, cpu, file, memory, process, signal};

use crate::tool::{Failure, Outcome, ensure, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    a_policy_is_kept_shown_and_inherited
    a_child_of_who_resets_begins_ordinary
    policies_and_priorities_that_do_not_fit_are_refused
    attributes_are_set_and_read_as_a_whole
    only_who_may_gets_a_priority
    a_limit_gives_a_user_priorities_up_to_it
    a_limit_gives_a_user_nice_values_down_to_it
    the_highest_priority_runs_first
    a_spinner_of_the_highest_priority_stops_nobody
    a_spinner_of_the_highest_priority_freezes
    an_idle_task_runs_only_beside_others
}

const NOBODY: u32 = 65_534;
/// `RLIMIT_NICE`, `RLIMIT_RTPRIO`.
const NICE_LIMIT: usize = 13;
const PRIORITY_LIMIT: usize = 14;

/// Runs `work` in a child, which gives 0 if all is right.
fn in_child(work: impl FnOnce() -> i32) -> Outcome {
    ensure_eq!(Child::start(work)?.wait()?.exit_code(), Some(0));
    Ok(())
}

/// A field of `/proc/self/stat`, the `at`th after the name.
fn stat_field(pid: i32, at: usize) -> Result<i64, Failure> {
    let text = file::text(&format!("/proc/{pid}/stat"))?;
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = rest.split_whitespace().nth(at);
    field.and_then(|field| field.parse().ok()).ok_or(Failure(text))
}

fn a_policy_is_kept_shown_and_inherited() -> Outcome {
    ensure_eq!(schedule::policy(0)?, OTHER);
    for (policy, priority) in
        [(FIFO, 7), (ROUND_ROBIN, 99), (BATCH, 0), (IDLE, 0), (OTHER, 0)]
    {
        schedule::set_policy(0, policy, priority)?;
        let is_seen = move || {
            schedule::policy(0) == Ok(policy)
                && schedule::priority(0) == Ok(priority)
        };
        ensure!(is_seen());
        let own = process::current_id();
        ensure_eq!(stat_field(own, 38)?, i64::from(policy));
        ensure_eq!(stat_field(own, 37)?, i64::from(priority));
        let shown = if priority == 0 { 20 } else { -1 - i64::from(priority) };
        ensure_eq!(stat_field(own, 15)?, shown);
        in_child(|| i32::from(!is_seen()))?;
    }
    Ok(())
}

fn a_child_of_who_resets_begins_ordinary() -> Outcome {
    schedule::set_policy(0, FIFO | RESET_ON_FORK, 5)?;
    ensure_eq!(schedule::policy(0)?, FIFO | RESET_ON_FORK);
    let outcome = in_child(|| {
        let is_ordinary =
            schedule::policy(0) == Ok(OTHER) && schedule::priority(0) == Ok(0);
        i32::from(!is_ordinary)
    });
    schedule::set_policy(0, OTHER, 0)?;
    outcome
}

fn policies_and_priorities_that_do_not_fit_are_refused() -> Outcome {
    let wrong =
        [(FIFO, 0), (ROUND_ROBIN, 100), (OTHER, 1), (IDLE, 1), (4, 0), (7, 0)];
    for (policy, priority) in wrong {
        let result = schedule::set_policy(0, policy, priority);
        ensure_eq!(result, Err(Errno::EINVAL));
    }
    ensure_eq!(schedule::set_policy(-1, OTHER, 0), Err(Errno::EINVAL));
    ensure_eq!(schedule::set_policy(32_767, OTHER, 0), Err(Errno::ESRCH));
    Ok(())
}

fn attributes_are_set_and_read_as_a_whole() -> Outcome {
    const SIZE: u32 = size_of::<Attributes>() as u32;
    let of = |policy, nice, priority| Attributes {
        size: SIZE,
        policy,
        nice,
        priority,
        ..Attributes::default()
    };
    for wanted in [of(BATCH, 3, 0), of(FIFO, 0, 30), of(OTHER, 0, 0)] {
        schedule::set_attributes(0, &wanted)?;
        ensure_eq!(schedule::attributes(0)?, wanted);
    }
    let short = Attributes { size: 8, ..of(OTHER, 0, 0) };
    ensure_eq!(schedule::set_attributes(0, &short), Err(Errno::E2BIG));
    let flagged = Attributes { flags: 1 << 20, ..of(OTHER, 0, 0) };
    ensure_eq!(schedule::set_attributes(0, &flagged), Err(Errno::EINVAL));
    let keeps = Attributes { flags: 0x18, ..of(FIFO, 0, 3) };
    schedule::set_attributes(0, &keeps)?;
    ensure_eq!(schedule::policy(0)?, OTHER);
    Ok(())
}

fn only_who_may_gets_a_priority() -> Outcome {
    let own = process::current_id();
    in_child(|| {
        let is_right = schedule::set_policy(0, ROUND_ROBIN, 20).is_ok()
            && process::set_user_id(NOBODY).is_ok()
            && schedule::set_policy(own, OTHER, 0) == Err(Errno::EPERM)
            && schedule::set_policy(0, ROUND_ROBIN, 21) == Err(Errno::EPERM)
            && schedule::set_policy(0, FIFO, 20) == Err(Errno::EPERM)
            && schedule::set_policy(0, ROUND_ROBIN, 10).is_ok()
            && schedule::set_policy(0, OTHER, 0).is_ok()
            && schedule::set_policy(0, ROUND_ROBIN, 1) == Err(Errno::EPERM)
            && schedule::set_policy(0, BATCH, 0).is_ok()
            && schedule::set_policy(0, IDLE, 0).is_ok()
            && schedule::set_policy(0, OTHER, 0) == Err(Errno::EPERM);
        i32::from(!is_right)
    })
}

/// Sets both of this process's limits of a kind.
fn limit(kind: usize, value: u64) -> bool {
    let limit = [value, value];
    let place = limit.as_ptr() as usize;
    arbitrary(__NR_prlimit64, [0, kind, place, 0, 0, 0]).is_ok()
}

fn a_limit_gives_a_user_priorities_up_to_it() -> Outcome {
    in_child(|| {
        let is_right = limit(PRIORITY_LIMIT, 10)
            && process::set_user_id(NOBODY).is_ok()
            && schedule::set_policy(0, FIFO, 10).is_ok()
            && schedule::set_policy(0, FIFO, 11) == Err(Errno::EPERM)
            && schedule::set_policy(0, ROUND_ROBIN, 3).is_ok();
        i32::from(!is_right)
    })
}

fn a_limit_gives_a_user_nice_values_down_to_it() -> Outcome {
    in_child(|| {
        let is_right = limit(NICE_LIMIT, 25)
            && process::set_user_id(NOBODY).is_ok()
            && schedule::set_nice(0, -5).is_ok()
            && schedule::set_nice(0, -6) == Err(Errno::EACCES);
        i32::from(!is_right)
    })
}

/// All on the first CPU, woken at the same moment.
fn the_highest_priority_runs_first() -> Outcome {
    let words = memory::shared_words(6)?;
    let (go, rest) = words.split_first().ok_or(Errno::ENOMEM)?;
    let (next, places) = rest.split_first().ok_or(Errno::ENOMEM)?;
    schedule::set_affinity(0, 1)?;
    let runner = |priority: i32, place: &'static AtomicU32| {
        Child::start(move || {
            let set = match priority {
                0 => Ok(()),
                priority => schedule::set_policy(0, FIFO, priority),
            };
            while go.load(Ordering::Acquire) == 0 {
                // Woken, or too late to sleep: the loop looks.
                let _ = schedule::futex_wait(go, 0, None);
            }
            place.store(next.fetch_add(1, Ordering::AcqRel), Ordering::Release);
            i32::from(set.is_err())
        })
    };
    let mut children = alloc::vec::Vec::new();
    for (priority, place) in [0, 10, 30, 20].into_iter().zip(places) {
        children.push(runner(priority, place)?);
    }
    time::sleep(Time::from_millis(100));
    schedule::set_policy(0, FIFO, 50)?;
    go.store(1, Ordering::Release);
    schedule::futex_wake(go, 10)?;
    schedule::set_policy(0, OTHER, 0)?;
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    let order = places.iter().map(|place| place.load(Ordering::Acquire));
    ensure_eq!(order.take(4).collect::<alloc::vec::Vec<_>>(), [3, 2, 0, 1]);
    Ok(())
}

/// Some work. Where time is counted in instructions, a hint gives the host's
/// CPU away, so not every instruction is one.
fn burn() {
    for round in 0..1000 {
        black_box(round);
    }
    cpu::relax();
}

/// As many as there are CPUs, each on its own.
fn real_time_spinners() -> Result<alloc::vec::Vec<Child>, Failure> {
    let all = schedule::affinity(0)?;
    let mut spinners = alloc::vec::Vec::new();
    for number in (0..64).filter(|number| all >> number & 1 == 1) {
        let spinner = Child::start(|| {
            loop {
                burn();
            }
        })?;
        schedule::set_affinity(spinner.id(), 1 << number)?;
        schedule::set_policy(spinner.id(), FIFO, 99)?;
        spinners.push(spinner);
    }
    Ok(spinners)
}

fn a_spinner_of_the_highest_priority_stops_nobody() -> Outcome {
    let spinners = real_time_spinners()?;
    for _ in 0..2 {
        time::sleep(Time::from_millis(20));
        in_child(|| 0)?;
    }
    for spinner in &spinners {
        signal::send(spinner.id(), SIGKILL)?;
    }
    for spinner in spinners {
        ensure_eq!(spinner.wait()?.killed_by(), Some(SIGKILL));
    }
    Ok(())
}

fn a_spinner_of_the_highest_priority_freezes() -> Outcome {
    let spinners = real_time_spinners()?;
    let waiting = Child::start(|| {
        loop {
            burn();
        }
    })?;
    time::sleep(Time::from_millis(50));
    crate::freezer::freeze(0)?;
    drop((spinners, waiting));
    Ok(())
}

fn an_idle_task_runs_only_beside_others() -> Outcome {
    let counts = memory::shared_words(2)?;
    schedule::set_affinity(0, 1)?;
    let spinner = |policy: u32, count: &'static AtomicU32| {
        Child::start(move || {
            if schedule::set_policy(0, policy, 0).is_err() {
                return 1;
            }
            loop {
                count.fetch_add(1, Ordering::Relaxed);
                burn();
            }
        })
    };
    let children = [spinner(IDLE, &counts[0])?, spinner(BATCH, &counts[1])?];
    let end = monotonic() + Time::from_millis(5000);
    let count = |index: usize| counts[index].load(Ordering::Relaxed);
    while monotonic() < end && (count(0) == 0 || count(1) / 50 < count(0)) {
        time::sleep(Time::from_millis(100));
    }
    ensure!(count(0) > 0 && count(1) / 50 >= count(0));
    drop(children);
    Ok(())
}
