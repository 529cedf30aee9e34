//! Scheduling: fairness, affinity, nice, registers over switches.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::floating::{self, Meanwhile};
use user_lib::linux::__NR_prlimit64;
use user_lib::syscall::arbitrary;
use user_lib::time::Time;
use user_lib::{Errno, cpu, file, memory, process, schedule, time};

use crate::freezer::Spinner;
use crate::tool::{
    Failure, NOBODY, Outcome, ensure, ensure_eq, in_some_round, is_exact, tests,
};
use user_lib::child::Child;

tests! {
    affinity_is_kept_and_inherited
    a_task_runs_where_it_may
    a_running_task_leaves_a_cpu_that_is_taken_away
    wrong_affinity_is_refused
    another_user_cannot_schedule_this_one
    nice_is_kept_and_inherited
    a_nice_value_set_while_the_task_moves_is_kept
    two_spinners_share_one_cpu
    a_nicer_task_runs_less
    yielding_lets_others_run
    vector_registers_survive_switches
    spinners_do_not_stop_a_sleeper
    an_idle_cpu_finds_the_one_task_it_may_run
}

fn affinity_is_kept_and_inherited() -> Outcome {
    let all = schedule::affinity(0)?;
    ensure!(all & 1 == 1);
    schedule::set_affinity(0, 1)?;
    ensure_eq!(schedule::affinity(0)?, 1);
    let child = Child::start(|| i32::from(schedule::affinity(0) != Ok(1)))?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    schedule::set_affinity(0, all)?;
    Ok(())
}

fn a_task_runs_where_it_may() -> Outcome {
    let all = schedule::affinity(0)?;
    for number in (0..64).filter(|number| all >> number & 1 == 1) {
        schedule::set_affinity(0, 1 << number)?;
        ensure_eq!(schedule::current_cpu()?, number);
        time::sleep(Time::from_millis(1));
        ensure_eq!(schedule::current_cpu()?, number);
    }
    Ok(())
}

/// A spinner makes no system call, and nobody else wants its CPU.
fn a_running_task_leaves_a_cpu_that_is_taken_away() -> Outcome {
    let all = schedule::affinity(0)?;
    let spinner = Child::start(|| {
        loop {
            cpu::relax();
        }
    })?;
    for number in
        (0..64).filter(|number| all >> number & 1 == 1).cycle().take(40)
    {
        schedule::set_affinity(spinner.id(), 1 << number)?;
        // One that stays makes the test last too long.
        while cpu_of(spinner.id())? != number {
            time::sleep(Time::from_nanos(100_000));
        }
    }
    Ok(())
}

/// The CPU a process runs on: field 39 of its `stat`, the 37th after the
/// name.
fn cpu_of(pid: i32) -> Result<usize, Failure> {
    let text = file::text(&alloc::format!("/proc/{pid}/stat"))?;
    let rest = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = rest.split_whitespace().nth(36);
    field.and_then(|field| field.parse().ok()).ok_or(Failure(text))
}

fn wrong_affinity_is_refused() -> Outcome {
    ensure_eq!(schedule::set_affinity(0, 0), Err(Errno::EINVAL));
    let stranger = schedule::set_affinity(0x3fff_ffff, 1);
    ensure_eq!(stranger, Err(Errno::ESRCH));
    Ok(())
}

fn another_user_cannot_schedule_this_one() -> Outcome {
    let own = process::current_id();
    let limit = [1_u64, 1];
    let files = [own as usize, 7, limit.as_ptr() as usize, 0, 0, 0];
    let child = Child::start(|| {
        let refused = process::set_user_id(NOBODY).is_ok()
            && schedule::set_affinity(own, 1) == Err(Errno::EPERM)
            && schedule::set_nice(own, 5) == Err(Errno::EPERM)
            && arbitrary(__NR_prlimit64, files) == Err(Errno::EPERM)
            && schedule::set_affinity(0, 1) == Ok(())
            && schedule::set_nice(0, 5) == Ok(());
        i32::from(!refused)
    })?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    ensure_eq!(schedule::nice(0)?, 0);
    Ok(())
}

fn nice_is_kept_and_inherited() -> Outcome {
    ensure_eq!(schedule::nice(0)?, 0);
    schedule::set_nice(0, 7)?;
    ensure_eq!(schedule::nice(0)?, 7);
    let child = Child::start(|| schedule::nice(0).unwrap_or(-1))?;
    ensure_eq!(child.wait()?.exit_code(), Some(7));
    schedule::set_nice(0, 100)?;
    ensure_eq!(schedule::nice(0)?, 19);
    schedule::set_nice(0, -100)?;
    ensure_eq!(schedule::nice(0)?, -20);
    Ok(())
}

/// A child that is woken all the time, and on another CPU each time, gets
/// new nice values; each must be there after it.
fn a_nice_value_set_while_the_task_moves_is_kept() -> Outcome {
    let (to_child, to_waker) = (file::pipe(0)?, file::pipe(0)?);
    let pass = |from: i32, to: i32| -> i32 {
        let mut byte = [0];
        loop {
            if file::read(from, &mut byte) != Ok(1)
                || file::write(to, &byte) != Ok(1)
            {
                return 1;
            }
        }
    };
    let child = Child::start(|| pass(to_child[0], to_waker[1]))?;
    let waker = Child::start(|| pass(to_waker[0], to_child[1]))?;
    file::write(to_child[1], b"x")?;
    let all = schedule::affinity(0)?;
    let cpus = (0..64).filter(|number| all >> number & 1 == 1).cycle();
    for (round, cpu) in cpus.take(2000).enumerate() {
        schedule::set_affinity(child.id(), 1 << cpu)?;
        let nice = (round % 19) as i32 + 1;
        schedule::set_nice(child.id(), nice)?;
        schedule::give_way();
        ensure_eq!(schedule::nice(child.id())?, nice);
    }
    drop((child, waker));
    Ok(())
}

/// How often to look at the competition. A busy host takes turns away from
/// the one or the other; in the long run from both alike.
const LOOKS: usize = 10;

/// Two children that count on the first CPU, at different nice values. Looks
/// every second at what each has counted, until `is_fair` finds it so; false
/// if that never is.
fn compete(
    [first, second]: [i32; 2],
    is_fair: impl Fn(u64, u64) -> bool,
) -> Result<bool, Failure> {
    let words = memory::shared_words(3)?;
    let (stop, counts) = words.split_first().ok_or(Errno::ENOMEM)?;
    schedule::set_affinity(0, 1)?;
    let start = |nice: i32, count: &'static AtomicU32| {
        Child::start(move || {
            let set = schedule::set_nice(0, nice);
            while stop.load(Ordering::Relaxed) == 0 {
                count.fetch_add(1, Ordering::Relaxed);
                cpu::relax();
            }
            i32::from(set.is_err())
        })
    };
    let children = [start(first, &counts[0])?, start(second, &counts[1])?];
    time::sleep(Time::from_millis(300));
    counts.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    let count = |index: usize| counts[index].load(Ordering::Relaxed).into();
    let is_fair_once = (0..LOOKS).any(|_| {
        time::sleep(Time::from_millis(1000));
        is_fair(count(0), count(1))
    });
    stop.store(1, Ordering::Relaxed);
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(is_fair_once)
}

fn two_spinners_share_one_cpu() -> Outcome {
    let is_fair = |one, other| one * 4 < other * 5 && other * 4 < one * 5;
    ensure!(compete([0, 0], is_fair)?);
    Ok(())
}

/// Linux's weights of nice 0 and 10 are 1024 and 110: 9.3 to 1.
fn a_nicer_task_runs_less() -> Outcome {
    let is_fair = |normal, nice| normal > nice * 7 && normal < nice * 12;
    ensure!(compete([0, 10], is_fair)?);
    Ok(())
}

fn yielding_lets_others_run() -> Outcome {
    let word = &memory::shared_words(1)?[0];
    schedule::set_affinity(0, 1)?;
    let child = Child::start(|| {
        word.store(1, Ordering::Release);
        0
    })?;
    while word.load(Ordering::Acquire) == 0 {
        schedule::give_way();
    }
    child.wait()?;
    Ok(())
}

fn vector_registers_survive_switches() -> Outcome {
    schedule::set_affinity(0, 1)?;
    let mut children = alloc::vec::Vec::new();
    for seed in 1..=4u64 {
        children.push(Child::start(move || {
            let seed = seed * 0x1_0001_0000;
            let spun = floating::hold(seed, 5_000_000, Meanwhile::Spin);
            let gave = floating::hold(seed, 2000, Meanwhile::GiveWay);
            i32::from(spun + gave != 0)
        })?);
    }
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    Ok(())
}

fn spinners_do_not_stop_a_sleeper() -> Outcome {
    let count = schedule::usable_cpus() + 1;
    let mut spinners = alloc::vec::Vec::new();
    for _ in 0..count {
        spinners.push(Child::start(|| {
            loop {
                cpu::relax();
            }
        })?);
    }
    // It goes before the spinners as soon as it wakes; the host may be busy.
    let most = if is_exact() { 20 } else { 1000 };
    in_some_round(|| {
        let slept = (0..10).map(|_| {
            let start = time::monotonic();
            time::sleep(Time::from_millis(5));
            time::monotonic() - start
        });
        Ok(slept.max() < Some(Time::from_millis(most)))
    })
}

/// Most wait on the first CPU, and are pinned there; on the second one waits
/// that may run anywhere.
fn an_idle_cpu_finds_the_one_task_it_may_run() -> Outcome {
    if schedule::usable_cpus() < 3 {
        return Ok(());
    }
    let all = schedule::affinity(0)?;
    in_some_round(|| {
        let mut spinners = alloc::vec::Vec::new();
        for cpu in [0, 0, 0, 1, 1] {
            let spinner = Spinner::start()?;
            schedule::set_affinity(spinner.child.id(), 1 << cpu)?;
            spinners.push(spinner);
        }
        spinners.iter().for_each(Spinner::wait_for_more);
        let free = spinners[4].child.id();
        schedule::set_affinity(free, all)?;
        time::sleep(Time::from_millis(300));
        Ok(cpu_of(free)? > 1)
    })
}
