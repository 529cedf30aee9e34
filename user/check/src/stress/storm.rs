//! Signals in masses, and handlers that spoil what they return to.

use alloc::vec::Vec;
use core::ffi::c_void;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use user_lib::linux::{
    __NR_getrandom, SIGKILL, SIGUSR1, SIGUSR2, SIGWINCH, WNOHANG,
};
use user_lib::schedule::usable_cpus;
use user_lib::signal::{self, Action, Details};
use user_lib::syscall::arbitrary;
use user_lib::time::{self, Time, monotonic};
use user_lib::{memory, println, process};

use super::usage::ensure_none_lost;
use crate::random::Generator;
use crate::tool::{NOBODY, Outcome, ensure, ensure_eq};
use user_lib::child::Child;

/// Signals that are sent, each with a handler.
const SIGNALS: [u32; 3] = [SIGUSR1, SIGUSR2, SIGWINCH];

/// Everybody sends signals to everybody, so many each.
pub fn signals(rounds: u32) -> Outcome {
    ensure_none_lost(|| storm(rounds))
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn storm(rounds: u32) -> Outcome {
    let tasks = 2 * usable_cpus().max(2);
    let ids = memory::shared_words(tasks)?;
    let [finished, handled] = memory::shared_words(2)? else {
        return Ok(());
    };
    for number in SIGNALS {
        signal::set_action(number, Action::Handle(count), 0, 0)?;
    }
    let mut children = Vec::new();
    for id in ids {
        let child = Child::start(|| {
            let result = send_to_all(ids, rounds);
            finished.fetch_add(1, Ordering::Release);
            while finished.load(Ordering::Acquire) < ids.len() as u32 {
                // Cut short by what still comes, as it should be.
                let _ = time::try_sleep(Time::from_millis(1));
            }
            // All have been sent: none comes after this. The last child at
            // least has found others to send to.
            let _ = time::try_sleep(Time::from_millis(1));
            handled
                .fetch_add(HANDLED.load(Ordering::Relaxed), Ordering::Relaxed);
            i32::from(result.is_err())
        })?;
        id.store(child.id() as u32, Ordering::Release);
        children.push(child);
    }
    for child in children {
        ensure_eq!(child.wait()?.exit_code(), Some(0));
    }
    let handled = handled.load(Ordering::Relaxed);
    println!("{tasks} tasks, {rounds} signals each, {handled} handled");
    ensure!(handled > 0);
    Ok(())
}

fn send_to_all(ids: &[AtomicU32], rounds: u32) -> Outcome {
    for round in 0..rounds as usize {
        let id = ids[round % ids.len()].load(Ordering::Acquire);
        if id != 0 {
            signal::send(id as i32, SIGNALS[round % SIGNALS.len()])?;
        }
    }
    Ok(())
}

/// Where a handler writes into its own frame.
static OFFSET: AtomicUsize = AtomicUsize::new(0);

/// Bytes of the saved state: registers, and the vector registers after them.
const STATE: usize = 1024;

/// Handlers overwrite the state that they return to with random bytes: the
/// process ends or goes on, the kernel goes on.
pub fn broken_frames(rounds: u32) -> Outcome {
    ensure_none_lost(|| break_frames(rounds, 2))
}

extern "C" fn spoil(_: i32, _: &Details, state: *const c_void) {
    let place = state as usize + OFFSET.load(Ordering::Relaxed);
    // A frame too short for this offset stays whole.
    let _ = arbitrary(__NR_getrandom, [place, 8, 0, 0, 0, 0]);
}

fn break_frames(rounds: u32, seed: u64) -> Outcome {
    let mut generator = Generator::new(seed);
    let (mut survived, mut ended) = (0, 0);
    for _ in 0..rounds {
        let offset = generator.next() as usize % STATE;
        OFFSET.store(offset, Ordering::Relaxed);
        let child = Child::start(|| {
            if process::set_user_id(NOBODY).is_err() {
                return 1;
            }
            let action = Action::HandleDetailed(spoil);
            if signal::set_action(SIGUSR1, action, 0, 0).is_err() {
                return 1;
            }
            let _ = signal::send(process::current_id(), SIGUSR1);
            0
        })?;
        match end_of(child)? {
            true => survived += 1,
            false => ended += 1,
        }
    }
    println!("{survived} survived their frames, {ended} did not, seed {seed}");
    Ok(())
}

/// Whether a child exits well; one that runs on is killed.
fn end_of(child: Child) -> user_lib::Result<bool> {
    let deadline = monotonic() + Time::from_millis(100);
    loop {
        if let Some((_, status)) = process::wait(child.id(), WNOHANG)? {
            core::mem::forget(child);
            return Ok(status.exit_code() == Some(0));
        }
        if monotonic() > deadline {
            signal::send(child.id(), SIGKILL)?;
            return child.wait().map(|_| false);
        }
        time::sleep(Time::from_nanos(100_000));
    }
}
