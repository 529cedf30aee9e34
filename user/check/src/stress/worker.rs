//! What the workers do, each for ever: all that a task can be doing when a
//! freeze comes. None may notice one, so every error ends the worker.

use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    O_CREAT, O_EXCL, O_RDWR, SIGCONT, SIGKILL, SIGSTOP, SIGUSR1, WCONTINUED,
    WUNTRACED,
};
use user_lib::memory::{Mapping, PAGE_SIZE, Sharing};
use user_lib::schedule::{self, futex_wait, futex_wake, usable_cpus};
use user_lib::time::{self, Time};
use user_lib::{
    Errno, cpu, environment, file, memory, process, signal, terminal,
};

use super::slot::Slot;
use crate::tool::{Failure, Outcome, ensure, ensure_eq, in_background};
use user_lib::child::Child;

/// One kind of worker; it returns only when something went wrong.
pub struct Kind {
    /// What it is about.
    pub name: &'static str,
    /// Runs until an error.
    pub run: fn(&Slot) -> Outcome,
}

/// All kinds.
pub const KINDS: [Kind; 17] = [
    Kind { name: "spin", run: spin },
    Kind { name: "yield", run: give_way },
    Kind { name: "sleep", run: sleep },
    Kind { name: "poll", run: poll },
    Kind { name: "move", run: change_cpus },
    Kind { name: "pipe", run: pipe },
    Kind { name: "futex", run: futex },
    Kind { name: "signal", run: signals },
    Kind { name: "time-out", run: time_out },
    Kind { name: "stop", run: stop },
    Kind { name: "kill", run: kill },
    Kind { name: "fork", run: fork },
    Kind { name: "execute", run: execute },
    Kind { name: "spawn", run: spawn },
    Kind { name: "file", run: files },
    Kind { name: "memory", run: pages },
    Kind { name: "hub", run: hub },
];

/// Never enters the kernel by itself.
fn spin(slot: &Slot) -> Outcome {
    loop {
        slot.tick();
        cpu::relax();
    }
}

fn give_way(slot: &Slot) -> Outcome {
    loop {
        slot.tick();
        schedule::give_way();
    }
}

fn sleep(slot: &Slot) -> Outcome {
    for micros in (0..=1000).step_by(50).cycle() {
        time::try_sleep(Time::from_nanos(micros * 1000))
            .map_err(|(error, _)| Failure::from(error))?;
        slot.tick();
    }
    Ok(())
}

fn poll(slot: &Slot) -> Outcome {
    loop {
        terminal::poll(&mut [], Some(Time::from_millis(1)), None)?;
        slot.tick();
    }
}

fn change_cpus(slot: &Slot) -> Outcome {
    for index in (0..usable_cpus()).cycle() {
        schedule::set_affinity(0, 1 << index)?;
        ensure_eq!(schedule::current_cpu()?, index);
        slot.tick();
        schedule::give_way();
    }
    Ok(())
}

/// Two tasks hand a byte to and fro.
fn pipe(slot: &Slot) -> Outcome {
    let ([there, to], [from, back]) = (file::pipe(0)?, file::pipe(0)?);
    let _partner = in_background(|| {
        let mut byte = [0];
        loop {
            ensure_eq!(file::read(there, &mut byte)?, 1);
            slot.tick();
            ensure_eq!(file::write(back, &byte)?, 1);
        }
    })?;
    loop {
        ensure_eq!(file::write(to, b"x")?, 1);
        slot.tick();
        ensure_eq!(file::read(from, &mut [0])?, 1);
    }
}

/// Two tasks take turns by a word.
fn futex(slot: &Slot) -> Outcome {
    let word = &memory::shared_words(1)?[0];
    let _partner = in_background(|| take_turns(slot, word, 1))?;
    take_turns(slot, word, 0)
}

fn take_turns(slot: &Slot, word: &AtomicU32, own: u32) -> Outcome {
    let other = 1 - own;
    loop {
        while word.load(Ordering::Acquire) != own {
            match futex_wait(word, other, None) {
                Ok(()) | Err(Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        slot.tick();
        word.store(other, Ordering::Release);
        futex_wake(word, 1)?;
    }
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_signal(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// One task waits in `sigsuspend` for a handler, its partner in
/// `sigtimedwait`.
fn signals(slot: &Slot) -> Outcome {
    signal::handle(SIGUSR1, count_signal)?;
    signal::set_mask(signal::bit(SIGUSR1));
    let own = process::current_id();
    let partner = in_background(|| {
        loop {
            ensure_eq!(signal::wait(signal::bit(SIGUSR1), None)?, SIGUSR1);
            slot.tick();
            signal::send(own, SIGUSR1)?;
        }
    })?;
    for round in 1.. {
        signal::send(partner.id(), SIGUSR1)?;
        signal::suspend(0);
        ensure_eq!(HANDLED.load(Ordering::Relaxed), round);
        slot.tick();
    }
    Ok(())
}

fn time_out(slot: &Slot) -> Outcome {
    let word = &memory::shared_words(1)?[0];
    signal::set_mask(signal::bit(SIGUSR1));
    let short = Some(Time::from_nanos(300_000));
    loop {
        let result = signal::wait(signal::bit(SIGUSR1), short);
        ensure_eq!(result, Err(Errno::EAGAIN));
        slot.tick();
        ensure_eq!(futex_wait(word, 0, short), Err(Errno::ETIMEDOUT));
        slot.tick();
    }
}

/// A task is stopped and continued by another.
fn stop(slot: &Slot) -> Outcome {
    let victim = in_background(|| spin(slot))?;
    let id = victim.id();
    loop {
        signal::send(id, SIGSTOP)?;
        let change = process::wait(id, WUNTRACED)?;
        let stopped = change.and_then(|(_, status)| status.stopped_by());
        ensure_eq!(stopped, Some(SIGSTOP));
        slot.tick();
        signal::send(id, SIGCONT)?;
        let change = process::wait(id, WCONTINUED)?;
        ensure!(change.is_some_and(|(_, status)| status.is_continued()));
        slot.tick();
    }
}

/// A spinning child is killed.
fn kill(slot: &Slot) -> Outcome {
    loop {
        let child = in_background(|| spin(slot))?;
        signal::send(child.id(), SIGKILL)?;
        ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
        slot.tick();
    }
}

fn fork(slot: &Slot) -> Outcome {
    loop {
        let child = Child::start(|| {
            slot.tick();
            7
        })?;
        ensure_eq!(child.wait()?.exit_code(), Some(7));
        slot.tick();
    }
}

fn execute(slot: &Slot) -> Outcome {
    loop {
        let child = Child::start(|| {
            process::execute("/bin/true", &["true"], &environment());
            1
        })?;
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        slot.tick();
    }
}

/// The `vfork` way: the parent waits in `clone` itself.
fn spawn(slot: &Slot) -> Outcome {
    loop {
        let child = process::spawn("/bin/false", &["false"], &environment())?;
        ensure_eq!(process::wait_for(child)?.exit_code(), Some(1));
        slot.tick();
    }
}

/// The file of a worker with this process id. It may be there when the worker
/// is killed.
pub fn scratch_path(pid: i32) -> String {
    format!("/tmp/stress-{pid}")
}

fn files(slot: &Slot) -> Outcome {
    let path = scratch_path(process::current_id());
    let bytes = [42; 6000];
    loop {
        let descriptor = file::open(&path, O_CREAT | O_EXCL | O_RDWR, 0o600)?;
        file::write_all(descriptor, &bytes)?;
        file::close(descriptor)?;
        slot.tick();
        ensure!(file::contents(&path)? == bytes);
        file::remove(&path)?;
        slot.tick();
    }
}

/// Faults of all kinds: fresh pages, and pages copied when written to.
fn pages(slot: &Slot) -> Outcome {
    loop {
        let mapping = Mapping::new(16 * PAGE_SIZE, Sharing::Private)?;
        (0..16).for_each(|page| mapping.write(page * PAGE_SIZE, page as u8));
        let child = Child::start(|| {
            (0..16).for_each(|page| mapping.write(page * PAGE_SIZE, 99));
            0
        })?;
        ensure_eq!(child.wait()?.exit_code(), Some(0));
        ensure!(
            (0..16).all(|page| mapping.read(page * PAGE_SIZE) == page as u8)
        );
        slot.tick();
    }
}

/// Gives a kernel thread something to do.
fn hub(slot: &Slot) -> Outcome {
    loop {
        file::overwrite("/sys/kernel/hub/event", b"stress")?;
        slot.tick();
        time::sleep(Time::from_millis(1));
    }
}
