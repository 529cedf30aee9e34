//! How fair the scheduler is, and how soon it serves a sleeper. The rows do not
//! run unless they are asked for (`bench schedule`): they take seconds.
//!
//! | row | what |
//! |---|---|
//! | `schedule_N_spinners` | most CPU time of a spinner, divided by the least |
//! | `schedule_5_one_pinned` | the same; one of them may not move |
//! | `schedule_nap`, `_work`, `_start` | beside 1,000 spinners: lateness of a nap; the same, of a task that works 1 ms after each; fork, exec and wait |
//! | `schedule_nap_bomb`, `_start_bomb` | the same beside 2,000 that fork and end |
//! | `schedule_refused_forks` | how often the bomb got no place |
//!
//! Lateness is the 99th percentile.

use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use user_lib::linux::CLOCK_PROCESS_CPUTIME_ID;
use user_lib::process::{self, Fork};
use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, Message, Result, cpu, eprintln, memory, println};
use user_lib::{environment, output, schedule};

use crate::bench::measure::{is_wanted, show};
use user_lib::child::Child;

/// A row's name, and what prints it.
type Row = fn(&str) -> Result<()>;

const ROWS: [(&str, Row); 9] = [
    ("schedule_5_spinners", |name| shares(name, &[0; 5])),
    ("schedule_9_spinners", |name| shares(name, &[0; 9])),
    ("schedule_5_one_pinned", |name| shares(name, &[1, 0, 0, 0, 0])),
    ("schedule_nap", |name| beside_spinners(name, nap)),
    ("schedule_work", |name| beside_spinners(name, work_and_nap)),
    ("schedule_start", |name| beside_spinners(name, start_program)),
    ("schedule_nap_bomb", |name| beside_bomb(name, nap)),
    ("schedule_start_bomb", |name| beside_bomb(name, start_program)),
    ("schedule_refused_forks", refused_forks),
];

/// The names of all rows.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _)| *name)
}

/// Measures and prints the rows asked for; gives the status.
pub fn run(wanted: &[String]) -> i32 {
    let mut status = 0;
    for (name, row) in ROWS {
        if !is_wanted(wanted, name) {
            continue;
        }
        if let Err(error) = row(name) {
            eprintln!("bench: {name}: {}", error.message());
            status = 1;
        }
    }
    status
}

fn burn() {
    for round in 0..1000 {
        black_box(round);
    }
    cpu::relax();
}

fn cpu_time() -> Result<u64> {
    let time = time::read(CLOCK_PROCESS_CPUTIME_ID)?;
    Ok(time.as_nanos().cast_unsigned())
}

/// The time each spinner had, with a mask of CPUs for each; 0 for all.
fn shares(name: &str, masks: &[u64]) -> Result<()> {
    const LENGTH: Time = Time::from_millis(2000);
    let times = memory::shared_values(masks.len())?;
    let start = monotonic() + Time::from_millis(50);
    let children: Result<Vec<Child>> = masks
        .iter()
        .zip(times)
        .map(|(mask, time)| {
            Child::start(|| {
                i32::from(spin(*mask, start, LENGTH, time).is_err())
            })
        })
        .collect();
    for child in children? {
        match child.wait()?.exit_code() {
            Some(0) => {}
            _ => return Err(Errno::EINVAL),
        }
    }
    let time = || times.iter().map(|time| time.load(Ordering::Relaxed));
    let (least, most) = (time().min().unwrap_or(0), time().max().unwrap_or(0));
    let ratio = most * 1000 / least.max(1);
    println!("bench: {name} {}.{:03} x", ratio / 1000, ratio % 1000);
    output::flush()
}

fn spin(mask: u64, start: Time, length: Time, time: &AtomicU64) -> Result<()> {
    if mask != 0 {
        schedule::set_affinity(0, mask)?;
    }
    time::sleep_until(start)?;
    let before = cpu_time()?;
    while monotonic() < start + length {
        burn();
    }
    time.store(cpu_time()? - before, Ordering::Relaxed);
    Ok(())
}

/// How late something came, ns.
type Sample = fn() -> Result<i64>;

fn nap() -> Result<i64> {
    const NAP: Time = Time::from_millis(50);
    let before = monotonic();
    time::sleep(NAP);
    Ok((monotonic() - before - NAP).as_nanos())
}

fn work_and_nap() -> Result<i64> {
    let before = cpu_time()?;
    while cpu_time()? - before < 1_000_000 {
        burn();
    }
    nap()
}

fn start_program() -> Result<i64> {
    const PROGRAM: &str = "/bin/true";
    let environment = environment();
    let before = monotonic();
    let child = Child::start(|| {
        process::execute(PROGRAM, &[PROGRAM], &environment);
        127
    })?;
    child.wait()?;
    Ok((monotonic() - before).as_nanos())
}

/// Prints the 99th percentile of a hundred samples.
fn lateness(name: &str, sample: Sample) -> Result<()> {
    const SAMPLES: usize = 100;
    let samples: Result<Vec<i64>> = (0..SAMPLES)
        .map(|_| {
            time::sleep(Time::from_millis(5));
            sample()
        })
        .collect();
    let mut samples = samples?;
    samples.sort_unstable();
    let worst = samples.get(SAMPLES - 2).copied().unwrap_or(0);
    show(name, worst.max(0).cast_unsigned() * 1000);
    Ok(())
}

fn beside_spinners(name: &str, sample: Sample) -> Result<()> {
    let start = || {
        Child::start(|| {
            loop {
                burn();
            }
        })
    };
    let spinners: Result<Vec<Child>> = (0..1000).map(|_| start()).collect();
    let spinners = spinners?;
    time::sleep(Time::from_millis(500));
    lateness(name, sample)?;
    end_all(&spinners);
    Ok(())
}

/// All at once: each needs a turn to die, and that would come late while the
/// others still spin.
fn end_all(children: &[Child]) {
    for child in children {
        // It is a child that was not waited for.
        let _ = user_lib::signal::send(child.id(), user_lib::linux::SIGKILL);
    }
}

/// What the processes of a bomb share.
#[derive(Clone, Copy)]
struct Bomb {
    alive: &'static AtomicU64,
    refused: &'static AtomicU64,
    ends: &'static AtomicU64,
}

impl Bomb {
    const MOST: u64 = 2000;

    fn start() -> Result<Self> {
        let [alive, refused, ends] = memory::shared_values(3)? else {
            return Err(Errno::ENOMEM);
        };
        let bomb = Self { alive, refused, ends };
        alive.store(1, Ordering::Relaxed);
        match process::fork()? {
            Fork::Parent(_) => Ok(bomb),
            Fork::Child => bomb.explode(),
        }
    }

    /// Makes two of its kind and ends, for ever.
    fn explode(self) -> ! {
        let mut made = 0;
        while made < 2 && self.ends.load(Ordering::Relaxed) == 0 {
            if self.alive.fetch_add(1, Ordering::Relaxed) >= Self::MOST {
                self.alive.fetch_sub(1, Ordering::Relaxed);
                break;
            }
            match process::fork() {
                Ok(Fork::Parent(_)) => made += 1,
                Ok(Fork::Child) => made = 0,
                Err(_) => {
                    self.alive.fetch_sub(1, Ordering::Relaxed);
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
        }
        self.alive.fetch_sub(1, Ordering::Relaxed);
        process::exit(0)
    }

    fn stop(self) {
        self.ends.store(1, Ordering::Relaxed);
        while self.alive.load(Ordering::Relaxed) != 0 {
            time::sleep(Time::from_millis(10));
        }
        // Its first process is a child of this one.
        let _ = process::wait_for(-1);
    }
}

fn beside_bomb(name: &str, sample: Sample) -> Result<()> {
    let bomb = Bomb::start()?;
    time::sleep(Time::from_millis(500));
    let result = lateness(name, sample);
    bomb.stop();
    result
}

fn refused_forks(name: &str) -> Result<()> {
    let bomb = Bomb::start()?;
    time::sleep(Time::from_millis(3000));
    bomb.stop();
    let refused = bomb.refused.load(Ordering::Relaxed);
    println!("bench: {name} {refused} forks");
    output::flush()
}
