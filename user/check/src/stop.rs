//! Stopping and going on.

use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{
    SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGTSTP, WCONTINUED, WNOHANG, WUNTRACED,
};
use user_lib::time::Time;
use user_lib::{Errno, cpu, memory, process, signal, time};

use crate::tool::{Outcome, ensure_eq, tests};
use user_lib::child::Child;

tests! {
    a_stopped_child_does_not_run
    stop_and_continue_are_reported_once
    a_stopped_child_is_killed
    a_signal_waits_while_stopped
    continue_ends_a_pending_stop
    a_sleep_goes_on_after_a_stop
}

/// A child that counts in shared memory.
fn counter() -> user_lib::Result<(Child, &'static AtomicU32)> {
    let count = &memory::shared_words(1)?[0];
    let child = Child::start(|| {
        loop {
            count.fetch_add(1, Ordering::Relaxed);
            cpu::relax();
        }
    })?;
    while count.load(Ordering::Relaxed) == 0 {
        time::sleep(Time::from_millis(1));
    }
    Ok((child, count))
}

/// Waits for a report of a child.
fn report(child: &Child, options: u32) -> user_lib::Result<i32> {
    let (_, status) =
        process::wait(child.id(), options)?.ok_or(Errno::ECHILD)?;
    Ok(status.0)
}

const STOPPED: i32 = (SIGSTOP as i32) << 8 | 0x7f;
const CONTINUED: i32 = 0xffff;

fn a_stopped_child_does_not_run() -> Outcome {
    let (child, count) = counter()?;
    signal::send(child.id(), SIGSTOP)?;
    ensure_eq!(report(&child, WUNTRACED)?, STOPPED);
    let before = count.load(Ordering::Relaxed);
    time::sleep(Time::from_millis(30));
    ensure_eq!(count.load(Ordering::Relaxed), before);
    signal::send(child.id(), SIGCONT)?;
    while count.load(Ordering::Relaxed) == before {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

fn stop_and_continue_are_reported_once() -> Outcome {
    let (child, _) = counter()?;
    let all = WUNTRACED | WCONTINUED | WNOHANG;
    ensure_eq!(process::wait(child.id(), all), Ok(None));
    signal::send(child.id(), SIGSTOP)?;
    ensure_eq!(report(&child, WUNTRACED)?, STOPPED);
    ensure_eq!(process::wait(child.id(), all), Ok(None));
    signal::send(child.id(), SIGCONT)?;
    ensure_eq!(report(&child, WCONTINUED)?, CONTINUED);
    ensure_eq!(process::wait(child.id(), all), Ok(None));
    Ok(())
}

fn a_stopped_child_is_killed() -> Outcome {
    let (child, _) = counter()?;
    signal::send(child.id(), SIGSTOP)?;
    ensure_eq!(report(&child, WUNTRACED)?, STOPPED);
    signal::send(child.id(), SIGKILL)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGKILL));
    Ok(())
}

fn a_signal_waits_while_stopped() -> Outcome {
    let (child, _) = counter()?;
    signal::send(child.id(), SIGSTOP)?;
    ensure_eq!(report(&child, WUNTRACED)?, STOPPED);
    signal::send(child.id(), SIGTERM)?;
    time::sleep(Time::from_millis(20));
    ensure_eq!(process::wait(child.id(), WNOHANG), Ok(None));
    signal::send(child.id(), SIGCONT)?;
    ensure_eq!(child.wait()?.killed_by(), Some(SIGTERM));
    Ok(())
}

/// `SIGCONT` takes a stop signal away that waits, and the other way round.
fn continue_ends_a_pending_stop() -> Outcome {
    let own = process::current_id();
    signal::set_mask(signal::bit(SIGTSTP) | signal::bit(SIGCONT));
    signal::send(own, SIGTSTP)?;
    ensure_eq!(signal::pending()?, signal::bit(SIGTSTP));
    signal::send(own, SIGCONT)?;
    ensure_eq!(signal::pending()? & signal::bit(SIGTSTP), 0);
    Ok(())
}

fn a_sleep_goes_on_after_a_stop() -> Outcome {
    let child = Child::start(|| {
        let start = time::monotonic();
        let result = time::try_sleep(Time::from_millis(800));
        let taken = time::monotonic() - start;
        let is_right = result.is_ok() && taken >= Time::from_millis(800);
        i32::from(!is_right)
    })?;
    time::sleep(Time::from_millis(20));
    signal::send(child.id(), SIGSTOP)?;
    ensure_eq!(report(&child, WUNTRACED)?, STOPPED);
    signal::send(child.id(), SIGCONT)?;
    ensure_eq!(child.wait()?.exit_code(), Some(0));
    Ok(())
}
