//! CPUs go off and come back while tasks spin, sleep, fork, are moved about,
//! and freeze. Nobody may stand still, sleep too short, or be lost.

use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, Result, cpu, file, memory, println, schedule};

use crate::cpu::{AllOn, cpus, turn};
use crate::freezer::{freeze, now_ms, wait_for};
use crate::tool::{Failure, Outcome, ensure, ensure_eq};
use user_lib::child::Child;

/// A worker's code; it does one piece of work.
type Work = fn() -> core::result::Result<(), Failure>;

const WORKS: [Work; 4] = [spin, sleep, fork, wander];

fn spin() -> Outcome {
    for _ in 0..1000 {
        cpu::relax();
    }
    Ok(())
}

fn sleep() -> Outcome {
    let start = monotonic();
    time::sleep(Time::from_millis(1));
    let slept = monotonic() - start;
    ensure!(slept >= Time::from_millis(1));
    Ok(())
}

fn fork() -> Outcome {
    let child = Child::start(|| 7)?;
    ensure_eq!(child.wait()?.exit_code(), Some(7));
    Ok(())
}

/// Changes its affinity to one CPU after the other, and then to all.
fn wander() -> Outcome {
    for number in cpus() {
        match schedule::set_affinity(0, 1 << number) {
            // The CPU is off.
            Ok(()) | Err(Errno::EINVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(schedule::set_affinity(0, u64::MAX)?)
}

/// Starts a worker, on one CPU if told so, that counts its pieces.
fn start(
    work: Work,
    home: Option<u32>,
    count: &'static AtomicU32,
) -> Result<Child> {
    Child::start(move || {
        if home.is_some_and(|it| schedule::set_affinity(0, 1 << it).is_err()) {
            return 1;
        }
        while work().is_ok() {
            count.fetch_add(1, Ordering::Release);
        }
        2
    })
}

/// All CPUs but one off, one by one, and on again; a freeze now and then.
fn round(number: u32) -> Result<()> {
    let count = cpus().len() as u32;
    // A different one stays each time, the boot CPU too.
    let stays = number % count;
    for cpu in cpus().filter(|&cpu| cpu != stays) {
        turn(cpu, "0")?;
    }
    if number.is_multiple_of(2) {
        freeze(0)?;
    }
    for cpu in cpus().filter(|&cpu| cpu != stays) {
        turn(cpu, "1")?;
        if cpu % 4 == 1 {
            freeze(0)?;
        }
    }
    Ok(())
}

/// Runs so many rounds.
pub fn come_and_go(rounds: u32) -> Outcome {
    let _all_on = AllOn;
    let homes = cpus().map(Some).chain([None]);
    let jobs: Vec<_> = homes
        .flat_map(|home| WORKS[..3].iter().map(move |&work| (work, home)))
        .chain([(WORKS[3], None)])
        .collect();
    let counts = memory::shared_words(jobs.len())?;
    let mut workers = Vec::new();
    for ((work, home), count) in jobs.iter().zip(counts) {
        workers.push(start(*work, *home, count)?);
        // At home before its home may be off.
        wait_for(count, 1);
    }
    let (start, mut longest) = (now_ms(), 0);
    for number in 0..rounds {
        let before = now_ms();
        round(number)?;
        longest = longest.max(now_ms() - before);
    }
    let taken = now_ms() - start;
    println!("{rounds} rounds in {taken} ms, the longest {longest} ms");
    for (index, (worker, count)) in workers.iter().zip(counts).enumerate() {
        let before = count.load(Ordering::Acquire);
        let end = now_ms() + 20_000;
        while count.load(Ordering::Acquire) == before {
            if now_ms() > end {
                let path = format!("/proc/{}/stat", worker.id());
                let what = file::text(&path)?;
                return Err(Failure(format!("worker {index}: {what}")));
            }
            time::sleep(Time::from_millis(1));
        }
    }
    Ok(())
}
