//! `ptrace`: stops, requests and events. Here is what the tests share; read
//! `trace/stop.rs` next. What a freeze does to a traced task is in
//! `group/trace.rs`.

pub mod event;
pub mod register;
pub mod stop;

use alloc::format;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::linux::{__WALL, SIGSTOP, SIGTRAP};
use user_lib::ptrace::{self, EVENT_STOP};
use user_lib::time::{self, Time};
use user_lib::{Result, file, process};

use super::freezer::{wait_for, words};
use super::tool::{Failure, Outcome, ensure_eq};
use user_lib::child::Child;

/// What `wait4` shows of an interrupted seized process.
pub const INTERRUPTED: u32 = SIGTRAP | EVENT_STOP << 8;

/// A child that sleeps for ever.
pub fn sleeper() -> Result<Child> {
    Child::start(|| {
        loop {
            time::sleep(Time::from_millis(1 << 30));
        }
    })
}

/// A child that counts in a shared word, without a system call. It loads and
/// stores: an exclusive pair would never succeed while it is stepped.
pub fn counter() -> Result<(Child, &'static AtomicU32)> {
    let [count] = words()?;
    let child = Child::start(|| {
        loop {
            let next = count.load(Ordering::Relaxed).wrapping_add(1);
            count.store(next, Ordering::Release);
        }
    })?;
    wait_for(count, 1);
    Ok((child, count))
}

/// Waits for a stop of a traced process; what it shows above the lowest byte.
pub fn next_stop(pid: i32) -> core::result::Result<u32, Failure> {
    match process::wait(pid, __WALL)? {
        Some((id, status)) if id == pid && status.0 & 0xff == 0x7f => {
            Ok((status.0 >> 8) as u32)
        }
        other => Err(Failure(format!("{pid}: no stop but {other:?}"))),
    }
}

/// Seizes a process and stops it.
pub fn seize(pid: i32, options: u32) -> Outcome {
    ptrace::request(ptrace::SEIZE, pid, 0, options as usize)?;
    interrupt(pid)
}

/// Stops a seized process.
pub fn interrupt(pid: i32) -> Outcome {
    ptrace::request(ptrace::INTERRUPT, pid, 0, 0)?;
    ensure_eq!(next_stop(pid)?, INTERRUPTED);
    Ok(())
}

/// Attaches to a process, which stops it.
pub fn attach(pid: i32) -> Outcome {
    ptrace::request(ptrace::ATTACH, pid, 0, 0)?;
    ensure_eq!(next_stop(pid)?, SIGSTOP);
    Ok(())
}

/// Lets it go on in one of the ways, with a signal.
pub fn go_on(pid: i32, how: u32, signal: u32) -> Result<()> {
    ptrace::request(how, pid, 0, signal as usize).map(drop)
}

/// Who traces a process, as `/proc` tells.
pub fn tracer_of(pid: i32) -> core::result::Result<i32, Failure> {
    let text = file::text(&format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|it| it.strip_prefix("TracerPid:\t"));
    let id = line.and_then(|id| id.parse().ok());
    id.ok_or(Failure(text))
}
