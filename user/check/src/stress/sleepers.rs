//! Many small processes take all memory together. Some must die, but no more
//! than needed, and never the larger one that has started them: it stands for
//! a shell and its jobs.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{SIGKILL, WNOHANG};
use user_lib::memory::{self, Mapping, PAGE_SIZE, Sharing};
use user_lib::time::{self, Time};
use user_lib::{Errno, println, process, system};

use super::usage::ensure_none_lost;
use crate::tool::{Failure, Outcome, ensure, ensure_eq};
use user_lib::child::Child;

/// Processes.
const COUNT: usize = 300;
/// Pages of the one that starts them, beyond what each of them has.
const OWN_PAGES: usize = 500;

/// Starts them, so many times.
pub fn their_parent_lives(rounds: u32) -> Outcome {
    ensure_none_lost(|| (0..rounds).try_for_each(|_| starve()))
}

fn starve() -> Outcome {
    let total = system::figures()?.total as usize;
    let pages = total * 3 / 2 / COUNT / PAGE_SIZE;
    let own = touched(pages + OWN_PAGES)?;
    let ready = &memory::shared_words(1)?[0];
    let mut sleepers = Vec::new();
    for _ in 0..COUNT {
        sleepers.push(start(pages, ready)?);
    }
    let dead = wait_for_all(&mut sleepers, ready)?;
    let free = system::figures()?.free as usize;
    println!("{dead} of {COUNT} killed, free {} KiB", free / 1024);
    ensure!(dead > 0 && dead < COUNT / 2 + COUNT / 10);
    ensure!(free < total / 8);
    ensure_eq!(own.read(0), 1);
    Ok(())
}

/// Starts one, as soon as there is memory for a process.
fn start(pages: usize, ready: &AtomicU32) -> user_lib::Result<Child> {
    loop {
        match Child::start(|| sleep_with(pages, ready)) {
            Err(Errno::ENOMEM) => time::sleep(Time::from_millis(1)),
            result => return result,
        }
    }
}

fn touched(pages: usize) -> user_lib::Result<Mapping> {
    let mapping = Mapping::new(pages * PAGE_SIZE, Sharing::Private)?;
    (0..pages).for_each(|page| mapping.write(page * PAGE_SIZE, 1));
    Ok(mapping)
}

/// A job of a shell: a group of its own, some memory, nothing to do.
fn sleep_with(pages: usize, ready: &AtomicU32) -> i32 {
    let _ = process::set_group(0, 0);
    let _memory = touched(pages);
    ready.fetch_add(1, Ordering::Release);
    time::sleep(Time::from_millis(1 << 40));
    1
}

/// Waits until each has its memory or is dead; how many are dead.
fn wait_for_all(
    sleepers: &mut Vec<Child>,
    ready: &AtomicU32,
) -> Result<usize, Failure> {
    let deadline = time::monotonic() + Time::from_millis(200_000);
    let mut dead = reap(sleepers)?;
    // Some die after they were ready, so it is this many at least.
    while (ready.load(Ordering::Acquire) as usize) + dead < COUNT {
        ensure!(time::monotonic() < deadline);
        time::sleep(Time::from_millis(50));
        dead += reap(sleepers)?;
    }
    Ok(dead + reap(sleepers)?)
}

/// Takes the dead out of `sleepers`; how many there were.
fn reap(sleepers: &mut Vec<Child>) -> Result<usize, Failure> {
    let before = sleepers.len();
    let mut alive = Vec::new();
    for sleeper in sleepers.drain(..) {
        match process::wait(sleeper.id(), WNOHANG)? {
            None => alive.push(sleeper),
            Some((_, status)) => {
                core::mem::forget(sleeper);
                ensure_eq!(status.killed_by(), Some(SIGKILL));
            }
        }
    }
    *sleepers = alive;
    Ok(before - sleepers.len())
}
