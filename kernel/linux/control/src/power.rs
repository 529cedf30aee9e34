//! Suspending the system: what a write to `/sys/power/state` does.
//!
//! Freeze everything, stand still until something wakes the system, thaw.
//! A test level stops earlier and goes back by itself after a delay (Linux's
//! *Basic PM debugging*). The files are in `power/files.rs`.
//!
//! ```text
//! write "mem"   freeze_processes  freeze_kernel_threads    wait    thaw
//!     |---------------|---------------------|-----|------|----|-----|
//!     writer runs      user tasks frozen     all frozen  |    |  all run
//!                                                 CPUs off    CPUs on
//! ```
//!
//! All CPUs but one are turned off once everything is frozen, and are back
//! before anything thaws: no task ever finds its CPU missing. Linux does so
//! for `deep` only and lets the others idle in suspend-to-idle; here one CPU
//! waits for the wakeup either way, and the others draw no power.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU8, AtomicU32};

use kernel_abi::Errno;
use kernel_core::freezer::power::{SleepState, TestLevel, Word};
use kernel_core::freezer::stats::{FailedStep, Failure, SuspendStats};

use kernel_machine::arch;
use kernel_machine::sync::{Rank, SpinLock};
use kernel_task::freezer::wakeup::{self, Seen};
use kernel_task::freezer::{self, SYSTEM_TRANSITION};
use kernel_task::{hotplug, sleep};

pub mod files;
pub mod rtc;
pub mod tracing;

/// States this machine can enter. Hibernation needs a disk.
const SUPPORTED: &[SleepState] = &[SleepState::Freeze, SleepState::Mem];

/// Index in [`TestLevel::ALL`] of the level in effect.
static TEST_LEVEL: AtomicU8 = AtomicU8::new(0);
/// Seconds that a test waits before it goes back.
static TEST_DELAY_S: AtomicU32 = AtomicU32::new(5);
static STATS: SpinLock<SuspendStats> =
    SpinLock::with_rank(Rank::Device, SuspendStats::new());

fn test_level() -> TestLevel {
    TestLevel::ALL[usize::from(TEST_LEVEL.load(Relaxed))]
}

fn set_test_level(level: TestLevel) {
    let index = TestLevel::ALL.iter().position(|&it| it == level);
    TEST_LEVEL.store(index.unwrap_or(0) as u8, Relaxed);
}

/// Sets how long a test waits, in seconds.
pub fn set_test_delay(seconds: u32) {
    TEST_DELAY_S.store(seconds, Relaxed);
}

/// Suspends the system and returns when it runs again.
///
/// # Errors
/// `EBUSY` if another suspend is under way, tasks refuse to freeze, or a
/// wakeup event comes; `EAGAIN` for a test level beyond what this kind of
/// suspend does. Everything runs as before. Each is counted as a failure, as
/// Linux's `pm_suspend` does.
fn suspend() -> Result<(), Errno> {
    let result = enter_state();
    STATS.lock().record(result);
    result.map_err(|failure| failure.errno)
}

fn enter_state() -> Result<(), Failure> {
    let level = test_level();
    if matches!(level, TestLevel::Core | TestLevel::Processors) {
        log::warn!("PM: unsupported test level for suspend to idle");
        return Err(Failure { step: None, errno: Errno::EAGAIN });
    }
    let Some(_transition) = SYSTEM_TRANSITION.try_lock() else {
        return Err(Failure { step: None, errno: Errno::EBUSY });
    };
    let seen = wakeup::seen();
    log::info!("PM: suspend entry (s2idle)");
    let result = freeze_and_wait(level, seen);
    wakeup::disarm();
    log::info!("PM: suspend exit");
    result
}

fn freeze_and_wait(level: TestLevel, seen: Seen) -> Result<(), Failure> {
    freezer::suspend_freeze_processes()
        .map_err(|errno| Failure { step: Some(FailedStep::Freeze), errno })?;
    let result = match level {
        TestLevel::None => suspend_to_idle(seen),
        _ => {
            wait_for_test();
            Ok(())
        }
    };
    freezer::thaw_processes();
    result
}

/// A test level is reached: stands still for the delay.
fn wait_for_test() {
    let seconds = TEST_DELAY_S.load(Relaxed);
    log::info!("PM: suspend debug: Waiting for {seconds} second(s).");
    let delay_ns = u64::from(seconds) * 1_000_000_000;
    let deadline = arch::timer::now_ns() + delay_ns;
    sleep::sleep_uninterruptible("suspend_test", deadline);
}

/// Stands still until a wakeup event: a key on the console, the alarm of the
/// real-time clock. Every task is frozen and the other CPUs are off, so the
/// boot CPU waits in its idle loop without a tick, and takes the interrupt
/// that ends it. An event since the suspend began, none of those `seen` then,
/// ends it at once.
fn suspend_to_idle(seen: Seen) -> Result<(), Failure> {
    let failed = |errno| Failure { step: Some(FailedStep::Suspend), errno };
    if wakeup::is_pending() {
        return Err(failed(Errno::EBUSY));
    }
    let secondaries =
        hotplug::disable_secondary_cpus(wakeup::is_pending).map_err(failed)?;
    log::info!("PM: suspend-to-idle");
    wakeup::wait_for_event(seen);
    log::info!("PM: resume from suspend-to-idle");
    secondaries.enable();
    Ok(())
}
