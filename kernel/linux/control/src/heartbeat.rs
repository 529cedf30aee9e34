//! The heart beat of the machine: a light that blinks while tasks run, and a
//! watchdog that is kept quiet.
//!
//! The light is the work of a freezable kernel thread, so it shows what the
//! freezer does: while the system is frozen it holds still, lit or dark as the
//! freeze found it. The watchdog's thread is not freezable: a frozen system is
//! well, and must not be reset. If the scheduler dies, both end, and the
//! watchdog resets the machine, which is its purpose.
//!
//! Next to read: `kernel/core/src/device`, what is written to registers.

use kernel_abi::Errno;
use kernel_core::device::lamp::BEAT_MS;

use kernel_machine::arch;
use kernel_machine::drivers::{light, watchdog};
use kernel_task::kthread::{kthread_run, wait_event_freezable_timeout};
use kernel_task::refrigerator::{kthread_freezable_should_stop, set_freezable};
use kernel_task::{Deadline, WaitQueue, sleep};

/// Where the light's thread waits; nobody wakes it but time.
static BEAT: WaitQueue = WaitQueue::new();

/// Starts a thread for each of the two that the machine has.
///
/// # Errors
/// `ENOMEM`, `EAGAIN`.
pub fn start() -> Result<(), Errno> {
    if light::prepare() {
        kthread_run("heartbeat", beat)?;
    }
    if let Some(period_ms) = watchdog::period_ms() {
        log::info!("watchdog runs: a kick every {period_ms} ms");
        kthread_run("watchdogd", move || keep_quiet(period_ms))?;
    }
    Ok(())
}

fn after_ms(ms: u64) -> u64 {
    arch::timer::now_ns() + ms * 1_000_000
}

fn beat() {
    set_freezable();
    for (state, ms) in BEAT_MS.into_iter().cycle() {
        light::set(state);
        let deadline = Some(after_ms(ms));
        let never = || None::<()>;
        wait_event_freezable_timeout(&BEAT, "heartbeat", deadline, never);
        let (_was_frozen, should_stop) = kthread_freezable_should_stop();
        if should_stop {
            return;
        }
    }
}

fn keep_quiet(period_ms: u64) {
    loop {
        watchdog::kick();
        // No signal comes to a kernel thread.
        let _ = sleep::sleep_until(
            "watchdogd",
            Deadline::Monotonic(after_ms(period_ms)),
        );
    }
}
