//! What going from one process to another costs.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time};
use user_lib::{Errno, Result, cpu, file, memory, schedule};

use crate::bench::measure::{Pinned, calls, each, middle};
use user_lib::child::Child;

const ROUNDS: u64 = 500;

/// Two processes of one CPU that yield to each other; the figure is for one
/// call, which is two switches.
pub fn yield_pair() -> Result<u64> {
    let _pinned = Pinned::to(0)?;
    let turns = &memory::shared_words(1)?[0];
    let _other = Child::start(|| {
        loop {
            turns.fetch_add(1, Ordering::Relaxed);
            schedule::give_way();
        }
    })?;
    // A new process may have to wait for its first turns.
    while turns.load(Ordering::Relaxed) < ROUNDS as u32 {
        schedule::give_way();
    }
    calls(ROUNDS, || {
        schedule::give_way();
        Ok(())
    })
}

/// A byte to another process of the same CPU and back.
pub fn pipe_one_cpu() -> Result<u64> {
    pipe_round_trip(0)
}

/// A byte to a process of another CPU and back.
pub fn pipe_two_cpus() -> Result<u64> {
    pipe_round_trip(other_cpu()?)
}

/// A CPU that is not the first.
fn other_cpu() -> Result<usize> {
    let others = schedule::affinity(0)? & !1;
    if others == 0 {
        return Err(Errno::ENXIO);
    }
    Ok(others.trailing_zeros() as usize)
}

fn pipe_round_trip(partner: usize) -> Result<u64> {
    let to_partner = file::pipe(0)?;
    let to_us = file::pipe(0)?;
    let child = Child::start(|| {
        let _ = Pinned::to(partner).map(core::mem::forget);
        let _ = file::close(to_partner[1]);
        let mut byte = [0];
        while file::read(to_partner[0], &mut byte) == Ok(1) {
            let _ = file::write(to_us[1], &byte);
        }
        0
    })?;
    let pinned = Pinned::to(0)?;
    let result = calls(ROUNDS, || {
        file::write(to_partner[1], b"x")?;
        file::read(to_us[0], &mut [0]).map(drop)
    });
    drop(pinned);
    for descriptor in to_partner.into_iter().chain(to_us) {
        file::close(descriptor)?;
    }
    child.wait()?;
    result
}

/// From `futex` wake to the sleeper's next instruction, on one CPU.
pub fn futex_one_cpu() -> Result<u64> {
    futex_wake(0)
}

/// The same with the sleeper on another CPU.
pub fn futex_two_cpus() -> Result<u64> {
    futex_wake(other_cpu()?)
}

/// What waker and sleeper share.
struct Exchange {
    /// Rounds started by the waker; the sleeper waits for a change.
    round: &'static AtomicU32,
    /// The counter's low half when the waker called.
    started: &'static AtomicU32,
    /// Ticks until the sleeper ran.
    taken: &'static AtomicU32,
    /// Rounds the sleeper has finished.
    done: &'static AtomicU32,
}

impl Exchange {
    fn new() -> Result<Self> {
        match memory::shared_words(4)? {
            [round, started, taken, done] => {
                Ok(Self { round, started, taken, done })
            }
            _ => Err(Errno::ENOMEM),
        }
    }

    /// The sleeper, for ever.
    fn sleep(&self) -> ! {
        let mut round = 0;
        loop {
            while self.round.load(Ordering::Acquire) == round {
                // Woken, or the round has changed: the loop looks.
                let _ = schedule::futex_wait(self.round, round, None);
            }
            let now = cpu::counter() as u32;
            let started = self.started.load(Ordering::Acquire);
            self.taken.store(now.wrapping_sub(started), Ordering::Release);
            round += 1;
            self.done.store(round, Ordering::Release);
            let _ = schedule::futex_wake(self.done, 1);
        }
    }

    /// One round of the waker; gives the ticks it took.
    fn wake(&self) -> Result<u64> {
        // The sleeper has surely gone to sleep after this.
        time::sleep(Time::from_nanos(200_000));
        let round = self.round.load(Ordering::Relaxed) + 1;
        self.started.store(cpu::counter() as u32, Ordering::Release);
        self.round.store(round, Ordering::Release);
        schedule::futex_wake(self.round, 1)?;
        while self.done.load(Ordering::Acquire) != round {
            // As above.
            let _ = schedule::futex_wait(self.done, round - 1, None);
        }
        Ok(u64::from(self.taken.load(Ordering::Acquire)))
    }
}

fn futex_wake(sleeper: usize) -> Result<u64> {
    let exchange = Exchange::new()?;
    let _child = Child::start(|| {
        let _ = Pinned::to(sleeper).map(core::mem::forget);
        exchange.sleep()
    })?;
    let _pinned = Pinned::to(0)?;
    let mut taken = alloc::vec::Vec::new();
    for _ in 0..51 {
        taken.push(each(exchange.wake()?, 1));
    }
    Ok(middle(taken))
}

const EVENT: &str = "/sys/kernel/hub/event";
const WAKE: &str = "/sys/kernel/hub/wake_ns";

/// From waking a kernel thread to its next instruction, as the example
/// thread of the kernel measures it.
pub fn kthread_wake() -> Result<u64> {
    let mut taken = alloc::vec::Vec::new();
    for _ in 0..51 {
        // The thread has surely gone to sleep after this.
        time::sleep(Time::from_nanos(200_000));
        file::overwrite(EVENT, b"1")?;
        time::sleep(Time::from_nanos(200_000));
        let nanos = file::text(WAKE)?.trim().parse::<u64>();
        taken.push(nanos.map_err(|_| Errno::ENXIO)? * 1000);
    }
    Ok(middle(taken))
}
