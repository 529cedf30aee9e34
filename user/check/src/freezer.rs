//! What a program sees of a freeze of the whole system: nothing, but that
//! time has passed.
//!
//! A test freezes the system by a write to `/sys/power/state`: it is the one
//! task that stays awake. So nobody looks at frozen tasks; they themselves
//! note in shared memory what they did and when. Here is what the tests
//! share; read `freezer/task.rs` next.

pub mod power;
pub mod signal;
pub mod task;
pub mod wait;
pub mod wakeup;

use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use user_lib::time::{self, Time, monotonic};
use user_lib::{Errno, Result, cpu, file, memory, process};

use crate::tool::{Failure, Outcome, ensure_eq};
use user_lib::child::Child;

const STATE: &str = "/sys/power/state";
const LEVEL: &str = "/sys/power/pm_test";
const TIMEOUT: &str = "/sys/power/pm_freeze_timeout";
const FIGURES: &str = "/sys/power/freeze_stats";
const SUCCESS: &str = "/sys/power/suspend_stats/success";
const FAILED: &str = "/sys/power/suspend_stats/failed_freeze";
/// Seconds that a test level stays frozen.
const DELAY: &str = "/sys/module/suspend/parameters/pm_test_delay";

/// `PF_NOFREEZE`, as `/proc/PID/stat` shows it.
const NOFREEZE: u32 = 0x8000;
/// `PF_FROZEN`.
pub const FROZEN: u32 = 0x1_0000;
/// `PF_KTHREAD`.
const KTHREAD: u32 = 0x20_0000;
/// `PF_FREEZER_SKIP`.
const FREEZER_SKIP: u32 = 0x4000_0000;
/// `PF_SUSPEND_TASK`.
const SUSPEND_TASK: u32 = 0x8000_0000;

/// Freezes everything else, waits, and thaws it.
pub fn freeze(seconds: u32) -> Result<()> {
    prepare(seconds)?;
    file::overwrite(STATE, b"mem")
}

/// When a freeze was in place for certain, in milliseconds: it begins and
/// ends somewhere between its call and its return.
struct Frozen {
    from: u32,
    to: u32,
    /// When the call returned.
    thawed: u32,
}

impl Frozen {
    /// Freezes everything else for some seconds, and thaws it.
    fn for_seconds(seconds: u32) -> Result<Self> {
        let start = now_ms();
        freeze(seconds)?;
        let thawed = now_ms();
        let length = seconds * 1000;
        // One more: milliseconds are cut off.
        Ok(Self { from: thawed - length + 1, to: start + length, thawed })
    }

    /// Whether all that may happen from `earliest` to `latest` did so while
    /// everything was frozen.
    fn covers(&self, earliest: u32, latest: u32) -> bool {
        self.from <= earliest && latest <= self.to
    }
}

/// Lets the next suspend freeze, wait, and thaw.
fn prepare(seconds: u32) -> Result<()> {
    file::overwrite(DELAY, format!("{seconds}").as_bytes())?;
    file::overwrite(TIMEOUT, b"20000")?;
    file::overwrite(LEVEL, b"freezer")
}

/// The number in a file.
fn number(path: &str) -> core::result::Result<u32, Failure> {
    let text = file::text(path)?;
    text.trim().parse().map_err(|_| Failure(text))
}

/// Fails unless a file refuses each of these texts with `EINVAL`.
fn ensure_refused(path: &str, texts: &[&str]) -> Outcome {
    for text in texts {
        let written = (text, file::overwrite(path, text.as_bytes()));
        ensure_eq!(written, (text, Err(Errno::EINVAL)));
    }
    Ok(())
}

/// A figure of the last freeze.
fn figure(name: &str) -> core::result::Result<u64, Failure> {
    let text = file::text(FIGURES)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value.trim().split('.').next()?.parse().ok())
        .ok_or_else(|| Failure(format!("no {name} in {text}")))
}

/// Milliseconds since some start.
pub fn now_ms() -> u32 {
    (monotonic().as_nanos() / 1_000_000) as u32
}

/// Shared words of a test and its children.
pub fn words<const N: usize>() -> Result<[&'static AtomicU32; N]> {
    let all = memory::shared_words(N)?;
    Ok(core::array::from_fn(|index| &all[index]))
}

/// Waits until a word is at least `value`.
pub fn wait_for(word: &AtomicU32, value: u32) {
    while word.load(Ordering::Acquire) < value {
        time::sleep(Time::from_millis(1));
    }
}

/// State letter and flags of a process.
pub fn look_at(pid: i32) -> core::result::Result<(char, u32), Failure> {
    let text = file::text(&format!("/proc/{pid}/stat"))?;
    look_in(&text).ok_or(Failure(text))
}

/// The same from the line of `stat`: fields 3 and 9.
fn look_in(line: &str) -> Option<(char, u32)> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(5)?.parse().ok()?))
}

/// Waits until a process is in the state with this letter.
pub fn wait_for_state(
    pid: i32,
    letter: char,
) -> core::result::Result<(), Failure> {
    while look_at(pid)?.0 != letter {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

/// Waits until a process sleeps at this place of the kernel.
pub fn wait_for_place(
    pid: i32,
    place: &str,
) -> core::result::Result<(), Failure> {
    let path = format!("/proc/{pid}/wchan");
    while file::text(&path)? != place {
        time::sleep(Time::from_millis(1));
    }
    Ok(())
}

/// How often a process went to sleep by itself.
fn sleeps_of(pid: i32) -> core::result::Result<String, Failure> {
    let text = file::text(&format!("/proc/{pid}/status"))?;
    let line = text.lines().find(|line| line.starts_with("voluntary_"));
    line.map(String::from).ok_or(Failure(text))
}

/// A child that spins without a system call, and what it notes.
pub struct Spinner {
    /// The child.
    pub child: Child,
    /// Rounds so far.
    pub rounds: &'static AtomicU32,
    /// The longest time between two rounds, in milliseconds.
    longest: &'static AtomicU32,
}

impl Spinner {
    /// Starts one; it spins already when this returns.
    pub fn start() -> Result<Self> {
        let [rounds, longest] = words()?;
        let child = Child::start(|| spin(rounds, longest))?;
        wait_for(rounds, 1);
        Ok(Self { child, rounds, longest })
    }

    /// Waits until it has gone on.
    pub fn wait_for_more(&self) {
        let before = self.rounds.load(Ordering::Relaxed);
        wait_for(self.rounds, before.wrapping_add(1));
    }

    /// The longest time that it stood still, in milliseconds. The first
    /// round from now on may have noted its time already, the second has not.
    fn longest_ms(&self) -> u32 {
        let before = self.rounds.load(Ordering::Relaxed);
        wait_for(self.rounds, before.wrapping_add(2));
        self.longest.load(Ordering::Relaxed)
    }
}

fn spin(rounds: &AtomicU32, longest: &AtomicU32) -> ! {
    let ticks_per_ms = cpu::counter_frequency() / 1000;
    let mut before = cpu::counter();
    loop {
        let now = cpu::counter();
        let gap = (now - before) / ticks_per_ms;
        longest.fetch_max(gap as u32, Ordering::Relaxed);
        rounds.fetch_add(1, Ordering::Release);
        before = now;
        cpu::relax();
    }
}

/// The flags of this process.
fn own_flags() -> core::result::Result<u32, Failure> {
    Ok(look_at(process::current_id())?.1)
}
