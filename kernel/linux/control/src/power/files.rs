//! The files of suspend: `/sys/power` and what belongs to it, with Linux's
//! grammar and errors (SPECIFICATION.md M1 to M6, L1).

use alloc::format;
use alloc::string::{String, ToString};
use core::sync::atomic::Ordering::Relaxed;

use kernel_abi::Errno;
use kernel_core::power::stats::{FailedStep, SuspendStats};
use kernel_core::power::{
    Choice, MemSleep, SleepState, TestLevel, Word, parse, parse_count,
    parse_timeout_ms,
};

use super::{STATS, SUPPORTED, TEST_DELAY_S};
use kernel_files::sys::{Attribute, register};
use kernel_task::freezer::{self, wakeup};
#[cfg(debug_assertions)]
use kernel_task::stretch;

/// Makes the files.
///
/// # Errors
/// `ENOMEM`.
pub fn register_all() -> Result<(), Errno> {
    register("/sys/power/state", Attribute::new(show_state, store_state))?;
    let mem_sleep = Attribute::new(show_mem_sleep, store_mem_sleep);
    register("/sys/power/mem_sleep", mem_sleep)?;
    let pm_test = Attribute::new(show_pm_test, store_pm_test);
    register("/sys/power/pm_test", pm_test)?;
    let timeout = Attribute::new(show_timeout, store_timeout);
    register("/sys/power/pm_freeze_timeout", timeout)?;
    let count = Attribute::new(show_wakeup_count, store_wakeup_count);
    register("/sys/power/wakeup_count", count)?;
    let stats = Attribute::read_only(show_freeze_stats);
    register("/sys/power/freeze_stats", stats)?;
    #[cfg(debug_assertions)]
    register(
        "/sys/power/longest_stretches",
        Attribute::new(show_stretches, forget_stretches),
    )?;
    let delay = Attribute::new(show_test_delay, store_test_delay);
    register("/sys/module/suspend/parameters/pm_test_delay", delay)?;
    register_suspend_stats()
}

fn register_suspend_stats() -> Result<(), Errno> {
    type Show = fn() -> Result<String, Errno>;
    let files: [(&str, Show); 7] = [
        ("success", || Ok(line(stats().success))),
        ("fail", || Ok(line(stats().fail))),
        ("failed_freeze", || Ok(line(stats().failed_freeze))),
        ("failed_prepare", || Ok(line(stats().failed_prepare))),
        ("failed_suspend", || Ok(line(stats().failed_suspend))),
        ("last_failed_errno", show_last_failed_errno),
        ("last_failed_step", show_last_failed_step),
    ];
    for (name, show) in files {
        let path = format!("/sys/power/suspend_stats/{name}");
        register(&path, Attribute::read_only(show))?;
    }
    Ok(())
}

/// A copy, so that the lock is not held while text is made.
fn stats() -> SuspendStats {
    *STATS.lock()
}

fn line(value: impl ToString) -> String {
    value.to_string() + "\n"
}

fn show_last_failed_errno() -> Result<String, Errno> {
    let last = stats().last_errno;
    Ok(line(last.map_or(0, |errno| -i32::from(errno.0))))
}

fn show_last_failed_step() -> Result<String, Errno> {
    Ok(line(stats().last_step.map_or("", FailedStep::name)))
}

fn show_state() -> Result<String, Errno> {
    let choice = Choice::<SleepState> { supported: SUPPORTED, chosen: None };
    Ok(choice.to_string())
}

fn store_state(text: &[u8]) -> Result<(), Errno> {
    let _state: SleepState = parse(text, SUPPORTED)?;
    // `mem` is what `mem_sleep` says, and that can only be `s2idle`.
    super::suspend()
}

fn show_mem_sleep() -> Result<String, Errno> {
    let supported = &[MemSleep::S2Idle];
    Ok(Choice { supported, chosen: Some(MemSleep::S2Idle) }.to_string())
}

fn store_mem_sleep(text: &[u8]) -> Result<(), Errno> {
    parse(text, &[MemSleep::S2Idle]).map(|_| ())
}

fn show_pm_test() -> Result<String, Errno> {
    let chosen = Some(super::test_level());
    Ok(Choice { supported: TestLevel::ALL, chosen }.to_string())
}

fn store_pm_test(text: &[u8]) -> Result<(), Errno> {
    super::set_test_level(parse(text, TestLevel::ALL)?);
    Ok(())
}

fn show_timeout() -> Result<String, Errno> {
    Ok(line(freezer::freeze_timeout_ms()))
}

fn store_timeout(text: &[u8]) -> Result<(), Errno> {
    freezer::set_freeze_timeout_ms(parse_timeout_ms(text)?);
    Ok(())
}

fn show_wakeup_count() -> Result<String, Errno> {
    wakeup::read_count().map(line)
}

fn store_wakeup_count(text: &[u8]) -> Result<(), Errno> {
    wakeup::arm(parse_count(text)?)
}

fn show_freeze_stats() -> Result<String, Errno> {
    Ok(freezer::statistics())
}

#[cfg(debug_assertions)]
fn show_stretches() -> Result<String, Errno> {
    Ok(stretch::show())
}

/// Whatever is written: they are measured anew from here on.
#[cfg(debug_assertions)]
fn forget_stretches(_text: &[u8]) -> Result<(), Errno> {
    stretch::forget();
    Ok(())
}

fn show_test_delay() -> Result<String, Errno> {
    Ok(line(TEST_DELAY_S.load(Relaxed)))
}

fn store_test_delay(text: &[u8]) -> Result<(), Errno> {
    super::set_test_delay(parse_timeout_ms(text)?);
    Ok(())
}
